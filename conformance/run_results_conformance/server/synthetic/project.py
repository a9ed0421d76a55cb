"""The project of synthetic runs: its document classes, their fields, and its cross-class fields."""

from collections.abc import Iterator, Mapping

from . import values

FieldPlan = tuple[str, str, values.Maker]
"""Name, type and maker of a field that every document of a class has."""

# The type of a field, by the function that makes its value.
_TYPES: Mapping[values.Maker, str] = {
    values.money: "CURRENCY",
    values.date: "DATE",
    values.year: "NUMBER",
    values.count: "NUMBER",
    values.tick: "BOOLEAN",
}


_CLASSES: Mapping[str, Mapping[str, values.Maker]] = {
    "W-2": {
        "employee's name": values.person,
        "employee's SSN": values.tax_number,
        "employer's id_number": values.code,
        "employer name & address": values.address,
        "1 wages, tips, other": values.money,
        "2 federal_income_tax withheld": values.money,
        "3 social security wages": values.money,
        "12a code": values.letter,
        "13 retirement plan?": values.tick,
        "tax_year": values.year,
    },
    "Driver's Licence": {
        "full name": values.person,
        "driver's license": values.code,
        "3rd category": values.letter,
        "date of birth": values.date,
        "expires": values.date,
        "secret_id": values.code,
        "_internal__check": values.count,
        "адрес": values.address,
    },
    "Invoice": {
        "bill to": values.company,
        "due date": values.date,
        "numéro de facture": values.code,
        "total_incl_vat": values.money,
        "Straße/Nr.": values.address,
        "№ заказа": values.code,
        "合計金額": values.money,
        "% discount": values.count,
        "line items": values.table,
        "class": values.text,
    },
    "Bank Statement": {
        "account_holder": values.person,
        "IBAN": values.account,
        "opening balance": values.money,
        "closing_balance": values.money,
        "statement period (from)": values.date,
        "statement period (to)": values.date,
        "# of transactions": values.count,
        "😀 customer note": values.text,
    },
}
CLASS_NAMES = tuple(_CLASSES)
# Names that become equal to another name of the same class under the name rule, for runs with collisions.
_COLLIDING = {
    "W-2": {"employee s SSN": values.tax_number},
    "Driver's Licence": {"full-name": values.person, "secret--id": values.code},
    "Invoice": {"due-date": values.date, "due/date": values.date},
    "Bank Statement": {"opening-balance": values.money, "closing  balance": values.money},
}
# Each cross-class field, and the field of each class that it takes its value from.
CASE_FIELDS: Mapping[str, Mapping[str, str]] = {
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


def plan_fields(class_name: str, count: int | None, *, collisions: bool) -> Iterator[FieldPlan]:
    """The fields of a class: `count` of them if it is given, with made-up names after its own.

    With `collisions` some API names of a class are equal, and without it all of them are different.
    """
    makers = dict(_CLASSES[class_name])
    if collisions:
        makers |= _COLLIDING[class_name]
    wanted = len(makers) if count is None else count
    for number in range(len(makers), wanted):
        # The number makes each name unique; the other characters give the name rule something to do.
        makers[f"{number} – position_{number}'s amount"] = values.money
    for name, maker in list(makers.items())[:wanted]:
        yield name, _TYPES.get(maker, "TEXT"), maker
