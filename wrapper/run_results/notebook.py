"""How pages and name maps show themselves in notebooks: small tables in which everything that came is only text.

A notebook calls `_repr_html_` of the object that a cell ends with. `run_results.report` has the whole run.
"""

from collections.abc import Iterable, Iterator
from html import escape
from itertools import islice

from run_results.fields import failed
from run_results.names import NameMap
from run_results.page import Page

_ROWS = 10
_NAMES = 20
_LONGEST = 80


def show_page(page: Page) -> str:
    """A page as HTML: where it stands, what it holds, and its first fields."""
    documents = [document for file in page.files for document in file.documents or ()]
    fields = sum(len(document.fields or ()) for document in documents)
    after = f"the next one begins at {page.next_offset:,}" if page.has_more else "the last one"
    counts = f"{len(page.files):,} files from {page.offset:,} on, {len(documents):,} documents, {fields:,} fields"
    parts = [f"<p><b>{_shown(page.run_id)}</b> {_shown(str(page.status))}: {counts}; {after}</p>"]
    if fields:
        parts.append(_table(("file", "class", "field", "value", "score", ""), islice(_rows(page), _ROWS)))
    if fields > _ROWS:
        parts.append(f"<p>and {fields - _ROWS:,} fields more</p>")
    if page.breaches:
        places = "".join(f"<li>{_shown(str(place), 300)}</li>" for place in page.breaches[:5])
        parts.append(f"<p>{len(page.breaches):,} places that left the contract</p><ul>{places}</ul>")
    return "".join(parts)


def show_names(names: NameMap) -> str:
    """A name map as HTML: its first names and what the service makes of them, and what collides."""
    rows = ((name, names.api_name(name)) for name in islice(names, _NAMES))
    parts = [f"<p><b>{len(names):,} names</b>, {len(names.collisions):,} collisions</p>"]
    if len(names):
        parts.append(_table(("project", "API"), rows))
    if len(names) > _NAMES:
        parts.append(f"<p>and {len(names) - _NAMES:,} names more</p>")
    if names.collisions:
        meeting = ((each.api_name, ", ".join(each.names[:5]), each.class_name or "") for each in names.collisions)
        parts.append(_table(("API", "names that become it", "class"), islice(meeting, _NAMES)))
    return "".join(parts)


def _rows(page: Page) -> Iterator[tuple[object, ...]]:
    for index, file in enumerate(page.files, page.offset):
        for document in file.documents or ():
            for field in document.fields or ():
                scores = [field.confidence.model, field.confidence.ocr] if field.confidence else []
                known = [score for score in scores if isinstance(score, float)]
                invalid = field.validations and field.validations.valid is False
                notes = [word for word, holds in (("failed", failed(field)), ("not valid", invalid)) if holds]
                score = f"{min(known):.2f}" if known else ""
                yield index, document.class_name, field.field_name, field.value, score, ", ".join(notes)


def _table(titles: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    head = "".join(f"<th>{title}</th>" for title in titles)
    lines = ("".join(f"<td>{_shown(cell)}</td>" for cell in row) for row in rows)
    body = "".join(f"<tr>{line}</tr>" for line in lines)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _shown(value: object, longest: int = _LONGEST) -> str:
    """A text as harmless HTML; nothing for what is not given."""
    if not isinstance(value, str | int):
        return ""
    text = str(value)
    cut = text if len(text) <= longest else f"{text[:longest]}…"
    printable = (c if c.isprintable() else " " if c.isspace() else f"\\u{ord(c):04x}" for c in cut)
    return f"<bdi>{escape(''.join(printable))}</bdi>"
