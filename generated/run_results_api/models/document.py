# Made from openapi.yaml by `make generate`. Changes made here are lost: change the spec or a template.
from typing import Annotated

from msgspec import Meta

from ..models.classification_confidence import ClassificationConfidence
from ..models.document_validations import DocumentValidations
from ..models.edit import Edit
from ..models.field import Field
from ..models.page_layout import PageLayout
from ..types import UNSET, Model, Unset


class Document(Model, kw_only=True):
    """A document found in a file. One file can hold several."""

    class_name: None | str | Unset = UNSET
    """The class given to the document; null when it could not be classified."""
    page_numbers: list[Annotated[int, Meta(ge=0, le=2147483647)]] | Unset = UNSET
    """The pages of the file that make up the document, counted from 0."""
    fields: list[Field] | Unset = UNSET
    """The fields extracted from the document."""
    review_completed: bool | Unset = UNSET
    """Whether the human review of the document is complete."""
    page_layouts: list[PageLayout] | Unset = UNSET
    """The size of each page, in the units of the source coordinates."""
    post_processed_paths: list[str] | Unset = UNSET
    """Where the platform keeps the processed pages of the document."""
    post_processed_pdf_path: str | Unset = UNSET
    """Where the platform keeps the PDF of this document, if the app is set to make one."""
    class_edit_history: list[Edit] | Unset = UNSET
    """What reviewers changed about the class, oldest first."""
    validations: DocumentValidations | Unset = UNSET
    """Outcome of the validation rules for the document as a whole."""
    classification_confidence: ClassificationConfidence | Unset = UNSET
    """How sure the platform is of the document's class."""
