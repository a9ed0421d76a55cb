"""Shapes that answers had before the contract of today, and how each of them is read.

docs/contract.md has each reading, with its reason, under "Earlier versions". A value that is read this way is in the
model, and a `Drift` says where it stood, in which shape. It is a breach of the contract of today, and of nothing else.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

import msgspec
from msgspec import Struct

from run_results_api.models import Document, RunResults, ValidationAlert
from run_results_api.types import UNSET, Model, Unset


class Reading(Struct, frozen=True):
    """How a member of another shape is read."""

    expected: str
    """What the contract has there, and since when."""
    read: Callable[[Any], Any]
    """Gives the value in the shape of today; `UNSET` where nothing came, and `None` where it is not this old shape."""


def _locations(value: Any) -> list[Any] | None:
    if not isinstance(value, dict):
        return None
    return [value] if value else []


def _pdf_path(value: Any) -> str | Unset | None:
    if not isinstance(value, list) or not all(isinstance(path, str) for path in value):
        return None
    return value[0] if value else UNSET


def _batch_id(value: Any) -> str | None:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else None


def _keys(value: Any) -> dict[str, Any] | None:
    if not isinstance(value, list) or len(value) > 1 or not all(isinstance(item, dict) for item in value):
        return None
    return value[0] if value else {}


READINGS: Final[Mapping[tuple[type[Model], str], Reading]] = MappingProxyType(
    {
        (ValidationAlert, "locations"): Reading("array (since 2026-01-15; an object before)", _locations),
        (Document, "post_processed_pdf_path"): Reading("string (since 2025-06-26; an array before)", _pdf_path),
        (RunResults, "batch_id"): Reading("string", _batch_id),
        (RunResults, "keys"): Reading("object", _keys),
    }
)
"""The readings, by model and member."""

RENAMED: Final[Mapping[tuple[type[Model], str], tuple[str, str]]] = MappingProxyType(
    {(RunResults, "message"): ("msg", "message (since 2026-01-13; msg before)")}
)
"""Members that had another name: the name, and what the contract has now. The new name counts where both came."""


class _Renamed(Struct):
    msg: Any = UNSET


_RENAMED_DECODER = msgspec.json.Decoder(_Renamed)


def is_renamed(body: bytes, run: RunResults) -> bool:
    """Whether an answer that decoding took has a member under an earlier name, which decoding skips."""
    return run.message is UNSET and b'"msg"' in body and _RENAMED_DECODER.decode(body).msg is not UNSET
