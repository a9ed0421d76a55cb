"""Examples in docstrings become blocks of code in the site; without it, Markdown takes `>>>` for a quotation."""

import re
from typing import Any

import griffe


def as_code(docstring: str) -> str:
    """A docstring whose examples are fenced.

    >>> as_code("Adds.\\n\\n>>> 1 + 1\\n2")
    'Adds.\\n\\n```pycon\\n>>> 1 + 1\\n2\\n```'
    """
    example = re.compile(r"^>>> .*(?:\n(?!\s*$).*)*", re.MULTILINE)
    without_marks = re.sub(r" *# doctest: \+SKIP", "", docstring)
    return example.sub(lambda match: f"```pycon\n{match[0]}\n```", without_marks)


class Doctests(griffe.Extension):
    """Called by mkdocstrings with each object that has a docstring."""

    def on_object(self, *, obj: griffe.Object, **_: Any) -> None:
        """Fence the examples."""
        if obj.docstring is not None:
            obj.docstring.value = as_code(obj.docstring.value)
