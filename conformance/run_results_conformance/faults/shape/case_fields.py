"""Shape: values of cross-class fields that do not fit the spec."""

from run_results_conformance.faults.steps import (
    CASE,
    at,
    each,
    gone,
    instead,
    to,
)

from .family import shape

CASE_FIELDS_SHAPE = (
    shape("case-name-missing", "A cross-class field has no name.", at(f"{CASE}/name", gone)),
    shape(
        "case-value-null", "A cross-class field without a value has null.", at(f"{CASE}/value", instead("ERROR", None))
    ),
    shape(
        "options-null-when-none",
        "A cross-class field that nothing feeds has null options.",
        at(f"{CASE}/input_fields", instead([], None)),
    ),
    shape(
        "option-index-text", "The record index of an option is a text.", at(f"{CASE}/input_fields/record_index", str)
    ),
    shape(
        "option-index-negative",
        "The record index of an option counts from -1.",
        at(f"{CASE}/input_fields/record_index", lambda index: index - 1),
    ),
    shape(
        "option-name-null",
        "The field name of an option is null.",
        at(f"{CASE}/input_fields/refined_phrase_name", to(None)),
    ),
    shape(
        "chosen-field-false",
        "A cross-class field that chose nothing has false.",
        at(f"{CASE}/chosen_field", instead(None, False)),
    ),
    shape(
        "chosen-field-a-list",
        "The chosen option is a list of one.",
        at(f"{CASE}/chosen_field", lambda option: option and [option]),
    ),
    shape(
        "chosen-field-index-a-fraction",
        "The chosen option's record index is not an integer.",
        at(f"{CASE}/chosen_field/record_index", lambda index: index + 0.25),
    ),
    shape(
        "case-valid-missing",
        "The validations of a cross-class field do not say whether it is valid.",
        at(f"{CASE}/validations/valid", gone),
    ),
    shape(
        "case-failures-null",
        "The failures of a valid cross-class field are null.",
        at(f"{CASE}/validations/failures", instead([], None)),
    ),
    shape(
        "case-failure-texts",
        "The failures of a cross-class field are texts.",
        at(f"{CASE}/validations/failures", each(lambda failure: failure["msg"])),
    ),
    shape(
        "case-failure-type-missing",
        "A failure of a cross-class field has no type.",
        at(f"{CASE}/validations/failures/type", gone),
    ),
)
