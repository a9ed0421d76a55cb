"""Pages and name maps in notebooks: small HTML tables in which everything from a server is text.

A notebook calls `_repr_html_` of the object that a cell ends with. `run_results.report` has the whole run.
"""

from collections.abc import Iterable, Iterator
from html import escape
from itertools import islice

from run_results.fields import FieldPlace, documents, failed, fields, is_edited, is_invalid, lowest_score
from run_results.names import NameMap
from run_results.page import Page
from run_results.text import visible

_ROWS = 10
_NAMES = 20
_LONGEST = 80


def show_page(page: Page) -> str:
    """A page as HTML: its place in the run, its counts, and its first fields."""
    found = [place.document for place in documents(page.run) if place.document_index is not None]
    count = sum(len(document.fields or ()) for document in found)
    after = f"the next one begins at {page.next_offset:,}" if page.has_more else "the last one"
    counts = f"{len(page.files):,} files from {page.offset:,} on, {len(found):,} documents, {count:,} fields"
    parts = [f"<p><b>{_html(page.run_id)}</b> {_html(str(page.status))}: {counts}; {after}</p>"]
    if count:
        parts.append(_table(("file", "class", "field", "value", "score", ""), islice(_rows(page), _ROWS)))
    if count > _ROWS:
        parts.append(f"<p>and {count - _ROWS:,} fields more</p>")
    if page.breaches:
        places = "".join(f"<li>{_html(str(place), 300)}</li>" for place in page.breaches[:5])
        parts.append(f"<p>{len(page.breaches):,} places that left the contract</p><ul>{places}</ul>")
    return "".join(parts)


def show_names(names: NameMap) -> str:
    """A name map as HTML: its first names with their API names, and its collisions."""
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
    for place in fields(page.run, page.offset):
        if place.field_index is not None:
            field, score = place.field, lowest_score(place.field)
            shown = "" if score is None else f"{score:.2f}"
            yield place.file_index, place.document.class_name, place.api_name, field.value, shown, _notes(place)


def _notes(place: FieldPlace) -> str:
    marks = {"failed": failed(place.field), "invalid": is_invalid(place.field), "edited": is_edited(place.field)}
    return ", ".join(word for word, holds in marks.items() if holds)


def _table(titles: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    head = "".join(f"<th>{title}</th>" for title in titles)
    lines = ("".join(f"<td>{_html(cell)}</td>" for cell in row) for row in rows)
    body = "".join(f"<tr>{line}</tr>" for line in lines)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _html(value: object, longest: int = _LONGEST) -> str:
    """A text as harmless HTML; nothing for what is not given."""
    if not isinstance(value, str | int):
        return ""
    return f"<bdi>{escape(visible(str(value), longest))}</bdi>"
