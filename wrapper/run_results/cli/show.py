"""What people see on a terminal: fields as a table, the state of a run, and progress.

Everything is drawn line by line with the columns cut to the terminal's width, so that a run of any length can go by.
Whatever colour shows is also written as a word.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import groupby

from attrs import define, field
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.text import Text

from run_results import Include, NameMap, Page, RunStatus
from run_results.cli.rows import MARKS, Tally, alerts, class_confidence, confidence, label, rows, type_of
from run_results.fields import FieldPlace, is_invalid_document
from run_results.text import printable

_GAP = "  "
_LEAST_WIDTH = 60
"""On a narrower terminal lines wrap, because a column needs room for a word."""

MARK_STYLES = {"failed": "red", "unsure": "yellow", "invalid": "magenta", "edited": "cyan"}
"""The marks of a field, the most severe first, each with the style of its line."""

Cells = list[tuple[str, str]]
"""The texts of a line, from left to right, each with its style."""


def console(*, color: bool, stderr: bool = False) -> Console:
    """A console that prints text unchanged: no markup, no highlighting."""
    return Console(no_color=True if not color else None, stderr=stderr, markup=False, highlight=False, emoji=False)


@define
class FieldTable:
    """Draws pages as a table with one line for each field, under a heading for each document."""

    console: Console
    names: NameMap
    include: Include
    tally: Tally
    only: frozenset[str] = frozenset()
    """Marks: where there are any, only fields with one of them are drawn. All fields are counted."""
    _width: int = field(init=False)
    _widths: list[int] = field(init=False)
    _begun: bool = field(default=False, init=False)

    def __attrs_post_init__(self) -> None:
        scores = [5, 5] if Include.CONFIDENCE in self.include else []
        self._width = max(self.console.width, _LEAST_WIDTH)
        room = self._width - 8 - sum(scores) - len(_GAP) * (4 + len(scores))
        name, value = room * 28 // 100, room * 38 // 100
        self._widths = [name, value, 8, *scores, room - name - value]

    def page(self, page: Page) -> None:
        """Draw a page and count it; the first one below the names of the columns."""
        if not self._begun:
            self._begun = True
            scores = ["MODEL", "OCR"] if Include.CONFIDENCE in self.include else []
            self._print([self._line([(title, "bold") for title in ("FIELD", "VALUE", "TYPE", *scores, "NOTE")])])
        for _, group in groupby(rows(page), key=lambda row: (row.file_index, row.document_index)):
            lines: list[Text] = []
            for row in group:
                marks = self.tally.add_row(row)
                if self.only and not self.only & marks:
                    continue
                if not lines:
                    heading = self._heading(row)
                    heading.truncate(self._width, overflow="ellipsis")
                    lines.append(heading)
                if row.field_index is not None:
                    lines.append(self._line(self._cells(row, marks)))
            if lines:
                self._print(lines)
        self.tally.add_page(page)

    def summary(self) -> None:
        """Draw the counts."""
        tally = self.tally
        counts = [_count(tally.files, "file"), _count(tally.documents, "document"), _count(tally.fields, "field")]
        if tally.case_fields:
            counts.append(_count(tally.case_fields, "cross-class field"))
        marks = []
        for mark in (mark for mark, needed in MARKS.items() if needed in self.include):
            below = f" (below {tally.threshold:g})" if mark == "unsure" else ""
            marks.append((f"{tally.marks[mark]:,} {mark}{below}", MARK_STYLES[mark] if tally.marks[mark] else ""))
        levels = [f"{tally.problems[level]:,} {level}" for level in ("run", "class", "document", "field")]
        problems = ", ".join(levels) if any(tally.problems.values()) else "none"
        lines = [
            Text(),
            Text(", ".join(counts), "bold"),
            Text(", ").join(Text(*mark) for mark in marks),
            Text(f"problems: {problems}"),
            Text("drift: ") + _drift(tally.drift, tally.first_drift),
        ]
        self._print(lines)

    def _heading(self, row: FieldPlace) -> Text:
        if row.file_index is None:
            return Text("packet: cross-class fields", "bold")
        name = row.file.original_file_name or row.file.input_file_path
        heading = Text(f"{row.file_index:,} ", "bold")
        heading.append_text(_cut(name if isinstance(name, str) else "(no name)", self._width // 2, "bold", pad=False))
        if row.document_index is None:
            return heading.append(_GAP + "no documents", "dim")
        heading.append(f"{_GAP}document {row.document_index:,}{_GAP}", "dim")
        class_name = row.document.class_name
        if isinstance(class_name, str):
            heading.append_text(_cut(class_name, self._width // 4, "cyan", pad=False))
        else:
            heading.append("not classified" if class_name is None else "class not given", "yellow")
        score = class_confidence(row).model
        if isinstance(score, float):
            heading.append(f" {_score(score)}", "yellow" if score < self.tally.threshold else "dim")
        if is_invalid_document(row.document):
            heading.append(_GAP + "invalid", "magenta")
        if row.field_index is None:
            heading.append(_GAP + "no fields", "dim")
        return heading

    def _cells(self, row: FieldPlace, marks: set[str]) -> Cells:
        notes, style = _notes(row, marks)
        name, value = label(row, self.names) or "(no name)", row.field.value or ""
        cells = [(name, style), (value, style), (type_of(row) or "", "dim")]
        if Include.CONFIDENCE in self.include:
            scores = confidence(row)
            cells += [(_score(score), style or "dim") for score in (scores.model, scores.ocr)]
        return [*cells, (", ".join(notes), style)]

    def _line(self, cells: Cells) -> Text:
        line = Text()
        for (text, style), width in zip(cells, self._widths, strict=True):
            line.append(_GAP)
            line.append_text(_cut(text, width, style))
        line.rstrip()
        return line

    def _print(self, lines: list[Text]) -> None:
        self.console.print(Text("\n").join(lines), soft_wrap=True)


def _notes(row: FieldPlace, marks: set[str]) -> tuple[list[str], str]:
    """The notes on a field, and the style of the most severe mark."""
    notes = []
    for mark in (mark for mark in MARK_STYLES if mark in marks):
        reasons = row.field.error_msg if mark == "failed" else _messages(row) if mark == "invalid" else ""
        notes.append(f"{mark}: {reasons}" if reasons else mark)
    return notes, next((style for mark, style in MARK_STYLES.items() if mark in marks), "")


def _messages(row: FieldPlace) -> str:
    return "; ".join(alert.msg for alert in alerts(row) or () if alert.msg)


def show_status(console: Console, page: Page) -> None:
    """Draw the state of a run."""
    run = page.run
    colors = {"COMPLETE": "green", "FAILED": "red", "CANCELLED": "red"}
    message = run.message if isinstance(run.message, str) else "none" if run.message is None else "not given"
    finished = "time not given" if page.is_finished else "not yet"
    lines = {
        "run": Text(printable(page.run_id, 200), "bold"),
        "status": Text(printable(page.status, 80), colors.get(page.status, "yellow")),
        "state": Text(_state(page)),
        "message": Text(printable(message, 1000)),
        "started": Text(page.started_at.isoformat() if page.started_at else "time not given"),
        "finished": Text(page.finished_at.isoformat() if page.finished_at else finished),
        "review": Text(
            "completed" if run.review_completed else "not completed" if run.review_completed is False else "not given"
        ),
        "files": Text(f"at least {len(page.files):,}" if page.has_more else f"{len(page.files):,}"),
        "drift": _drift(len(page.breaches), str(page.breaches[0]) if page.breaches else None),
    }
    for name, value in lines.items():
        console.print(Text.assemble((f"{name:<10}", "dim"), value), soft_wrap=True)


def _state(page: Page) -> str:
    if page.is_finished:
        return "finished"
    if page.status == RunStatus.STOPPED_AT_CHECKPOINT:
        return "waiting for review"
    return "paused" if page.is_settled else "still working"


@contextmanager
def progress(*, wanted: bool) -> Iterator[Callable[[str], None]]:
    """A line on stderr that shows the progress, and a function that changes it; nothing where it is not wanted."""
    if not wanted:
        yield lambda _: None
        return
    columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False), TimeElapsedColumn())
    with Progress(*columns, console=console(color=False, stderr=True), transient=True) as bar:
        task = bar.add_task("waiting for the server", total=None)
        yield lambda text: bar.update(task, description=text)


def _cut(text: str, width: int, style: str, *, pad: bool = True) -> Text:
    # First by characters, so that a long value, or many accents on one letter, cost no more than a short one.
    cut = Text(printable(text, 4 * width), style)
    cut.truncate(width, overflow="ellipsis", pad=pad)
    return cut


def _score(score: object) -> str:
    return f"{score:.3f}" if isinstance(score, float) else "-" if score is None else ""


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


def _drift(number: int, first: str | None) -> Text:
    if not number:
        return Text("none")
    return Text(f"{_count(number, 'place')} that left the contract, first {printable(first or '', 300)}", "yellow")
