"""Cross-class fields of synthetic runs: each takes its value from a field of one of the documents."""

from collections.abc import Iterator, Sequence

from run_results_conformance.server.terms import JsonObject

from .documents import NO_VALUE, make_edits
from .project import CASE_FIELDS
from .values import Random


def make_case_fields(r: Random, documents: Sequence[JsonObject]) -> Iterator[JsonObject]:
    """The cross-class fields of a packet with these documents."""
    for name, feeders in CASE_FIELDS.items():
        options: list[tuple[JsonObject, str]] = []
        for index, document in enumerate(documents):
            wanted = feeders.get(document["class_name"])
            options.extend(
                ({"record_index": index, "refined_phrase_name": part["field_name"]}, part["value"])
                for part in document["fields"]
                if part["field_name"] == wanted
            )
        chosen = next(((option, value) for option, value in options if value != NO_VALUE), None)
        case_field: JsonObject = {
            "name": name,
            "value": chosen[1] if chosen else NO_VALUE,
            "input_fields": [option for option, _ in options],
            "chosen_field": chosen[0] if chosen else None,
            "edit_history": make_edits(r, "Chose the value") if chosen and r() < 0.5 else [],
            "validations": {"valid": chosen is not None, "failures": []},
        }
        if not chosen:
            case_field["error_msg"] = f"No document of the packet holds {name!r}"
            case_field["validations"]["failures"] = [{"type": "required", "msg": f"{name} is required"}]
        yield case_field
