"""What a change of the contract means: does it break readers of answers, or senders of requests?

    >>> from run_results_conformance.evolve import Document, judge
    >>> old = Document.parse('{"openapi": "3.1.0", "info": {"version": "1.0.0"}, "paths": {}}', "old")
    >>> judge(old, old).step
    'none'

`document` reads; `schema` and `schemas` compare what a value may be; `operations` compares everything around it;
`judgement` has the version step that is due, and shows it all.
"""

from .change import CannotJudge, Change, Verdict
from .document import Document, DocumentError
from .judgement import Judgement, as_json, as_markdown, as_text, fragment, judge

__all__ = (
    "CannotJudge",
    "Change",
    "Document",
    "DocumentError",
    "Judgement",
    "Verdict",
    "as_json",
    "as_markdown",
    "as_text",
    "fragment",
    "judge",
)
