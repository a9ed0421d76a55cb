"""The columns of the tables, with type, unit and meaning. Nothing here needs pyarrow.

The Arrow schema and docs/tables.md are made from `COLUMNS`. `run-results fetch` uses the same names (`cli/rows.py`).
`VERSION` grows by one when a column is renamed or removed, or when its type or meaning changes; a new column does not
change it.
"""

from collections.abc import Iterator
from typing import Final, Literal, get_args

from attrs import frozen

from run_results.errors import ConfigurationError

VERSION: Final = 2
"""The version of the schema, in each table's metadata as `run_results.schema_version`."""

What = Literal["fields", "documents", "files", "case_fields"]
"""The names of the tables."""

TABLES: Final[tuple[What, ...]] = get_args(What)


@frozen
class ListOf:
    """A list; its child is called `element`, as Parquet and Spark have it."""

    element: "Type"


@frozen
class Struct:
    """A value made of named members."""

    members: "tuple[Column, ...]"


Type = str | ListOf | Struct
"""A type: the Arrow name of a plain one, or a nested one."""


@frozen
class Column:
    """One column, or one member of a struct."""

    name: str
    type: Type
    description: str
    nullable: bool = True
    unit: str | None = None
    """What a number counts or measures; None where it has no unit."""
    typed: bool = False
    """Whether it is there only when typed values are asked for."""
    source: str | None = None
    """The member of the row's model that the column has, such as `confidence.model`; None where `batches` makes it."""


def _key(name: str, description: str, type: Type = "int64") -> Column:
    return Column(name, type, description, nullable=False)


def _time(name: str, description: str) -> Column:
    # Not nanoseconds: Spark and Delta cannot read them, and Python's own times have none.
    return Column(name, "timestamp[us, UTC]", description, unit="microseconds since 1970")


def _nanoseconds(name: str, description: str) -> Column:
    return Column(name, "int64", description, unit="nanoseconds since 1970")


_SCORE = "0 to 1"
_LENGTH = "the page's unit of length, as in page_layouts"
_PAGE = Column("page_number", "int32", "The page of the file, counted from 0.", unit="pages")

_RUN = _key("run_id", "The run.", "string")
_FILE = _key("file_index", "The file's index in the run, counted from 0.")
_FILE_NAME = Column("file_name", "string", "The file's name as it was uploaded.")
_DOCUMENT = _key("document_index", "The document's index in the file, counted from 0.")
_CLASS = Column("class_name", "string", "The document's class; null where it could not be classified.")

_EDITS = ListOf(
    Struct(
        (
            Column(
                "timestamp", "string", "The time, as the server writes it: month/day/year and time, without a zone."
            ),
            Column("user_id", "string", "The user who made the change."),
            Column(
                "modifications",
                ListOf(Struct((Column("message", "string", "The change in words."),))),
                "What was changed.",
            ),
        )
    )
)
_NAMING = (
    Column(
        "name",
        "string",
        "What the project calls the field: the project's name where it is known for sure, the API name where"
        " several names have it, else the best guess.",
    ),
    _key("name_is_known", "Whether `name` is surely the project's name, and no guess.", "bool"),
    Column("api_name", "string", "The field's name in the API; null where the server gave no text."),
)
_TYPED = (
    Column(
        "number",
        "decimal128(38, 9)",
        "The value of a number or an amount, where it can be read in one way only.",
        typed=True,
    ),
    Column(
        "currency",
        "string",
        "The sign or code of an amount's currency, as it is written; the code where there are both.",
        typed=True,
    ),
    Column("date", "date32", "The value of a date, where it can be read in one way only.", typed=True),
)
_OUTCOME = (
    _key("failed", "Whether extraction failed: the value is the word ERROR, or there is an error message.", "bool"),
    Column("error", "string", "Why extraction failed; null or empty where it did not fail."),
)
_VALID = Column("valid", "bool", "Whether every validation rule passed.")
_EDITED = (
    Column("edited", "bool", "Whether a reviewer changed something; null where the server does not say."),
    Column("edits", _EDITS, "What reviewers changed, oldest first."),
)
_OPTION = Struct(
    (
        Column("record_index", "int32", "The document's index within the packet, counted from 0."),
        Column("refined_phrase_name", "string", "The project's name for the field in that document."),
    )
)

FURTHER: Final = Column(
    "further",
    ListOf(
        Struct(
            (
                Column("name", "string", "The field's name in the API."),
                Column("value", "string", "The value as text, exactly as it came."),
            )
        )
    ),
    "The document's fields that the project's names do not have; null where there are none.",
)
"""The last column of a wide table whose columns are those of the project's names."""

COLUMNS: Final[dict[What, tuple[Column, ...]]] = {
    "fields": (
        _RUN,
        _FILE,
        _FILE_NAME,
        _DOCUMENT,
        _CLASS,
        _key("field_index", "The field's index in the document, counted from 0."),
        *_NAMING,
        Column("value", "string", "The value as text, exactly as it came; the word ERROR where extraction failed."),
        Column("type", "string", "The type that the project gives the field."),
        *_TYPED,
        *_OUTCOME,
        Column("model_confidence", "double", "The score of the extraction model.", unit=_SCORE),
        Column("ocr_confidence", "double", "How well the text was read from the page.", unit=_SCORE),
        _VALID,
        Column(
            "alerts",
            ListOf(
                Struct(
                    (
                        Column("alert_level", "string", "How serious it is."),
                        Column("msg", "string", "The finding in words."),
                        Column("type", "string", "The kind of rule."),
                        Column("blocked", "bool", "Whether it stops the run until it is resolved."),
                        Column("locations", "string", "Where it applies: a JSON array of objects of any form."),
                    )
                )
            ),
            "What the validation rules found.",
        ),
        *_EDITED,
        Column(
            "source",
            ListOf(
                Struct(
                    (
                        Column("top_x", "double", "Left edge.", unit=_LENGTH),
                        Column("top_y", "double", "Top edge.", unit=_LENGTH),
                        Column("bottom_x", "double", "Right edge.", unit=_LENGTH),
                        Column("bottom_y", "double", "Bottom edge.", unit=_LENGTH),
                        _PAGE,
                    )
                )
            ),
            "The boxes on the pages that the value was read from, as they came.",
        ),
    ),
    "documents": (
        _RUN,
        _FILE,
        _FILE_NAME,
        _DOCUMENT,
        _CLASS,
        Column(
            "class_confidence",
            "double",
            "The score of the classifier.",
            unit=_SCORE,
            source="classification_confidence.model",
        ),
        Column(
            "page_numbers",
            ListOf("int32"),
            "The document's pages in the file, counted from 0.",
            unit="pages",
            source="page_numbers",
        ),
        Column(
            "page_layouts",
            ListOf(
                Struct(
                    (
                        _PAGE,
                        Column("width", "double", "Width of the page.", unit="the page's unit of length"),
                        Column("height", "double", "Height of the page.", unit="the page's unit of length"),
                    )
                )
            ),
            "The size of each page; the boxes in `source` of the fields are within it.",
            source="page_layouts",
        ),
        Column("field_count", "int64", "How many fields the document has.", nullable=False, unit="fields"),
        Column("failed_count", "int64", "How many of its fields failed.", nullable=False, unit="fields"),
        Column(
            "review_completed",
            "bool",
            "Whether the human review of the document is complete.",
            source="review_completed",
        ),
        Column(
            "final_result_pass",
            "bool",
            "Whether the document passed validation as a whole.",
            source="validations.final_result_pass",
        ),
        Column(
            "class_edits", _EDITS, "What reviewers changed about the class, oldest first.", source="class_edit_history"
        ),
        Column(
            "post_processed_paths",
            ListOf("string"),
            "Where the platform keeps the document's processed pages.",
            source="post_processed_paths",
        ),
        Column(
            "post_processed_pdf_path",
            "string",
            "Where the platform keeps the document as a PDF.",
            source="post_processed_pdf_path",
        ),
    ),
    "files": (
        _RUN,
        _FILE,
        _FILE_NAME,
        Column("file_path", "string", "Where the platform keeps the input file.", source="input_file_path"),
        Column("document_count", "int64", "How many documents the file has.", nullable=False, unit="documents"),
        Column("run_status", "string", "The run's status when the file was fetched."),
        Column("run_message", "string", "What the platform says about the run."),
        _time("run_started_at", "When the run started, to the microsecond before."),
        _nanoseconds("run_started_at_ns", "When the run started, exactly as the server says."),
        _time("run_finished_at", "When the run finished, to the microsecond before; null while it has not."),
        _nanoseconds("run_finished_at_ns", "When the run finished, exactly as the server says."),
        Column("run_batch_id", "string", "The batch that the run read its files from."),
        Column("run_review_completed", "bool", "Whether the human review of the run is complete."),
        Column("run_keys", "string", "The keys that were attached to the run: a JSON object of any form."),
    ),
    "case_fields": (
        _RUN,
        _key("field_index", "The index among the packet's cross-class fields, counted from 0."),
        *_NAMING,
        Column("value", "string", "The consolidated value as text; the word ERROR where there is none."),
        *_OUTCOME,
        _VALID,
        Column(
            "alerts",
            ListOf(
                Struct(
                    (
                        Column("type", "string", "The kind of rule."),
                        Column("msg", "string", "The finding in words."),
                    )
                )
            ),
            "The cross-class rules that did not pass.",
        ),
        *_EDITED,
        Column(
            "input_fields",
            ListOf(_OPTION),
            "The document fields that the value could be taken from.",
            source="input_fields",
        ),
        Column(
            "chosen_field",
            _OPTION,
            "The document field that the value was taken from; null where there is none.",
            source="chosen_field",
        ),
    ),
}
"""The columns of each table, in order."""

ABOUT: Final[dict[What, str]] = {
    "fields": "One row for each field of a document. Key: `run_id`, `file_index`, `document_index`, `field_index`.",
    "documents": "One row for each document, with or without fields. Key: `run_id`, `file_index`, `document_index`.",
    "files": "One row for each file, with or without documents. Key: `run_id`, `file_index`. Every row also has"
    " what is known of the run as a whole.",
    "case_fields": "One row for each cross-class field of the packet. Key: `run_id`, `field_index`.",
}
"""What a row of each table is."""


def columns(what: What, *, typed: bool = False) -> tuple[Column, ...]:
    """The columns of a table; with `typed`, those for typed values too.

    >>> [column.name for column in columns("files")][:3]
    ['run_id', 'file_index', 'file_name']
    """
    return tuple(column for column in COLUMNS[check_what(what)] if typed or not column.typed)


def check_what(what: object) -> What:
    """The name, if it is a table's. Raises `ConfigurationError`."""
    for table in TABLES:
        if what == table:
            return table
    raise ConfigurationError(
        f"there is no table called {str(what)[:80]!r}; there are {', '.join(TABLES)}", option="tables"
    )


def describe(type: Type) -> str:
    """A type as text.

    >>> describe(ListOf(Struct((Column("a", "int32", ""), Column("b", "string", "")))))
    'list<struct<a: int32, b: string>>'
    """
    if isinstance(type, ListOf):
        return f"list<{describe(type.element)}>"
    if isinstance(type, Struct):
        return f"struct<{', '.join(f'{member.name}: {describe(member.type)}' for member in type.members)}>"
    return type


def reference() -> str:
    """Every table and column as Markdown, for docs/tables.md."""
    return "\n".join(_reference())


def _reference() -> Iterator[str]:
    for what in TABLES:
        yield from (f"### `{what}`", "", ABOUT[what], "", "| column | type | unit | what |", "|---|---|---|---|")
        for column in COLUMNS[what]:
            yield from _rows(column, "")
        yield ""


def _rows(column: Column, above: str) -> Iterator[str]:
    place = f"{above}{column.name}"
    inner = column.type.element if isinstance(column.type, ListOf) else column.type
    kind = ("list of " if isinstance(column.type, ListOf) else "") + (
        "struct" if isinstance(inner, Struct) else describe(inner)
    )
    notes = ", never null" if not column.nullable else ""
    more = " Only with `typed`." if column.typed else ""
    yield f"| `{place}` | {kind}{notes} | {column.unit or ''} | {column.description}{more} |"
    if isinstance(inner, Struct):
        for member in inner.members:
            yield from _rows(member, f"{place}{'[]' if isinstance(column.type, ListOf) else ''}.")
