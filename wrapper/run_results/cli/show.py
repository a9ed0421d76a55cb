"""What people see on a terminal: fields as a table, and the state of a run.

Everything is drawn line by line with the columns cut to the terminal's width, so that a run of any length can go by.
Whatever colour shows is also written as a word.
"""

from collections.abc import Sequence
from itertools import groupby

from attrs import define, field
from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from run_results import UNSET, Drift, Include, Page, RunStatus
from run_results.cli.row_filter import RowFilter
from run_results.cli.rows import MARKS, alerts, class_confidence, confidence, label, marks, type_of
from run_results.counts import Counts, DocumentCounts, FieldCounts
from run_results.fields import FieldPlace, is_invalid_document
from run_results.text import count, printable

_GAP = "  "
_LEAST_WIDTH = 60
"""On a narrower terminal lines wrap, because a column needs room for a word."""
_LEAST_NOTE = 20
"""How wide a note is at least, however narrow the terminal is."""
_LONGEST_NOTE = 1000
"""Characters of the notes on a field; longer ones are cut at the end."""

MARK_STYLES = {"failed": "red", "unsure": "yellow", "invalid": "magenta", "edited": "cyan"}
"""The marks of a field, the most severe first, each with the style of its line."""

Cells = list[tuple[str, str]]
"""The texts of a line, from left to right, each with its style."""


@define
class FieldTable:
    """Draws pages as a table with one line for each field, under a heading for each document."""

    console: Console
    wanted: RowFilter
    include: Include
    drawn: int = field(default=0, init=False)
    """How many fields are drawn, cross-class fields among them."""
    _width: int = field(init=False)
    _widths: list[int] = field(init=False)
    _begun: bool = field(default=False, init=False)

    def __attrs_post_init__(self) -> None:
        scores = [5, 5] if Include.CONFIDENCE in self.include else []
        self._width = max(self.console.width, _LEAST_WIDTH)
        room = self._width - 8 - sum(scores) - len(_GAP) * (4 + len(scores))
        name, value = room * 28 // 100, room * 38 // 100
        self._widths = [name, value, 8, *scores, room - name - value]

    def page(self, page: Page) -> int:
        """Draw a page, the first one below the names of the columns; returns how many rows were drawn."""
        if not self._begun:
            self._begun = True
            scores = ["MODEL", "OCR"] if Include.CONFIDENCE in self.include else []
            self._print([self._line([(title, "bold") for title in ("FIELD", "VALUE", "TYPE", *scores, "NOTE")])])
        drawn = 0
        for _, group in groupby(self.wanted.select(page), key=lambda row: (row.file_index, row.document_index)):
            lines: list[Text] = []
            for row in group:
                drawn += 1
                if not lines:
                    heading = self._heading(row)
                    heading.truncate(self._width, overflow="ellipsis")
                    lines.append(heading)
                if row.field_index is not None:
                    self.drawn += 1
                    lines += self._field(row, marks(row, self.wanted.threshold))
            if lines:
                self._print(lines)
        return drawn

    def summary(self, counts: Counts) -> None:
        """Draw the counts; whoever walks keeps them."""
        files, documents, fields = counts.files, counts.documents.total, counts.fields.total
        cases = counts.case_fields.total
        empty = f" ({counts.empty_files:,} without documents)" if counts.empty_files else ""
        parts = [count(files, "file") + empty, count(documents, "document"), count(fields, "field")]
        lines = [Text(), Text(", ".join([*parts, count(cases, "cross-class field")] if cases else parts), "bold")]
        if self.wanted:
            every = count(fields + cases, "field") + (", cross-class ones included" if cases else "")
            lines.append(Text(f"shown: {self.drawn:,} of {every} ({self.wanted.describe()})"))
        lines.append(self._marked("field", counts.fields))
        if cases:
            lines.append(self._marked("cross-class field", counts.case_fields))
        lines += [self._documents(counts.documents), self._problems(counts), Text("breaches: ") + _breaches(counts)]
        self._print(lines)

    def _marked(self, noun: str, counts: FieldCounts) -> Text:
        """How many fields of one kind have each mark that was asked for."""
        parts = []
        for mark in (mark for mark, needed in MARKS.items() if needed in self.include):
            if mark == "unsure" and noun != "field":  # a cross-class field has no score
                continue
            number = getattr(counts, mark)
            below = f" (below {self.wanted.threshold:g})" if mark == "unsure" else ""
            parts.append(Text(f"{number:,} {mark}{below}", MARK_STYLES[mark] if number else ""))
        return Text(f"of {count(counts.total, noun)}: ") + Text(", ").join(parts)

    def _documents(self, counts: DocumentCounts) -> Text:
        parts = [(counts.unclassified, "not classified", "yellow")]
        if Include.VALIDATION in self.include:
            parts.append((counts.invalid, "invalid", MARK_STYLES["invalid"]))
        if Include.REVIEW in self.include:
            parts.append((counts.edited, "with an edited class", MARK_STYLES["edited"]))
        texts = [Text(f"{number:,} {what}", style if number else "") for number, what, style in parts]
        return Text(f"of {count(counts.total, 'document')}: ") + Text(", ").join(texts)

    def _problems(self, counts: Counts) -> Text:
        """The problems at each level: they are messages, of which an invalid field can have several."""
        levels = {level: number for level, number in counts.problems.items() if number}
        if not levels:
            return Text("problems: none")
        names = {"run": "the run", "class": "cross-class fields", "document": "documents", "field": "fields"}
        shown = ", ".join(f"{number:,} on {names[level]}" for level, number in levels.items())
        return Text(f"problems: {count(sum(levels.values()), 'message')}, {shown}")

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
            heading.append(f" {_score(score)}", "yellow" if score < self.wanted.threshold else "dim")
        if is_invalid_document(row.document):
            heading.append(_GAP + "invalid", "magenta")
        if row.field_index is None:
            heading.append(_GAP + "no fields", "dim")
        return heading

    def _field(self, row: FieldPlace, found: set[str]) -> list[Text]:
        """The line of a field; notes for which the column is too narrow follow below it in full."""
        notes, style = _notes(row, found)
        cells, room = self._cells(row, style), self._widths[-1]
        if cell_len(notes) <= room:
            return [self._line([*cells, (notes, style)])]
        words = ", ".join(mark for mark in MARK_STYLES if mark in found)
        indent = _GAP * 3
        room = max(min(self._width, self.console.width), _LEAST_NOTE) - len(indent)
        below = Text(notes, style).wrap(self.console, room, overflow="fold")
        return [self._line([*cells, (words, style)]), *(Text(indent) + line for line in below)]

    def _cells(self, row: FieldPlace, style: str) -> Cells:
        name, value = label(row, self.wanted.names) or "(no name)", row.field.value or ""
        cells = [(name, style), (value, style), (type_of(row) or "", "dim")]
        if Include.CONFIDENCE in self.include:
            scores = confidence(row)
            cells += [(_score(score), style or "dim") for score in (scores.model, scores.ocr)]
        return cells

    def _line(self, cells: Cells) -> Text:
        line = Text()
        for (text, style), width in zip(cells, self._widths, strict=True):
            line.append(_GAP)
            line.append_text(_cut(text, width, style))
        line.rstrip()
        return line

    def _print(self, lines: list[Text]) -> None:
        self.console.print(Text("\n").join(lines), soft_wrap=True)


def _notes(row: FieldPlace, found: set[str]) -> tuple[str, str]:
    """The notes on a field in one line, and the style of the most severe mark."""
    notes = []
    for mark in (mark for mark in MARK_STYLES if mark in found):
        reasons = row.field.error_msg if mark == "failed" else _messages(row) if mark == "invalid" else ""
        notes.append(f"{mark}: {reasons}" if reasons else mark)
    style = next((style for mark, style in MARK_STYLES.items() if mark in found), "")
    return printable(", ".join(notes), _LONGEST_NOTE), style


def _messages(row: FieldPlace) -> str:
    return "; ".join(alert.msg for alert in alerts(row) or () if alert.msg)


def run_heading(run_id: str, *, is_first: bool) -> Text:
    """What stands above the fields of one of several runs."""
    return Text(("" if is_first else "\n") + f"run {printable(run_id, 200)}", "bold")


def show_status(console: Console, page: Page) -> None:
    """Draw the state of a run."""
    run = page.run
    colors = {"COMPLETE": "green", "FAILED": "red", "CANCELLED": "red"}
    message = run.message if isinstance(run.message, str) else "none" if run.message is None else "not given"
    finished = "not yet" if page.is_finished is False else "time not given"
    status = "not given" if page.status is UNSET else printable(page.status, 80)
    lines = {
        "run": Text(printable(page.run_id, 200), "bold"),
        "status": Text(status, colors.get(status, "yellow")),
        "state": Text(_state(page)),
        "message": Text(printable(message, 1000)),
        "started": Text(page.started_at.isoformat() if page.started_at else "time not given"),
        "finished": Text(page.finished_at.isoformat() if page.finished_at else finished),
        "review": Text(
            "completed" if run.review_completed else "not completed" if run.review_completed is False else "not given"
        ),
        "files": Text(f"at least {len(page.files):,}" if page.has_more else f"{len(page.files):,}"),
        "drift": _drift(page.drift),
    }
    for name, value in lines.items():
        console.print(Text.assemble((f"{name:<10}", "dim"), value), soft_wrap=True)


def _state(page: Page) -> str:
    if page.is_finished is None:
        return "not known, without a status"
    if page.is_finished:
        return "finished"
    if page.status == RunStatus.STOPPED_AT_CHECKPOINT:
        return "waiting for review"
    return "paused" if page.is_settled else "still working"


def _cut(text: str, width: int, style: str, *, pad: bool = True) -> Text:
    # First by characters, so that a long value, or many accents on one letter, cost no more than a short one.
    cut = Text(printable(text, 4 * width), style)
    cut.truncate(width, overflow="ellipsis", pad=pad)
    return cut


def _score(score: object) -> str:
    return f"{score:.3f}" if isinstance(score, float) else "-" if score is None else ""


def _breaches(counts: Counts) -> Text:
    if not counts.breaches:
        return Text("none")
    text = f"{count(counts.breaches, 'place')} where the server broke the contract, first {counts.first_breach}"
    return Text(printable(text, 1000), "yellow")


def _drift(places: Sequence[Drift]) -> Text:
    """The drift of the first page: breaches, and news that the contract allows."""
    if not places:
        return Text("none")
    breaches = sum(place.is_breach for place in places)
    kinds = f"{count(breaches, 'breach', 'breaches')}, {len(places) - breaches:,} allowed by the contract"
    return Text(printable(f"{count(len(places), 'place')} ({kinds}), first {places[0]}", 1000), "yellow")
