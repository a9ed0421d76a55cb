"""What can be chosen for a table: its format, the wide view, and how typed values are read. Nothing here needs pyarrow.

The functions take what a caller gives, in each form that is allowed, and raise `ConfigurationError` for anything else.
"""

from typing import Final, Literal, get_args

from attrs import field, frozen
from attrs.validators import in_, instance_of, optional

from run_results.errors import ConfigurationError
from run_results.names import NameMap

Format = Literal["parquet", "csv", "jsonl", "arrow"]
FORMATS: Final[tuple[Format, ...]] = get_args(Format)
"""The formats of files; each is its file's suffix, too."""


Dialect = Literal["rfc4180", "excel"]
DIALECTS: Final[tuple[Dialect, ...]] = get_args(Dialect)
"""The kinds of CSV."""
Separator = Literal[",", ";", "\t", "|"]
SEPARATORS: Final[dict[Separator, str]] = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
"""What can stand between the cells of CSV, with its name."""


@frozen
class Csv:
    """How CSV is written."""

    guard: bool = True
    """Whether spreadsheets are kept from taking a cell for a formula."""
    dialect: Dialect = field(default="rfc4180", validator=in_(DIALECTS))
    """`rfc4180`; or `excel`, which begins with a byte order mark and cuts cells that are too long for Excel."""
    separator: Separator = field(default=",", validator=in_(tuple(SEPARATORS)))
    """What stands between the cells. Excel splits at the list separator of its system: `;` in most of Europe."""


@frozen
class Wide:
    """How to lay a run out wide: one table for each document class, with one column for each field.

    >>> table = client.table("run-1", wide=Wide("W-2", doubled="list", confidence=True))  # doctest: +SKIP
    """

    class_name: str | None = field(default=None, validator=optional(instance_of(str)))
    """The document class; None for every class, or for the only one."""
    doubled: Literal["error", "first", "last", "list"] = field(
        default="error", validator=in_(("error", "first", "last", "list"))
    )
    """What to do with a field that a document has twice: `FieldDoubled`, its first value, its last one, or all; with
    `list` every column is a list."""
    confidence: bool = False
    """Whether each field has its confidences beside it: `<name> model_confidence` and `<name> ocr_confidence`."""
    titles: Literal["names", "api"] = field(default="names", validator=in_(("names", "api")))
    """Whether columns are called by the project's names, or by the API's, which are identifiers for every engine."""


@frozen
class Typed:
    """How the project writes numbers and dates, where their text alone does not say.

    >>> table = client.table("run-1", typed=Typed(decimal=",", dates="dmy"))  # doctest: +SKIP
    """

    decimal: Literal[".", ","] | None = field(default=None, validator=in_((".", ",", None)))
    """The decimal sign; None reads a number only where its text allows one way to read it."""
    dates: Literal["mdy", "dmy"] | None = field(default=None, validator=in_(("mdy", "dmy", None)))
    """The order in dates of short numbers, whose year may then have two digits; None reads them only where one order is
    possible."""


def check_format(format: object) -> Format:
    """The format, if there is one of that name."""
    for known in FORMATS:
        if format == known:
            return known
    raise ConfigurationError(
        f"there is no format called {str(format)[:80]!r}; there are {', '.join(FORMATS)}", option="format"
    )


def check_csv(guard: bool, dialect: object, separator: object) -> Csv:
    """How CSV is written, with these choices."""
    for known in DIALECTS:
        for sign in SEPARATORS:
            if (dialect, separator) == (known, sign):
                return Csv(guard, known, sign)
    if dialect not in DIALECTS:
        raise ConfigurationError(f"there is no dialect called {str(dialect)[:80]!r}; there are {', '.join(DIALECTS)}")
    signs = " ".join(map(repr, SEPARATORS))
    raise ConfigurationError(f"cells cannot be separated by {str(separator)[:80]!r}; there are {signs}")


def as_names(names: NameMap | None) -> NameMap:
    """The project's names; none where none are given."""
    if names is None:
        return NameMap()
    if isinstance(names, NameMap):
        return names
    raise ConfigurationError(
        f"names must be a NameMap, not {type(names).__name__}; NameMap.read reads a file", option="names"
    )


def as_wide(wide: Wide | str | bool | None) -> Wide | None:
    """The wide view that a class, True for every class, or a `Wide` stands for; None where it is not wanted."""
    if wide is None or wide is False:
        return None
    if not isinstance(wide, Wide):
        wide = Wide(wide if isinstance(wide, str) else None)
    try:
        (wide.class_name or "").encode()
    except UnicodeEncodeError:
        text = f"no document can have the class {wide.class_name!r}: it is no Unicode text"
        raise ConfigurationError(text, option="class_name") from None
    return wide


def as_typed(typed: Typed | bool | None) -> Typed | None:
    """How typed values are read; None where they are not wanted."""
    if isinstance(typed, Typed):
        return typed
    return Typed() if typed else None
