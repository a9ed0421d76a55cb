"""Shape: values of files and documents that do not fit the spec."""

from run_results_conformance.faults.steps import (
    DOCUMENT,
    FIELD,
    Change,
    at,
    each,
    gone,
    instead,
    last,
    late,
    to,
    within,
)

from .family import shape


def _inside(name: str) -> Change:
    return lambda value: {name: value}


DOCUMENTS_SHAPE = (
    shape(
        "file-name-null-late",
        "A file's name is null from the third page on.",
        at("files/original_file_name", to(None)),
        when=late,
    ),
    shape(
        "file-path-a-list",
        "A file's path is a list of its parts.",
        at("files/input_file_path", lambda path: path.split("/")),
    ),
    shape(
        "documents-null-when-none",
        "A file without documents has null for them.",
        at("files/documents", instead([], None)),
    ),
    shape(
        "documents-alone",
        "The only document of a file is not in an array.",
        at("files/documents", lambda documents: documents[0] if len(documents) == 1 else documents),
    ),
    shape(
        "documents-twice-nested",
        "A file's documents stand in an array of arrays.",
        at("files/documents", lambda documents: [documents]),
    ),
    shape("class-name-an-object", "The class is an object.", at(f"{DOCUMENT}/class_name", _inside("name"))),
    shape("class-name-false", "No class is false instead of null.", at(f"{DOCUMENT}/class_name", instead(None, False))),
    shape(
        "page-numbers-text",
        "The page numbers are one text, as a printer takes it.",
        at(f"{DOCUMENT}/page_numbers", lambda pages: ",".join(map(str, pages))),
    ),
    shape("page-numbers-texts", "Each page number is a text.", at(f"{DOCUMENT}/page_numbers", each(str))),
    shape(
        "page-numbers-negative", "The first page is -1.", at(f"{DOCUMENT}/page_numbers", each(lambda page: page - 1))
    ),
    shape(
        "page-numbers-nulls",
        "A document without a class has null page numbers.",
        at(f"{DOCUMENT}/page_numbers", each(to(None)), where=lambda document: document["class_name"] is None),
    ),
    shape(
        "fields-by-name",
        "The fields are an object with their names as keys.",
        at(FIELD, lambda fields: {field["field_name"]: field for field in fields}),
    ),
    shape("fields-null-without-class", "A document without a class has null fields.", at(FIELD, instead([], None))),
    shape(
        "document-review-text",
        "Whether a document's review is complete is a text.",
        at(f"{DOCUMENT}/review_completed", str),
    ),
    shape(
        "layouts-by-page",
        "The page layouts are an object with the pages as keys.",
        at(f"{DOCUMENT}/page_layouts", lambda layouts: {str(each_["page_number"]): each_ for each_ in layouts}),
    ),
    shape("layout-width-missing", "A page layout has no width.", at(f"{DOCUMENT}/page_layouts/width", gone)),
    shape(
        "layout-height-null-late",
        "A page layout's height is null on the last page.",
        at(f"{DOCUMENT}/page_layouts/height", to(None)),
        when=last,
    ),
    shape(
        "layout-width-with-unit",
        "A page layout's width is a text with its unit.",
        at(f"{DOCUMENT}/page_layouts/width", lambda width: f"{width}px"),
    ),
    shape(
        "layout-height-negative",
        "A page layout's height is below zero.",
        at(f"{DOCUMENT}/page_layouts/height", lambda height: -height),
    ),
    shape(
        "layout-page-a-half",
        "A page layout's page number is not an integer.",
        at(f"{DOCUMENT}/page_layouts/page_number", lambda page: page + 0.5),
    ),
    shape(
        "processed-paths-text",
        "A single processed path is not in an array.",
        at(f"{DOCUMENT}/post_processed_paths", lambda paths: paths[0] if len(paths) == 1 else paths),
    ),
    shape(
        "processed-paths-objects",
        "The processed paths are objects.",
        at(f"{DOCUMENT}/post_processed_paths", each(_inside("path"))),
    ),
    shape(
        "pdf-path-null",
        "The PDF's path is null where no PDF was made.",
        within(DOCUMENT, lambda document: document.setdefault("post_processed_pdf_path", None)),
        when=lambda call: "include_source_info" in call.flags,
    ),
    shape(
        "class-edits-null-when-none",
        "The edits of a class are null where there are none.",
        at(f"{DOCUMENT}/class_edit_history", instead([], None)),
    ),
    shape(
        "class-edit-user-missing", "An edit of a class has no user.", at(f"{DOCUMENT}/class_edit_history/user_id", gone)
    ),
    shape(
        "document-validations-boolean",
        "The validations of a document are a bare boolean.",
        at(f"{DOCUMENT}/validations", lambda outcome: outcome["final_result_pass"]),
    ),
    shape(
        "final-result-null-when-failed",
        "A document that did not pass has null as its final result.",
        at(f"{DOCUMENT}/validations/final_result_pass", instead(False, None)),
    ),
    shape(
        "class-confidence-a-number",
        "The confidence of a class is a bare number.",
        at(f"{DOCUMENT}/classification_confidence", lambda confidence: confidence["model"]),
    ),
    shape(
        "class-confidence-percent-text",
        "The confidence of a class is a text with a percent sign.",
        at(f"{DOCUMENT}/classification_confidence/model", lambda score: f"{score or 0:.0%}"),
    ),
)
