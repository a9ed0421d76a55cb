"""Pages and name maps in notebooks: small HTML tables in which everything from a server is text.

A notebook calls `_repr_html_` of the object that a cell ends with. `run_results.report` has the whole run.
"""

from collections.abc import Iterable, Iterator, Sequence
from html import escape
from itertools import islice

from run_results.drift import Drift
from run_results.fields import FieldPlace, documents, failed, fields, is_edited, is_invalid, lowest_score
from run_results.text import count, visible
from run_results_api.models import RunResults

_ROWS = 10
_NAMES = 20
_LONGEST = 80


def show_page(run: RunResults, run_id: str, offset: int, next_offset: int | None, breaches: Sequence[Drift]) -> str:
    """A page as HTML: its place in the run, its counts, and its first fields."""
    found = [place.document for place in documents(run) if place.document_index is not None]
    total = sum(len(document.fields or ()) for document in found)
    after = "the last one" if next_offset is None else f"the next one begins at {next_offset:,}"
    files, numbers = count(len(run.files), "file"), (count(len(found), "document"), count(total, "field"))
    counts = f"{files} from {offset:,} on, {', '.join(numbers)}"
    parts = [f"<p><b>{_html(run_id)}</b> {_html(str(run.status or 'no status'))}: {counts}; {after}</p>"]
    if total:
        parts.append(_table(("file", "class", "field", "value", "score", ""), islice(_rows(run, offset), _ROWS)))
    if total > _ROWS:
        parts.append(f"<p>and {count(total - _ROWS, 'more field')}</p>")
    if breaches:
        places = "".join(f"<li>{_html(str(place), 300)}</li>" for place in breaches[:5])
        parts.append(f"<p>{count(len(breaches), 'place')} where the server broke the contract</p><ul>{places}</ul>")
    return "".join(parts)


def show_names(names: Sequence[tuple[str, str]], collisions: Sequence[tuple[str, str, str]]) -> str:
    """A name map as HTML: its first names with their API names, and its collisions.

    Args:
        names: Each project field name with its API name.
        collisions: Each API name with the names that become it, and the class, which may be empty.
    """
    parts = [f"<p><b>{count(len(names), 'name')}</b>, {count(len(collisions), 'collision')}</p>"]
    if names:
        parts.append(_table(("project", "API"), names[:_NAMES]))
    if len(names) > _NAMES:
        parts.append(f"<p>and {count(len(names) - _NAMES, 'more name')}</p>")
    if collisions:
        parts.append(_table(("API", "names that become it", "class"), collisions[:_NAMES]))
    return "".join(parts)


def _rows(run: RunResults, offset: int) -> Iterator[tuple[object, ...]]:
    for place in fields(run, offset):
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
