"""Typed values: what a text says in one way only is read, and everything else is counted."""

import asyncio
from collections.abc import Callable
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from run_results import AsyncClient, Client, Include
from run_results.tables import Typed, Unread
from run_results.tables.amounts import read_money, read_number
from run_results.tables.batches import Tabulator
from run_results.tables.currencies import CODES, SIGNS
from run_results.tables.dates import read_date
from run_results.tables.doubt import Doubt
from run_results.tables.values import read
from run_results_conformance.server.runs import MemoryRun

from . import kit

TWO_WAYS, UNREADABLE = Doubt.TWO_WAYS, Doubt.UNREADABLE

NUMBERS = {
    "1": "1", "007": "7", "-5.25": "-5.25", "5-": "-5", "(12)": "-12", "\u22123": "-3", "+4": "4", ".5": "0.5",
    "1,234.50": "1234.50", "1.234,50": "1234.50", "1 234,5": "1234.5", "1\u00a0234\u00a0567": "1234567",
    "1'234.5": "1234.5", "1,234,567": "1234567", "0,123": "0.123", "12.5": "12.5", "1234.567": "1234.567", "١٢": "12",
    "10%": "0.1", "5%": "0.05", "-12,5 %": "-0.125", "(5%)": "-0.05", "0%": "0", "1,00,000.00": "100000",
    "12,34,567": "1234567", "-1,00,00,000": "-10000000", "1,00,000%": "1000",
}  # fmt: skip
NO_NUMBERS = [
    *("", "x", "12,34,56", "1 2", "1.2.3", "--1", "1e5", "²", "NaN", "Infinity", "1,234.5.6"),
    *("9" * 31, "0." + "1" * 12, "1" * 200, "ERROR", "1,,2", "1 23 456", "5%%", "%", "()", "(-5)", "-(5)"),
    *("1,00,000,00", "1.00.000,00", "0.123456789%", "12-34", "$5"),
]


@pytest.mark.parametrize("text", NUMBERS)
def test_a_number_is_read(text: str) -> None:
    """A number is read as what it says, to the last digit; a percentage is a number, too."""
    assert read_number(text) == Decimal(NUMBERS[text])


@pytest.mark.parametrize("text", NO_NUMBERS)
def test_what_is_no_number_is_not_read(text: str) -> None:
    """What is no number, or does not fit its column, is not read."""
    assert read_number(text) is UNREADABLE


@pytest.mark.parametrize("text", ["1,234", "1.234", "-1,234", "(12.345)", "1,234%"])
def test_what_may_be_another_number_is_not_read(text: str) -> None:
    """What may be a thousand, or a little more than one, is read only when the decimal sign is given."""
    assert read_number(text) is TWO_WAYS
    assert isinstance(read_number(text, Typed(decimal=".")), Decimal)
    assert isinstance(read_number(text, Typed(decimal=",")), Decimal)


def test_what_the_project_says_decides() -> None:
    """With the decimal sign and the order of dates given, what was unsure is read, and what is against them is not."""
    assert read_number("1,234", Typed(decimal=".")) == 1234
    assert read_number("1,234", Typed(decimal=",")) == Decimal("1.234")
    assert read_number("1,234.5", Typed(decimal=",")) is UNREADABLE
    assert read_number("1,00,000.00", Typed(decimal=",")) is UNREADABLE
    with pytest.raises(ValueError, match="decimal"):
        Typed(decimal=";")  # type: ignore[arg-type]


# Amounts --------------------------------------------------------------------------------------------------------------

MONEY = {
    "$1,234.50": ("1234.50", "$"), "8\u00a0946,83 €": ("8946.83", "€"), "-12.00 USD": ("-12", "USD"),
    "US$ 5": ("5", "US$"), "(12.00 EUR)": ("-12", "EUR"), "-EUR 12.00": ("-12", "EUR"), "EUR 12.00-": ("-12", "EUR"),
    "$12.00 USD": ("12", "USD"), "USD $12.00": ("12", "USD"), "12 € EUR": ("12", "EUR"), "$12.00 CAD": ("12", "CAD"),
    "US$5 USD": ("5", "USD"), "₹1,00,000.00": ("100000", "₹"), "INR 1,00,000": ("100000", "INR"), "-$5.00": ("-5", "$"),
    "$-5.00": ("-5", "$"), "$ (5.00)": ("-5", "$"), "kr. 5,00": ("5", "kr."), "5,00 kr": ("5", "kr"),
    "Fr. 12.50": ("12.50", "Fr."), "Rs.500.00": ("500", "Rs."), "12,50 zł": ("12.50", "zł"), "DEM 12,00": ("12", "DEM"),
    "12.00USD": ("12", "USD"), "R$ 1.234,50": ("1234.50", "R$"), "S/ 12.50": ("12.50", "S/"), "12.00": ("12", None),
    "¥1,200,000": ("1200000", "¥"),
}  # fmt: skip
NO_MONEY = [
    *("VAT 12.00", "12.00 NET", "QTY 12", "Nov$5", "TAX 5", "12.00 XXX", "ABC 1", "#5", "*5.00*"),
    *("$5 EUR", "five $", "1$50", "12€50", "12USD34", "$$5", "EUR EUR 5", "12.00 - 15.00", "page 12 of 20"),
    *("10%", "$10%", "12.00 TAX EUR", "XUSD 5", "USDX 5", "$", "EUR"),
]


@pytest.mark.parametrize("text", MONEY)
def test_an_amount_keeps_its_currency(text: str) -> None:
    """An amount is read, with its sign or code as it is written; with both, the code."""
    number, currency = MONEY[text]
    assert read_money(text) == (Decimal(number), currency)


@pytest.mark.parametrize("text", NO_MONEY)
def test_what_is_no_amount_is_not_read(text: str) -> None:
    """What is beside the number has to be a currency, and only one."""
    assert read_money(text) is UNREADABLE


def test_an_amount_that_can_be_two_is_not_read() -> None:
    """A currency does not say how its country writes thousands, where many countries have the sign."""
    assert read_money("$1,234") is read_money("1.234 EUR") is TWO_WAYS
    assert read_money("$1,234", Typed(decimal=".")) == (Decimal(1234), "$")


def test_no_digit_is_lost() -> None:
    """No digit is lost to the context of decimals, which has fewer than an amount may."""
    assert read_number(f"-{'9' * 29}.{'9' * 9}") == Decimal(f"-{'9' * 29}.{'9' * 9}")
    assert read_number(f"{'9' * 29}.{'9' * 7}%") == Decimal(f"{'9' * 27}.{'9' * 9}")
    assert read_number(f"({'9' * 29}.{'9' * 9})") == Decimal(f"-{'9' * 29}.{'9' * 9}")
    longest = {"field_name": "a", "type": "NUMBER", "value": "-" + "9" * 29}
    page = kit.page_of({"id": "r", "files": [{"documents": [{"fields": [longest]}]}], "has_more": False})
    (found,) = Tabulator("fields", typed=Typed()).batch(page).column("number").to_pylist()
    assert found == Decimal("-" + "9" * 29)


def test_currencies_are_those_of_iso_4217() -> None:
    """The codes are three capitals, without those for no currency and for tests; a sign stands for known codes."""
    assert all(len(code) == 3 and code.isascii() and code.isupper() for code in CODES)
    assert {"USD", "EUR", "INR", "DEM", "XCG"} < CODES
    assert not {"XXX", "XTS", "VAT", "NET", "QTY", "TAX"} & CODES
    assert all(codes and codes <= CODES for codes in SIGNS.values())


@given(code=st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ", min_size=3, max_size=3))
def test_any_three_capitals_are_no_currency(code: str) -> None:
    """Three capitals are a currency when ISO 4217 has them, and otherwise the text is no amount."""
    found = read_money(f"{code} 12.00")
    assert found == (Decimal(12), code) if code in CODES else found is UNREADABLE


# Dates ----------------------------------------------------------------------------------------------------------------

APRIL = date(2025, 4, 3)
MARCH = date(2025, 3, 4)
DATES: dict[str, tuple[date | Doubt, date | Doubt, date | Doubt]] = {
    # The text, and what it is: with no order given, with mdy, with dmy.
    "2025-04-03": (APRIL,) * 3, "2025/4/3": (APRIL,) * 3, "2025.04.03": (APRIL,) * 3,
    "April 3, 2025": (APRIL,) * 3, "3 Apr 2025": (APRIL,) * 3, "3rd april 2025": (APRIL,) * 3,
    "03-Apr-2025": (APRIL,) * 3, "3. April 2025": (APRIL,) * 3,
    "2025-04-03T00:00:00": (APRIL,) * 3, "2025-04-03T23:59:59.999+02:00": (APRIL,) * 3,
    "2025-04-03 14:30Z": (APRIL,) * 3,
    "April 3, 2025, 10:00 pm": (APRIL,) * 3,
    "03/04/2025": (TWO_WAYS, MARCH, APRIL), "03.04.2025": (TWO_WAYS, MARCH, APRIL),
    "3-4-2025": (TWO_WAYS, MARCH, APRIL),
    "3.4.2025": (TWO_WAYS, MARCH, APRIL), "03/04/2025 12:00:00 AM": (TWO_WAYS, MARCH, APRIL),
    "03/04/25": (TWO_WAYS, MARCH, APRIL), "03.04.25": (TWO_WAYS, MARCH, APRIL), "3 Apr 25": (TWO_WAYS, APRIL, APRIL),
    "Apr 3, 25": (TWO_WAYS, APRIL, APRIL),
    "12.31.2025": (date(2025, 12, 31), date(2025, 12, 31), UNREADABLE),
    "31.12.2025": (date(2025, 12, 31), UNREADABLE, date(2025, 12, 31)),
    "25/12/2025": (date(2025, 12, 25), UNREADABLE, date(2025, 12, 25)),
    "12/25/2025": (date(2025, 12, 25), date(2025, 12, 25), UNREADABLE), "4/4/2025": (date(2025, 4, 4),) * 3,
    "12/31/68": (TWO_WAYS, date(2068, 12, 31), UNREADABLE), "12/31/69": (TWO_WAYS, date(1969, 12, 31), UNREADABLE),
    "12/31/99": (TWO_WAYS, date(1999, 12, 31), UNREADABLE), "12/31/00": (TWO_WAYS, date(2000, 12, 31), UNREADABLE),
    **dict.fromkeys(
        ("2025-02-30", "02/30/2025", "0000-01-01", "soon", "3 Foo 2025", "13.13.2025", "99/99/99", "20250403", "12:30",
         "2025-04-03T", "2025-04-03Tx", "2025-04-03 25:00", "Apr 2025", "", "03/04", "03/04/025"),
        (UNREADABLE,) * 3,
    ),
}  # fmt: skip


@pytest.mark.parametrize("text", DATES)
def test_a_date_is_read_where_it_is_sure(text: str) -> None:
    """A date is read where one order of day and month is possible, or is given; the century follows POSIX."""
    assert (read_date(text), read_date(text, Typed(dates="mdy")), read_date(text, Typed(dates="dmy"))) == DATES[text]


# Counts ---------------------------------------------------------------------------------------------------------------

EIGHT = ["03/04/2025", "04.03.2025", "1/2/2025", "01.02.2025", "7/8/2025", "03/04/25", "2025-04-03", "soon"]
TYPED = [
    *(("DATE", value) for value in EIGHT), ("NUMBER", "1,234"), ("CURRENCY", "VAT 12.00"), ("CURRENCY", "$1,234"),
    ("NUMBER", "12"), ("NUMBER", "ERROR"), ("NUMBER", ""), ("NUMBER", " "), ("NUMBER", None), ("TEXT", "03/04/2025"),
    ("NUMBER", "x" * 1000),
]  # fmt: skip
UNREAD = Unread(dates=6, numbers=2, others=3)
SAID = [
    "6 dates can be read two ways: say dates='mdy' or 'dmy'",
    "2 numbers can be read two ways: say decimal='.' or ','",
    "3 values are no number, amount or date, and stay text only",
]


def run_of(files: int = 1) -> MemoryRun:
    """A run whose files have these values; each has them all."""
    fields = [{"field_name": f"f{n}", "type": kind, "value": value} for n, (kind, value) in enumerate(TYPED) if value]
    document = {"class_name": "A", "fields": fields}
    return MemoryRun(
        {"id": "r-1", "status": "COMPLETE"},
        [{"original_file_name": f"{n}.pdf", "documents": [document]} for n in range(files)],
    )


def test_what_could_not_be_read_is_counted() -> None:
    """Values that could not be read are counted by what can be done; empty, failed and other ones are not."""
    types, values = zip(*TYPED, strict=True)
    readings, unread = read(values, types, Typed())
    assert unread == UNREAD
    assert unread.explain() == SAID
    assert sum(reading != (None, None, None) for reading in readings) == 2
    assert read(values, types, Typed(decimal=".", dates="mdy"))[1] == Unread(others=3)
    assert not Unread()
    assert Unread().explain() == []


def test_a_table_says_what_could_not_be_read(
    serve_runs: Callable[..., str], token: str, caplog: pytest.LogCaptureFixture
) -> None:
    """`table`, long and wide, has the counts in its metadata; it and `batches` log what to do."""
    with Client(token=token, base_url=serve_runs(run_of(3), page_size=1)) as client:
        for wide in (None, "A"):
            caplog.clear()
            table = client.table("r-1", wide=wide, typed=True, include=Include.NONE)
            assert table.schema.metadata[b"run_results.unread"] == b'{"dates": 18, "numbers": 6, "others": 9}'
            assert caplog.messages[0] == "run r-1: 18 dates can be read two ways: say dates='mdy' or 'dmy'"
            assert len(caplog.messages) == 3
        caplog.clear()
        client.batches("r-1", typed=True, include=Include.NONE).read_all()
        assert len(caplog.messages) == 3
        caplog.clear()
        assert b"run_results.unread" not in client.table("r-1", include=Include.NONE).schema.metadata
        assert (
            b"run_results.unread" not in client.table("r-1", "files", typed=True, include=Include.NONE).schema.metadata
        )
        assert caplog.messages == []


def test_an_async_stream_says_it_too(
    serve_runs: Callable[..., str], token: str, caplog: pytest.LogCaptureFixture
) -> None:
    """At the end of an asynchronous stream the log says the same."""

    async def stream() -> int:
        async with AsyncClient(token=token, base_url=serve_runs(run_of())) as client:
            return len([batch async for batch in client.batches("r-1", typed=True, include=Include.NONE)])

    assert asyncio.run(stream()) == 1
    assert [text.removeprefix("run r-1: ") for text in caplog.messages] == SAID


# Any text -------------------------------------------------------------------------------------------------------------


@given(
    values=st.lists(st.text(max_size=20) | st.text("0123456789.,/- $€%()TZ:ABCPM", max_size=20) | st.none()),
    kind=st.sampled_from(["NUMBER", "date", "Currency", "x", None]),
)
def test_reading_never_fails(values: list[str | None], kind: str | None) -> None:
    """Whatever a value is, it is read or it is counted; nothing is raised."""
    for typed in (Typed(), Typed(".", "dmy"), Typed(",", "mdy")):
        readings, unread = read(values, [kind] * len(values), typed)
        there = [value for value in values if value and value.strip() and value != "ERROR"]
        found = sum(reading != (None, None, None) for reading in readings)
        counted = unread.dates + unread.numbers + unread.others
        assert len(readings) == len(values)
        assert found + counted == (len(there) if kind not in ("x", None) else 0)


@given(number=st.decimals(-(10**12), 10**12, places=2))
def test_a_formatted_number_comes_back(number: Decimal) -> None:
    """A number with separators between its thousands and two decimals is read as itself, in both fashions."""
    number = number or Decimal(0)
    english = f"{number:,.2f}"
    assert read_number(english) == number
    assert read_number(english.replace(",", " ").replace(".", ",")) == number


@given(day=st.dates(date(1969, 1, 1), date(2068, 12, 31)))
def test_a_formatted_date_comes_back(day: date) -> None:
    """A date in any of the usual forms is read as itself when its order is given, with two digits for the year too."""
    for form in ("%m/%d/%Y", "%m/%d/%y", "%m.%d.%Y", "%m-%d-%y"):
        assert read_date(day.strftime(form), Typed(dates="mdy")) == day
    for form in ("%d/%m/%Y", "%d.%m.%y", "%Y-%m-%dT%H:%M:%S", "%d %b %Y", "%B %d, %Y"):
        assert read_date(day.strftime(form), Typed(dates="dmy")) == day
    assert read_date(day.isoformat()) == day
