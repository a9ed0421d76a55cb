"""No spreadsheet finds a formula in our CSV, whatever separator it splits lines at, and every value can be had back."""

import csv
import io
import json
import re
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from run_results.tables.currencies import CODES
from run_results.tables.formulas import guard, guard_json, unguard
from run_results.tables.options import SEPARATORS, Csv
from run_results.tables.writers import GUARDED, open_writer

from .test_formats import HOSTILE, fields_of, read_csv, written

FORMULAS = [
    *("=1+1", "+1+1", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "\n=1", " =1", "＝1+1", '=HYPERLINK("http://x";"y")'),
    *("=\x00", "\u00a0=1", "\ufeff=1", "\u200b=1", "\x00=1", "\u3000@x", '"=1', "\tx", "\r\nx", "-", "+"),
    *("a;=cmd|'/C calc'!A0;b", "a,=1", "a\t=1", "a|=1", "a\n=1", "a\r\n=1", "a; =1", 'a;"=1', "a;\n=1", ";;=1"),
    *("-1|'/C calc'!A0", "a;-5|cmd|'x'!A0", "-5;=1", "-1,=1", "-A1", "-5+A1", "-5-6", "+49-170-123", "-12/05"),
    *("-US5", "-USD5", "-US$5", "- item", "list:\n- one\n- two", "-5%%", "-1e5", "-(5)", "-5 -6", "a;＝1"),
]  # fmt: skip
HARMLESS = [
    *("-12.50", "+49 170 123", "-$5.00", "-5%", "-.5", "-,5", "-1,234.50 EUR", "- 5 €", "-€5", "-USD 5.00", "-5 kr."),
    *("-1'234.50", "-5\u00a0000,00 €", "-5;-6", "-1, -2", "-5\n", "total; -5 EUR", "Smith, -5%", "a\n-5 EUR\nb"),
    *("1e5", "a,b", "'quoted", "NULL", "a - b", "x=1", "a; b=1", "'=1", "a;'=1", "a@b.example", "2025-04-03", "", " "),
]  # fmt: skip


# The oracle: what a program finds that splits a file at a separator ---------------------------------------------


def cells_at(content: str, separator: str) -> list[str]:
    """Every text that may become a cell: with quotes understood, and with quotes taken for ordinary characters."""
    before = csv.field_size_limit(10**9)
    try:
        rows = csv.reader(io.StringIO(content, newline=""), delimiter=separator)
        cells = [cell for row in rows for cell in row]
    finally:
        csv.field_size_limit(before)
    return cells + [cell for line in re.split("[\r\n]", content) for cell in line.split(separator)]


INVISIBLE = dict.fromkeys(
    [*range(9), 11, 12, *range(14, 32), *range(127, 160), *map(ord, "\u00ad\u200b\u200d\u2060\ufeff")]
)


def is_formula(cell: str) -> bool:
    """Whether a spreadsheet may take a cell for a formula. Signed numbers, with a currency or not, are none."""
    text = cell.translate(INVISIBLE).lstrip().strip('"').lstrip(' "\t\r\n')
    if not text.startswith(tuple("=+-@＝＋－＠")):
        return False
    # Where quotes are ordinary characters, those at our cell's end end the number as well, and so do JSON's brackets.
    text = re.split(r'\]|\}|"(?=[,;|\t\r\n]|$)', text)[0]
    numbers = re.sub(rf"\b(?:{'|'.join(CODES)}) | ?\b(?:{'|'.join(CODES)})\b|[$€]|(?<=\d)%|\bkr\.", "", text)
    parts = re.split(r"[;|\t\r\n]|, *(?=[+-])", numbers)
    return not all(re.fullmatch(r" *[+-]?[\d.,' \u00a0]*", part) for part in parts)


def formulas_in(content: str) -> list[str]:
    """The formulas that any program may find in a file."""
    return [cell for separator in SEPARATORS for cell in cells_at(content, separator) if is_formula(cell)]


def test_the_oracle_finds_formulas() -> None:
    """What is called a formula here is found in a file where nothing is guarded; what is harmless is not."""
    for text in FORMULAS:
        if text.strip("\t\r\nx+-"):  # these are guarded, though no spreadsheet is known to take them for formulas
            assert formulas_in(written([fields_of([text])], "csv", guard=False)[0].decode()), text
    for text in HARMLESS:
        assert not formulas_in(written([fields_of([text])], "csv", guard=False)[0].decode()), text


# The guard ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", FORMULAS)
@pytest.mark.parametrize("separator", SEPARATORS)
def test_a_formula_is_guarded(text: str, separator: str) -> None:
    """Where a formula could begin, there is an apostrophe; the row says in which columns, and the value comes back."""
    content, guarded = written([fields_of([text])], "csv", separator=separator)
    assert formulas_in(content.decode()) == []
    (row,) = csv.DictReader(io.StringIO(content.decode(), newline=""), delimiter=separator)
    assert json.loads(row[GUARDED]) == ["file_name", "class_name", "value", "type", "error"]
    assert guarded == 5
    assert row["value"] == guard(text) != text
    assert row["value"].startswith("'")
    assert unguard(row["value"]) == text


@pytest.mark.parametrize("text", HARMLESS)
def test_what_is_harmless_stays(text: str) -> None:
    """Amounts with a sign, and signs that are in the middle of a cell, are left as they are."""
    assert guard(text) == text
    content, guarded = written([fields_of([text])], "csv")
    assert guarded == 0
    assert read_csv(content)[0]["value"] == text


@given(
    values=st.lists(
        st.text("=+-@,;|\t\r\n 12.a'\"\x00\u00a0$%＝", max_size=8)
        | st.text(max_size=8)
        | st.sampled_from(HOSTILE + FORMULAS),
        min_size=1,
        max_size=4,
    )
)
@example(values=["b;=1;'=2"])
@example(values=["';=1", ";'=1;''=1"])
def test_no_file_has_a_formula(values: list[str]) -> None:
    """No program finds a formula in guarded CSV, and taking the apostrophes away gives every value back."""
    content = written([fields_of(values)], "csv")[0]
    assert formulas_in(content.decode()) == []
    for row, value in zip(read_csv(content), values, strict=True):
        guarded = json.loads(row[GUARDED] or "[]")
        assert (unguard(row["value"]) if "value" in guarded else row["value"]) == value


def test_lists_have_no_formulas_and_stay_json() -> None:
    """A formula in a text inside a list is escaped, so that the cell is still JSON of the same value."""
    texts = ["=1", "a;=cmd|' /C calc'!A0", "b,@x", "c|-A1", 'd;"=1', "\\;=1", "é;＝1", "a;-5"]
    batch = pa.RecordBatch.from_pydict({"l": [texts, None, []], "n": [[-1, -2], [], None], "s": [[{"=k": "x,+y"}]] * 3})
    content, guarded = written([batch], "csv")
    assert guarded == 0
    assert formulas_in(content.decode()) == []
    first = read_csv(content)[0]
    assert (json.loads(first["l"]), json.loads(first["n"]), json.loads(first["s"])) == (
        texts,
        [-1, -2],
        [{"=k": "x,+y"}],
    )


@given(
    value=st.recursive(
        st.none() | st.integers(-9, 9) | st.floats(-2, 2) | st.text('=+-@,;| "\\n1', max_size=6),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(";=a", max_size=3), inner, max_size=2),
        max_leaves=6,
    )
)  # fmt: skip
def test_guarded_json_says_the_same(value: Any) -> None:
    """Whatever is in JSON text, it stays the same value."""
    assert json.loads(guard_json(json.dumps(value, separators=(",", ":"), ensure_ascii=False))) == value


@pytest.mark.parametrize(
    "text", ["\n" * 10**5 + "x", ";" + " " * 10**5 + "x", "-" + "1," * 10**5, "-1" + " " * 10**5 + "x"]
)
def test_no_text_takes_long(text: str) -> None:
    """Texts that would make a careless pattern try every combination are done at once; this test would not end."""
    assert unguard(guard(text)) == text or guard(text) == text


# Titles ---------------------------------------------------------------------------------------------------------


def test_titles_are_guarded_too() -> None:
    """A column title that could be a formula gets an apostrophe; the titles of wide tables are a project's."""
    batch = pa.RecordBatch.from_pydict({"=cmd|x": ["a"], "plain": ["b"]})
    content, guarded = written([batch], "csv")
    assert (content.splitlines()[0], guarded) == (b'"\'=cmd|x","plain","guarded"', 1)
    assert written([batch], "csv", guard=False)[0].splitlines()[0] == b'"=cmd|x","plain"'


def test_guarded_titles_stay_different() -> None:
    """A title that gets an apostrophe does not become one that is there already."""
    file = io.BytesIO()
    names = ["=a", "'=a", "'=a_"]
    open_writer(file, pa.schema([(name, pa.string()) for name in names]), "csv").close()
    assert file.getvalue() == b'"\'=a__","\'=a","\'=a_","guarded"\n'


def test_a_title_is_guarded_behind_separators() -> None:
    """A column may be called anything; its title and its place in the column `guarded` hold no formula either."""
    batch = pa.RecordBatch.from_pydict({"a;=cmd|x": ["=1"], "b\n@c": ["x"]})
    content, guarded = written([batch], "csv")
    assert guarded == 3
    assert formulas_in(content.decode()) == []
    (row,) = read_csv(content)
    assert [unguard(title) for title in list(row)[:2]] == ["a;=cmd|x", "b\n@c"]
    assert json.loads(row[GUARDED]) == ["a;=cmd|x"]


# Excel ----------------------------------------------------------------------------------------------------------


def excel(batch: pa.RecordBatch, **style: Any) -> tuple[bytes, int]:
    """The bytes of CSV for Excel, and how many cells were cut."""
    file = io.BytesIO()
    writer = open_writer(file, batch.schema, "csv", Csv(dialect="excel", **style))
    writer.write(batch)
    writer.close()
    return file.getvalue(), writer.cut


@pytest.mark.parametrize("separator", SEPARATORS)
def test_csv_for_excel_has_a_mark_and_a_separator(separator: str) -> None:
    """It begins with a byte order mark, which tells Excel that it is UTF-8, and has the separator that was chosen."""
    batch = pa.RecordBatch.from_pydict({"a": ["Müller", None], "b": ["1,5;x\t|", ""]})
    content, cut = excel(batch, separator=separator, guard=False)
    assert content.startswith(b"\xef\xbb\xbf")
    rows = list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""), delimiter=separator))
    assert rows == [["a", "b"], ["Müller", "1,5;x\t|"], ["", ""]]
    assert cut == 0


def test_cells_that_are_too_long_for_excel_are_cut() -> None:
    """A cell has 32,767 units of UTF-16 at most; a longer one is cut, says so at its end, and is counted."""
    boxes = [[{"top_x": float(n), "top_y": 1.5} for n in range(2_000)]]
    texts = ["x" * 32_767, "x" * 32_768, "😀" * 16_384, "é" * 32_767, "=" * 32_767]
    batch = pa.RecordBatch.from_pydict({"text": texts, "boxes": boxes * 5, "n": [1] * 5})
    content, cut = excel(batch)
    rows = read_csv(content.removeprefix(b"\xef\xbb\xbf"))
    assert cut == 3 + 5
    assert [len(cell.encode("utf-16-le")) // 2 <= 32_767 for row in rows for cell in row.values()].count(False) == 0
    assert [rows[n]["text"] for n in (0, 3)] == [texts[0], texts[3]]
    assert rows[1]["text"] == "x" * (32_767 - 25) + "… [cut: 32768 characters]"
    assert rows[2]["text"].endswith("😀… [cut: 32768 characters]")
    assert rows[4]["text"].startswith("'===")
    assert all(row["boxes"].startswith('[{"top_x":0.0') for row in rows)
    assert all(" [cut: " in row["boxes"] for row in rows)
    assert " [cut: " not in written([batch], "csv")[0].decode()
