# Made from openapi.yaml by `make generate`. Changes made here are lost: change the spec or a template.
"""The include flags, and what an answer has for each of them."""

from typing import Final

from .models import RunResults
from .types import UNSET

PARAMETERS: Final = {
    "REVIEW": "include_review_results",
    "CONFIDENCE": "include_confidence_scores",
    "VALIDATION": "include_validation_results",
    "SOURCE": "include_source_info",
}
"""The parameter of each flag."""

GUARANTEED: Final[tuple[tuple[str, str, str], ...]] = (
    ("REVIEW", "files[].documents[]", "review_completed"),
    ("REVIEW", "files[].documents[]", "class_edit_history"),
    ("REVIEW", "files[].documents[].fields[]", "edit_history"),
    ("REVIEW", "case_info.fields[]", "edit_history"),
    ("CONFIDENCE", "files[].documents[]", "classification_confidence"),
    ("CONFIDENCE", "files[].documents[].fields[]", "confidence"),
    ("VALIDATION", "files[].documents[]", "validations"),
    ("VALIDATION", "files[].documents[].fields[]", "validations"),
    ("SOURCE", "files[].documents[]", "page_layouts"),
    ("SOURCE", "files[].documents[]", "post_processed_paths"),
    ("SOURCE", "files[].documents[].fields[]", "source_coordinates"),
)
"""What is there, at least empty, where a flag asks for it (`x-include`): flag, place in the answer, member."""


def lacks(run: RunResults, review: bool, confidence: bool, validation: bool, source: bool) -> bool:
    """Whether anything of `GUARANTEED` is missing for the flags that are set: a quick look at every object.

    It takes the time to fetch each object from memory once: with all flags about a quarter of the time of decoding. A
    pass for each member takes twice that, so the members are written out.
    """
    return bool(
        [
            None
            for level1 in run.files or ()
            for level2 in level1.documents or ()
            if (
                (review and (level2.review_completed is UNSET or level2.class_edit_history is UNSET))
                or (source and (level2.page_layouts is UNSET or level2.post_processed_paths is UNSET))
                or (validation and (level2.validations is UNSET))
                or (confidence and (level2.classification_confidence is UNSET))
            )
        ]
        or [
            None
            for level1 in run.files or ()
            for level2 in level1.documents or ()
            for level3 in level2.fields or ()
            if (
                (source and (level3.source_coordinates is UNSET))
                or (review and (level3.edit_history is UNSET))
                or (confidence and (level3.confidence is UNSET))
                or (validation and (level3.validations is UNSET))
            )
        ]
        or [
            None
            for level1 in (run.case_info and run.case_info.fields) or ()
            if (review and (level1.edit_history is UNSET))
        ]
    )
