"""Shape: a value has another JSON type, is null, missing or out of range, or is one level too deep or too high."""

from .case_fields import CASE_FIELDS_SHAPE
from .documents import DOCUMENTS_SHAPE
from .fields import FIELDS_SHAPE
from .run import RUN_SHAPE

SHAPE = (*RUN_SHAPE, *DOCUMENTS_SHAPE, *FIELDS_SHAPE, *CASE_FIELDS_SHAPE)
"""Every fault of the family `shape`."""
