# Made from openapi.yaml by `make generate`. Changes made here are lost: change the spec or a template.
from ..models.document import Document
from ..types import UNSET, Model, Unset


class File(Model, kw_only=True):
    """One input file of the run."""

    original_file_name: str | Unset = UNSET
    """The file's name as it was uploaded."""
    input_file_path: str | Unset = UNSET
    """Where the platform keeps the input file."""
    documents: list[Document] | Unset = UNSET
    """The documents found in the file, in page order."""
