# Made from openapi.yaml by `make generate`. Changes made here are lost: change the spec or a template.
"""Contains all the data models used in inputs/outputs"""

from .alert_location import AlertLocation
from .case_field import CaseField
from .case_field_failure import CaseFieldFailure
from .case_field_option import CaseFieldOption
from .case_field_validations import CaseFieldValidations
from .case_info import CaseInfo
from .classification_confidence import ClassificationConfidence
from .custom_keys import CustomKeys
from .document import Document
from .document_validations import DocumentValidations
from .edit import Edit
from .error import Error
from .field import Field
from .field_confidence import FieldConfidence
from .field_validations import FieldValidations
from .file import File
from .modification import Modification
from .page_layout import PageLayout
from .run_keys import RunKeys
from .run_list import RunList
from .run_results import RunResults
from .run_sort_key import RunSortKey
from .run_status import RunStatus
from .run_summary import RunSummary
from .sort_order import SortOrder
from .source_coordinates import SourceCoordinates
from .validation_alert import ValidationAlert

__all__ = (
    "AlertLocation",
    "CaseField",
    "CaseFieldFailure",
    "CaseFieldOption",
    "CaseFieldValidations",
    "CaseInfo",
    "ClassificationConfidence",
    "CustomKeys",
    "Document",
    "DocumentValidations",
    "Edit",
    "Error",
    "Field",
    "FieldConfidence",
    "FieldValidations",
    "File",
    "Modification",
    "PageLayout",
    "RunKeys",
    "RunList",
    "RunResults",
    "RunSortKey",
    "RunStatus",
    "RunSummary",
    "SortOrder",
    "SourceCoordinates",
    "ValidationAlert",
)
