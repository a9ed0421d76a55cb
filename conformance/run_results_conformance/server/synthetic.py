"""Synthetic runs of any size. They are computed, not stored: each file depends only on the seed and its index.

They look like the documents that a lender gets: tax forms, driving licences, invoices and bank statements, in several
scripts. They have what makes real results difficult: failed fields, null and low confidences, corrected values,
values with several lines and boxes, files without documents, documents without a class, and names with underscores,
apostrophes, leading digits and letters beyond ASCII. Everything is made up: names are random combinations from two
short lists, tax numbers are from ranges that are never issued, and account numbers have wrong check digits.
"""

import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

from attrs import Factory, field, frozen, validators

from .contract import Contract, load_contract
from .runs import MemoryStore
from .terms import JsonObject

Random = Callable[[], float]
"""Gives floats in [0, 1). `random.Random.random` is the only method with the same results in every Python version."""

_Maker = Callable[[Random], str]


# --- Values -------------------------------------------------------------------------------------------------


def _below(r: Random, n: int) -> int:
    return int(r() * n)


def _pick(r: Random, choices: Sequence[str]) -> str:
    return choices[int(r() * len(choices))]


def _digits(r: Random, count: int) -> str:
    return f"{int(r() * 10**count):0{count}d}"


_GIVEN = (
    "Mira",
    "Tomás",
    "Ayşe",
    "Zoë",
    "Łucja",
    "李明",
    "नेहा",
    "Ольга",
    "Søren",
    "يوسف",
    "Chidi",
    "Mai-Linh",
)
_FAMILY = (
    "Okafor",
    "Brändli",
    "Yıldırım",
    "O’Dea",
    "Żółkowska",
    "王",
    "शर्मा",
    "Петрова",
    "Ångström",
    "ناصر",
    "Núñez",
)
_STREETS = ("Elm Street", "Bahnhofstraße", "rue de l’Église", "Улица Мира", "本町通り", "Calle Señorial")
_FILE_KINDS = ("w2", "licence", "facture №", "Kontoauszug", "scan")
_CITIES = ("Springfield", "Zürich", "Besançon", "Kraków", "大阪市", "São Tomé")
_WORDS = (
    "consulting",
    "façade repair",
    "crème, 20 l",
    "Überstunden",
    "№ 7 bolts",
    "翻訳料",
    'pipe 3/4"',
    "☕ & more",
    "C:\\scans",
)
_COMPANIES = ("Northwind Foundry", "Müller & Söhne", "Société d’Exemple", "例示商事", "ООО Пример")


def _person(r: Random) -> str:
    return f"{_pick(r, _GIVEN)} {_pick(r, _FAMILY)}"


def _company(r: Random) -> str:
    return _pick(r, _COMPANIES)


def _address(r: Random) -> str:
    return f"{1 + _below(r, 200)} {_pick(r, _STREETS)}\n{_digits(r, 5)} {_pick(r, _CITIES)}"


def _money(r: Random) -> str:
    cents = _below(r, 10 ** (3 + _below(r, 6)))
    style = r()
    if style < 0.7:
        return f"{cents // 100:,}.{cents % 100:02d}"
    return f"{cents // 100:_},{cents % 100:02d} €".replace("_", "\u00a0")


def _date(r: Random) -> str:
    year, month, day = 2015 + _below(r, 11), 1 + _below(r, 12), 1 + _below(r, 28)
    return f"{year}-{month:02d}-{day:02d}" if r() < 0.8 else f"{day}.{month}.{year}"


def _year(r: Random) -> str:
    return str(2015 + _below(r, 11))


def _tax_number(r: Random) -> str:
    return f"000-{_digits(r, 2)}-{_digits(r, 4)}"  # area 000 is never issued


def _account(r: Random) -> str:
    return f"XX00 {_digits(r, 4)} {_digits(r, 4)} {_digits(r, 4)} {_digits(r, 1)}"


def _code(r: Random) -> str:
    return f"{_pick(r, 'ABCDEFGH')}-{_digits(r, 4)}-{_digits(r, 4)}"


def _letter(r: Random) -> str:
    return _pick(r, ("", "A", "B", "C1", "D1E"))


def _count(r: Random) -> str:
    return str(_below(r, 100))


def _tick(r: Random) -> str:
    return "true" if r() < 0.5 else "false"


def _text(r: Random) -> str:
    return "; ".join(_pick(r, _WORDS) for _ in range(1 + _below(r, 4)))


def _table(r: Random) -> str:
    return "\n".join(f"{_pick(r, _WORDS)}\t{_count(r)}\t{_money(r)}" for _ in range(1 + _below(r, 3)))


# The type of a field, by the function that makes its value.
_TYPES: Mapping[_Maker, str] = {
    _money: "CURRENCY",
    _date: "DATE",
    _year: "NUMBER",
    _count: "NUMBER",
    _tick: "BOOLEAN",
}


# --- The project --------------------------------------------------------------------------------------------

_CLASSES: Mapping[str, Mapping[str, _Maker]] = {
    "W-2": {
        "employee's name": _person,
        "employee's SSN": _tax_number,
        "employer's id_number": _code,
        "employer name & address": _address,
        "1 wages, tips, other": _money,
        "2 federal_income_tax withheld": _money,
        "3 social security wages": _money,
        "12a code": _letter,
        "13 retirement plan?": _tick,
        "tax_year": _year,
    },
    "Driver's Licence": {
        "full name": _person,
        "driver's license": _code,
        "3rd category": _letter,
        "date of birth": _date,
        "expires": _date,
        "secret_id": _code,
        "_internal__check": _count,
        "адрес": _address,
    },
    "Invoice": {
        "bill to": _company,
        "due date": _date,
        "numéro de facture": _code,
        "total_incl_vat": _money,
        "Straße/Nr.": _address,
        "№ заказа": _code,
        "合計金額": _money,
        "% discount": _count,
        "line items": _table,
        "class": _text,
    },
    "Bank Statement": {
        "account_holder": _person,
        "IBAN": _account,
        "opening balance": _money,
        "closing_balance": _money,
        "statement period (from)": _date,
        "statement period (to)": _date,
        "# of transactions": _count,
        "😀 customer note": _text,
    },
}
_CLASS_NAMES = tuple(_CLASSES)
# Names that become equal to another name of the same class under the name rule, for runs with collisions.
_COLLIDING = {
    "W-2": {"employee s SSN": _tax_number},
    "Driver's Licence": {"full-name": _person, "secret--id": _code},
    "Invoice": {"due-date": _date, "due/date": _date},
    "Bank Statement": {"opening-balance": _money, "closing  balance": _money},
}
# Each cross-class field, and the field of each class that it takes its value from.
_CASE_FIELDS: Mapping[str, Mapping[str, str]] = {
    "applicant's name": {
        "W-2": "employee's name",
        "Driver's Licence": "full name",
        "Bank Statement": "account_holder",
    },
    "yearly_income": {"W-2": "1 wages, tips, other"},
    "1st address": {"W-2": "employer name & address", "Driver's Licence": "адрес", "Invoice": "Straße/Nr."},
    "申請番号": {"Driver's Licence": "driver's license", "Invoice": "№ заказа"},
    "co_applicant": {},
}
_CASE_FILES = 5  # cross-class fields use only this many files, so that a header costs the same for every run

_MESSAGES: Mapping[str, str | None] = {
    "CANCELLED": "Cancelled by a user",
    "COMPLETE": None,
    "FAILED": "The app stopped with an error in step 3",
    "PAUSED": None,
    "RUNNING": None,
    "STOPPED_AT_CHECKPOINT": "Waiting for review",
}
_UNFINISHED = ("PAUSED", "RUNNING", "STOPPED_AT_CHECKPOINT")

_EPOCH = 1_735_689_600  # 2025-01-01, in seconds
_FAILED = 0.03  # share of fields that could not be extracted
_CORRECTED = 0.06  # share of fields that a reviewer changed
_FAILURES = ("The value could not be read", "Two candidates with the same score", "Зона не найдена", "")
_NO_VALUE = "ERROR"

_FieldPlan = tuple[str, str, _Maker]
"""Name, type and maker of a field that every document of a class has."""


def _run_id_of(run: "SyntheticRun") -> str:
    return f"synthetic-{run.seed}"


@frozen
class SyntheticRun:
    """A run of `files` files, computed from `seed`. The same arguments give the same run on every machine.

    `documents_per_file` and `fields_per_document` set the size of a page; without them both vary as in real runs. A
    field with all its parts takes about 320 bytes of JSON, so that a page of 50 files has about 4 MB with

        SyntheticRun(seed=1, files=1_000, documents_per_file=4, fields_per_document=65)

    `collisions` adds fields to every class whose API names are equal to another's. Without it all API names of a
    class are different. Raises ValueError for a negative seed or number, and for a status that is not one of the six.
    """

    seed: int = field(default=0, validator=validators.ge(0))
    file_count: int = field(default=10, alias="files", validator=validators.ge(0))
    status: str = field(default="COMPLETE", kw_only=True, validator=validators.in_(_MESSAGES))
    run_id: str = field(default=Factory(_run_id_of, takes_self=True), kw_only=True)
    documents_per_file: int | None = field(default=None, kw_only=True, validator=validators.optional(validators.ge(0)))
    fields_per_document: int | None = field(default=None, kw_only=True, validator=validators.optional(validators.ge(0)))
    collisions: bool = field(default=False, kw_only=True)

    @cached_property
    def _plans(self) -> Mapping[str, Sequence[_FieldPlan]]:
        return {class_name: list(self._plan(class_name)) for class_name in _CLASSES}

    def _plan(self, class_name: str) -> Iterator[_FieldPlan]:
        makers = dict(_CLASSES[class_name])
        if self.collisions:
            makers |= _COLLIDING[class_name]
        wanted = len(makers) if self.fields_per_document is None else self.fields_per_document
        for number in range(len(makers), wanted):
            # The number makes each name unique; the other characters give the name rule something to do.
            makers[f"{number} – position_{number}'s amount"] = _money
        for name, maker in list(makers.items())[:wanted]:
            yield name, _TYPES.get(maker, "TEXT"), maker

    # --- What the project knows -----------------------------------------------------------------------------

    def project_names(self) -> dict[str, list[str]]:
        """The project's own field names, by class. With them the name rule can be reversed."""
        return {class_name: [name for name, _, _ in plan] for class_name, plan in self._plans.items()}

    def case_names(self) -> list[str]:
        """The project's own names of the cross-class fields."""
        return list(_CASE_FIELDS)

    # --- The run --------------------------------------------------------------------------------------------

    @property
    def header(self) -> JsonObject:
        """The run without its files."""
        return self._header

    @cached_property
    def _header(self) -> JsonObject:
        r = self._random(-1)
        started = (_EPOCH + _below(r, 20_000_000)) * 1_000_000_000 + _below(r, 1_000_000_000)
        finished = None if self.status in _UNFINISHED else started + 1 + int(r() * 3e12)
        return {
            "id": self.run_id,
            "status": self.status,
            "message": _MESSAGES[self.status],
            "start_timestamp": started,
            "finish_timestamp": finished,
            "batch_id": f"batch-{_digits(r, 5)}",
            "keys": {
                "custom": {
                    "loan_number": f"LN-{_digits(r, 5)}",
                    "größe": _below(r, 9),
                    "branch": {
                        "code": _below(r, 90),
                        "city": _pick(r, _CITIES),
                        "tags": ["α", None, 0.5, True],
                    },
                }
            },
            "case_info": {"fields": list(self._case_fields(r))},
            "review_completed": self.status == "COMPLETE",
        }

    @property
    def listing(self) -> JsonObject:
        """What only the list of runs knows of it. Three apps share the runs."""
        number = self.seed % len(_APPS)
        return {
            "batch_id": int(str(self.header["batch_id"]).removeprefix("batch-")),
            "input_dir": f"inbox/{self.header['batch_id']}",
            "app_id": f"app-{number}",
            "app_name": _APPS[number],
            "deployment_id": f"deployment-{number}",
            "username": f"user-{self.seed % 4}",
            "output_workspace": f"workspace-{self.seed % 2}",
            "tags": [f"seed-{self.seed}"],
        }

    def files(self, start: int, stop: int) -> list[JsonObject]:
        """The files with start <= index < stop, computed now."""
        return [self.file(index) for index in range(start, min(stop, self.file_count))]

    def file(self, index: int) -> JsonObject:
        """The file with this index. It takes the same time for every index."""
        r = self._random(index)
        name = f"{_pick(r, _FAMILY)} {_pick(r, _FILE_KINDS)} {index:07d}.pdf"
        documents: list[JsonObject] = []
        page = 0
        for position in range(self._document_count(r)):
            pages = range(page, page := page + 1 + (_below(r, 3) if r() < 0.3 else 0))
            documents.append(self._document(r, name, position, pages))
        return {
            "original_file_name": name,
            "input_file_path": f"inbox/{self.run_id}/{name}",
            "documents": documents,
        }

    def _random(self, index: int) -> Random:
        # Different for each pair of seed and index: the index (from -1 on) uses the low 64 bits.
        return random.Random((self.seed << 64) + index + 1).random  # noqa: S311

    def _document_count(self, r: Random) -> int:
        share = r()
        if self.documents_per_file is not None:
            return self.documents_per_file
        return 0 if share < 0.04 else 1 if share < 0.7 else 2 if share < 0.9 else 3 + _below(r, 3)

    def _document(self, r: Random, file_name: str, position: int, pages: range) -> JsonObject:
        class_name: str | None = _CLASS_NAMES[int(r() * len(_CLASS_NAMES))]
        if r() < 0.04 and self.fields_per_document is None:
            class_name = None
        width, height = (1012.0, 638.0) if class_name == "Driver's Licence" else (2550.0, 3300.0)
        plan = self._plans[class_name] if class_name else ()
        reviewed = self.status == "COMPLETE" or r() < 0.3
        fields = [self._field(r, name, kind, make, pages, width, height, reviewed) for name, kind, make in plan]
        stem = f"outbox/{self.run_id}/{file_name.removesuffix('.pdf')}"
        document: JsonObject = {
            "class_name": class_name,
            "page_numbers": list(pages),
            "fields": fields,
            "review_completed": reviewed,
            "page_layouts": [{"page_number": page, "width": width, "height": height} for page in pages],
            "post_processed_paths": [f"{stem}/page-{page}.png" for page in pages],
            "post_processed_pdf_path": f"{stem}/document-{position}.pdf",
            "class_edit_history": [],
            "validations": {"final_result_pass": all(part["validations"]["valid"] for part in fields)},
            "classification_confidence": {"model": None if class_name is None else _confidence(r)},
        }
        if reviewed and class_name and r() < 0.1:
            document["class_edit_history"] = self._edits(r, f"Class changed from Other to {class_name}")
        if r() < 0.2:
            # Not every app makes PDFs, and the contract does not guarantee the path.
            del document["post_processed_pdf_path"]
        return document

    def _field(
        self,
        r: Random,
        name: str,
        kind: str,
        make: _Maker,
        pages: range,
        width: float,
        height: float,
        reviewed: bool,
    ) -> JsonObject:
        fate = r()
        if fate < _FAILED:
            result: JsonObject = {
                "field_name": name,
                "value": _NO_VALUE,
                "type": kind,
                "error_msg": _FAILURES[int(r() * len(_FAILURES))] or f"No value for {name!r}",
                "source_coordinates": [],
                "edit_history": [],
                "confidence": {"model": None, "ocr": _confidence(r) if r() < 0.5 else None},
                "validations": {
                    "valid": False,
                    "alerts": [_alert(r, "ERROR", "A value is required", name, pages)],
                },
            }
            return result
        value = make(r)
        result = {
            "field_name": name,
            "value": value,
            "type": kind,
            "source_coordinates": _boxes(r, value, pages, width, height),
            "edit_history": [],
            "confidence": {"model": _confidence(r), "ocr": None if fate > 0.95 else _confidence(r)},
            "validations": {"valid": True, "alerts": []},
        }
        if fate < 0.2:
            result["error_msg"] = ""  # empty means the same as absent
        if fate > 1 - _CORRECTED and reviewed:
            result["edit_history"] = self._edits(r, f"Value changed from {make(r)}")
        elif 0.5 < fate < 0.55:
            level, valid = ("WARNING", True) if r() < 0.5 else ("ERROR", False)
            result["validations"] = {
                "valid": valid,
                "alerts": [_alert(r, level, "Unlikely value", name, pages)],
            }
        return result

    def _edits(self, r: Random, what: str) -> list[JsonObject]:
        """One to three edits, the oldest first. The last one has the message `what`."""
        moment = _EPOCH + 30_000_000 + _below(r, 1_000_000)
        edits: list[JsonObject] = []
        messages: list[str | None] = [what, None, "Box drawn anew"]
        for left in range(_below(r, 3) if r() < 0.3 else 0, -1, -1):
            moment += 1 + _below(r, 5_000)
            edits.append(
                {
                    "timestamp": time.strftime("%m/%d/%Y %H:%M:%S", time.gmtime(moment)),
                    "user_id": f"reviewer-{1 + _below(r, 9)}",
                    "modifications": [{"message": message} for message in messages[left : left + 1 + _below(r, 2)]],
                }
            )
        return edits

    def _case_fields(self, r: Random) -> Iterator[JsonObject]:
        documents = [
            document for file in self.files(0, min(_CASE_FILES, self.file_count)) for document in file["documents"]
        ]
        for name, feeders in _CASE_FIELDS.items():
            options: list[tuple[JsonObject, str]] = []
            for index, document in enumerate(documents):
                wanted = feeders.get(document["class_name"])
                options.extend(
                    ({"record_index": index, "refined_phrase_name": part["field_name"]}, part["value"])
                    for part in document["fields"]
                    if part["field_name"] == wanted
                )
            chosen = next(((option, value) for option, value in options if value != _NO_VALUE), None)
            case_field: JsonObject = {
                "name": name,
                "value": chosen[1] if chosen else _NO_VALUE,
                "input_fields": [option for option, _ in options],
                "chosen_field": chosen[0] if chosen else None,
                "edit_history": self._edits(r, "Chose the value") if chosen and r() < 0.5 else [],
                "validations": {"valid": chosen is not None, "failures": []},
            }
            if not chosen:
                case_field["error_msg"] = f"No document of the packet holds {name!r}"
                case_field["validations"]["failures"] = [{"type": "required", "msg": f"{name} is required"}]
            yield case_field


def _confidence(r: Random) -> float:
    """Mostly high, sometimes any value; rounded to three digits, as services do."""
    share = r()
    return round(1 - share / 8 if share < 0.9 else r(), 3)


def _boxes(r: Random, value: str, pages: range, width: float, height: float) -> list[JsonObject]:
    """One box for each line of the value, on one page of the document. Coordinates are multiples of a quarter."""
    page = pages[int(r() * len(pages))]
    left, top = int(r() * width * 2) / 4, int(r() * height * 2) / 4
    return [
        {
            "top_x": left,
            "top_y": top + 40.0 * line,
            "bottom_x": left + min(12.0 * (len(text) or 1), width / 2),
            "bottom_y": top + 40.0 * line + 32.5,
            "page_number": page,
        }
        for line, text in enumerate(value.split("\n"))
    ]


def _alert(r: Random, level: str, message: str, name: str, pages: range) -> JsonObject:
    return {
        "alert_level": level,
        "msg": message,
        "type": _pick(r, ("required", "lookup", "cross-field")),
        "blocked": level == "ERROR" and r() < 0.5,
        "locations": [{"page_number": pages[0], "field": name}] if r() < 0.5 else [],
    }


_APPS = ("Tax forms", "Invoices", "Identity documents")


# --- A store to start with ----------------------------------------------------------------------------------


def example_store(contract: Contract | None = None, *, seed: int = 0, files: int = 25) -> MemoryStore:
    """A store with a run for every run id in the contract's examples, with the status that the example shows.

    The runs are synthetic, with `files` files each. Each status that no example has gets a run too, such as
    `run-cancelled`. All runs are in the nameless context and in every context of the contract's examples, so that every
    request made from these examples is answered with 200.
    """
    contract = contract or load_contract()
    statuses: dict[str, str] = {page["id"]: page["status"] for page in contract.examples.values()}
    for name, status in ((f"run-{status.lower().replace('_', '-')}", status) for status in _MESSAGES):
        if status not in statuses.values():
            statuses[name] = status
    contexts: list[Any] = [None]
    for parameter in contract.parameters.values():
        if parameter.place == "path":
            for run_id in parameter.examples.values():
                statuses.setdefault(run_id, "COMPLETE")
        elif parameter.place == "header":
            contexts.extend(parameter.examples.values())
    store = MemoryStore()
    for number, (run_id, status) in enumerate(statuses.items()):
        run = SyntheticRun(seed + number, files, status=status, run_id=run_id)
        for context in contexts:
            store.add(run, context=context)
    return store
