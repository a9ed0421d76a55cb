"""Names: the field-name rule with a step missing, added or moved, or not applied everywhere."""

import re
import unicodedata
from collections.abc import Callable

from run_results_conformance.server.terms import JsonObject

from .fault import Fault, Make, Needs, Question
from .standard import NAMES_RUN, NAMES_WALK, REVIEW, STATUS_RUNS, asking, flags
from .steps import CASE_FIELD_NAME, FIELD_NAME, Call, edited, later, named, within

_KEYWORDS = frozenset(
    {"False", "None", "True", "and", "class", "def", "for", "from", "if", "import", "in", "is", "return"}
)


def name(
    name_: str, breach: str, make: Make, *, needs: Needs = "project names", witness: tuple[Question, ...] = NAMES_WALK
) -> Fault:
    return Fault(name_, "names", breach, needs, make, witness=witness)


# The three steps of the rule, one by one, so that faults can leave one out.


def _doubled(text: str) -> str:
    return text.replace("_", "__")


def _replaced(text: str, replacement: str = "_") -> str:
    return "".join(character if f"_{character}".isidentifier() else replacement for character in text)


def _prefixed(text: str, prefix: str = "_") -> str:
    return text if text[:1].isidentifier() else prefix + text


def _rule(text: str) -> str:
    return _prefixed(_replaced(_doubled(text)))


def _after(change: Callable[[str], str]) -> Make:
    """Changes the project's name, and then applies the rule to it."""
    return named(lambda project, _api: _rule(change(project)))


def _ascii(text: str) -> str:
    return "".join(character if character.isascii() else "_" for character in text)


def _folded(text: str) -> str:
    """Letters without their marks."""
    return "".join(c for c in unicodedata.normalize("NFD", text) if not unicodedata.combining(c))


def _numbered(document: JsonObject) -> None:
    """Names that became equal get numbers."""
    seen: dict[str, int] = {}
    for field in document.get("fields", ()):
        api = field["field_name"]
        seen[api] = count = seen.get(api, 0) + 1
        if count > 1:
            field["field_name"] = f"{api}_{count}"


def _merged(document: JsonObject) -> None:
    """Of fields whose names became equal only the last one stays."""
    document["fields"] = list({field["field_name"]: field for field in document.get("fields", ())}.values())


def _camel(text: str) -> str:
    first, *others = [word for word in re.split(r"[^0-9A-Za-z]+", text) if word] or [""]
    return first.lower() + "".join(word.title() for word in others)


def _failed(field: JsonObject) -> bool:
    return bool(field["value"] == "ERROR")


def _once_a_page() -> Make:
    """Applies the rule's first step to the first name of a page only."""

    def edit(_call: Call, page: JsonObject) -> None:
        for file in page["files"][1:]:
            for document in file["documents"]:
                for field in document["fields"]:
                    field["field_name"] = field["field_name"].replace("__", "_")

    return edited(edit)


NAMES = (
    name("names-raw", "Names are the project's own.", named(lambda project, _api: project), needs="nothing"),
    name(
        "underscore-not-doubled",
        "An underscore of the project's name is not doubled.",
        named(lambda project, _api: _prefixed(_replaced(project))),
    ),
    name(
        "underscore-not-doubled-in-case",
        "An underscore of a cross-class field's name is not doubled.",
        named(lambda project, _api: _prefixed(_replaced(project)), CASE_FIELD_NAME),
        witness=(asking(NAMES_RUN),),
    ),
    name(
        "underscore-not-doubled-late",
        "An underscore is not doubled after the first page.",
        named(lambda project, _api: _prefixed(_replaced(project)), FIELD_NAME, when=later),
    ),
    name(
        "underscore-not-doubled-at-start",
        "An underscore at the start is not doubled.",
        named(lambda project, api: api[1:] if project.startswith("_") else api),
    ),
    name(
        "underscore-not-doubled-at-end",
        "An underscore at the end is not doubled.",
        named(lambda project, api: api[:-1] if project.endswith("_") and len(project) > 1 else api),
    ),
    name(
        "underscore-not-doubled-between-others",
        "Of several underscores in a row each pair counts as doubled already.",
        named(lambda project, _api: _prefixed(_replaced(re.sub("(?<!_)_(?!_)", "__", project)))),
    ),
    name(
        "underscore-first-only",
        "Only the first underscore is doubled.",
        named(lambda project, _api: _prefixed(_replaced(project.replace("_", "__", 1)))),
    ),
    name(
        "underscore-tripled",
        "An underscore becomes three.",
        named(lambda project, _api: _prefixed(_replaced(project.replace("_", "___")))),
    ),
    name(
        "dunder-left-alone",
        "A name between two double underscores is left alone.",
        named(lambda project, api: project if re.fullmatch("__.*__", project) and len(project) > 4 else api),
    ),
    name(
        "doubled-after-replacing",
        "Underscores are doubled after replacing, so the replacements too.",
        named(lambda project, _api: _prefixed(_doubled(_replaced(project)))),
    ),
    name(
        "doubled-last",
        "Underscores are doubled as the last step, the one in front too.",
        named(lambda project, _api: _doubled(_prefixed(_replaced(project)))),
    ),
    name(
        "replaced-by-two",
        "A character that may not stand in a name becomes two underscores.",
        named(lambda project, _api: _prefixed(_replaced(_doubled(project), "__"))),
    ),
    name(
        "replaced-by-nothing",
        "A character that may not stand in a name disappears.",
        named(lambda project, _api: _prefixed(_replaced(_doubled(project), ""))),
    ),
    name("apostrophe-dropped", "An apostrophe disappears.", _after(lambda project: re.sub("['’]", "", project))),
    name(
        "hyphen-kept",
        "A hyphen stays.",
        named(
            lambda project, api: (
                "".join("-" if old == "-" else new for old, new in zip(project, api, strict=True))
                if "_" not in project and len(project) == len(api)
                else api
            )
        ),
        needs="nothing",
    ),
    name(
        "space-encoded",
        "A space becomes %20.",
        named(
            lambda project, api: api if " " not in project else "%20".join(map(_replaced, _doubled(project).split(" ")))
        ),
        needs="nothing",
    ),
    name(
        "replacements-merged",
        "Several characters in a row become one underscore.",
        named(lambda project, _api: _prefixed(re.sub(r"\0+", "_", _replaced(_doubled(project), "\0")))),
    ),
    name("spaces-trimmed", "Spaces around a name are dropped.", _after(str.strip)),
    name("spaces-merged", "Several spaces count as one.", _after(lambda project: re.sub(" +", " ", project))),
    name(
        "digit-first",
        "A name that starts with a digit does not get an underscore.",
        named(lambda project, _api: _replaced(_doubled(project))),
        needs="nothing",
    ),
    name(
        "digit-replaced",
        "A digit at the start becomes an underscore.",
        named(
            lambda project, api: (
                api if api[1:2] == "" or project[:1] != api[1:2] or project[:1] == "_" else api[:1] + api[2:]
            )
        ),
    ),
    name(
        "digit-spelled",
        "A name that starts with a digit gets n_ in front.",
        named(lambda project, _api: _prefixed(_replaced(_doubled(project)), "n_")),
    ),
    name("digits-replaced", "Digits become underscores.", named(lambda _project, api: re.sub("[0-9]", "_", api))),
    name(
        "prefix-always",
        "Every name gets an underscore in front.",
        named(lambda project, _api: "_" + _replaced(_doubled(project))),
    ),
    name("lower-case", "Names are in lower case.", named(lambda _project, api: api.lower())),
    name("camel-case", "Names are in camel case.", named(lambda project, _api: _prefixed(_camel(project)))),
    name("ascii-only", "Letters beyond ASCII become underscores.", named(lambda _project, api: _ascii(api))),
    name("letters-without-marks", "Letters lose their marks.", named(lambda _project, api: _folded(api))),
    name("nfc", "Names are put into Unicode's form C.", _after(lambda project: unicodedata.normalize("NFC", project))),
    name(
        "nfkc", "Names are put into Unicode's form KC.", _after(lambda project: unicodedata.normalize("NFKC", project))
    ),
    name(
        "utf-16-units",
        "A character beyond U+FFFF becomes two underscores.",
        _after(lambda project: re.sub("[^\0-\uffff]", "--", project)),
    ),
    name(
        "utf-8-bytes",
        "Each byte of a letter beyond ASCII becomes an underscore.",
        _after(lambda project: re.sub("[^\0-\x7f]", lambda found: "-" * len(found[0].encode()), project)),
    ),
    name(
        "mojibake",
        "Names are read in Latin-1 where they are UTF-8.",
        _after(lambda project: project.encode().decode("latin-1")),
    ),
    name(
        "numerals-kept",
        "Whatever is a letter or a numeral to Unicode stays, superscripts too.",
        named(
            lambda project, _api: _prefixed("".join(c if c.isalnum() or c == "_" else "_" for c in _doubled(project)))
        ),
        needs="nothing",
    ),
    name(
        "marks-replaced",
        "Combining marks become underscores.",
        _after(lambda project: "".join("-" if unicodedata.combining(c) else c for c in project)),
    ),
    name(
        "mark-first",
        "A name that starts with a combining mark does not get an underscore.",
        named(lambda project, api: api.removeprefix("_") if unicodedata.combining(project[:1] or " ") else api),
        needs="nothing",
    ),
    name(
        "keyword-suffixed",
        "A keyword gets an underscore after it.",
        named(lambda _project, api: f"{api}_" if api in _KEYWORDS else api),
    ),
    name(
        "empty-name-empty",
        "The empty name stays empty.",
        named(lambda project, api: api if project else ""),
        needs="nothing",
    ),
    name(
        "empty-name-named", "The empty name becomes unnamed.", named(lambda project, api: api if project else "unnamed")
    ),
    name(
        "trailing-underscore-stripped",
        "Underscores at the end are dropped.",
        named(lambda _project, api: api.rstrip("_") or "_"),
    ),
    name(
        "leading-underscore-stripped",
        "Underscores in front are dropped where a letter follows.",
        named(lambda _project, api: api.lstrip("_") if api.lstrip("_")[:1].isidentifier() else api),
    ),
    name(
        "collisions-numbered",
        "Names that become equal in a document get numbers.",
        edited(within("files/documents", _numbered)),
    ),
    name(
        "collisions-merged",
        "Of fields whose names become equal in a document only the last one comes.",
        edited(within("files/documents", _merged)),
    ),
    name("name-cut", "Names are cut after 30 characters.", named(lambda _project, api: api[:30])),
    name(
        "case-names-raw",
        "The names of cross-class fields are the project's own.",
        named(lambda project, _api: project, CASE_FIELD_NAME),
        needs="nothing",
        witness=(asking(NAMES_RUN),),
    ),
    name(
        "case-names-digit-first",
        "A cross-class field's name that starts with a digit does not get an underscore.",
        named(lambda project, _api: _replaced(_doubled(project)), CASE_FIELD_NAME),
        needs="nothing",
        witness=(asking(NAMES_RUN),),
    ),
    name(
        "names-raw-when-failed",
        "A failed field has the project's name.",
        named(lambda project, _api: project, FIELD_NAME, where=_failed),
        needs="nothing",
        witness=tuple(asking(query=f"file_offset={offset}") for offset in (0, 3, 6, 9, 12)),
    ),
    name(
        "names-raw-under-flag",
        "With include_review_results names are the project's own.",
        named(lambda project, _api: project, FIELD_NAME, when=lambda call: REVIEW in call.flags),
        needs="nothing",
        witness=(asking(query=flags(REVIEW)),),
    ),
    name(
        "names-raw-while-running",
        "While a run is running, names are the project's own.",
        named(lambda project, _api: project, FIELD_NAME, when=lambda call: call.status == "RUNNING"),
        needs="nothing",
        witness=tuple(asking(STATUS_RUNS["RUNNING"], f"file_offset={offset}") for offset in (0, 3)),
    ),
    name(
        "name-twice-through-rule-late",
        "After the first page the rule is applied twice.",
        named(lambda _project, api: _rule(api), FIELD_NAME, when=later),
    ),
    name(
        "underscore-halved-in-page",
        "From a page's second file on doubled underscores are single again.",
        _once_a_page(),
    ),
)
