"""What a manifest knows of a run, held against its pages."""

from collections.abc import Iterable
from typing import Any

from run_results_conformance.server.contract import JsonObject
from run_results_conformance.verifier.manifest import RUNNING, KnownRun
from run_results_conformance.verifier.session import Page, RunView, Session
from run_results_conformance.verifier.spec_view import Path


def identity(file: Any) -> Any:
    """What tells a file from another: its path where it has one, else the whole of it."""
    path = file.get("input_file_path") if isinstance(file, dict) else None
    return path if isinstance(path, str) else file


def facts(session: Session, known: KnownRun, flags: frozenset[str]) -> dict[str, Any]:
    """What an answer under flags must say of a run as a whole, by property. Of a run that goes on nothing is sure."""
    if known.status == RUNNING:
        return {}
    projected: dict[str, Any] = session.contract.project(dict(known.properties), flags)
    return {**projected, "status": known.status} if known.status else projected


def wrong_fact(session: Session, known: KnownRun, page: Page) -> tuple[Path, Any, Any] | None:
    """The first place where a page says something else of the run than is known."""
    shown = session.lens.strip({name: page.value[name] for name in sorted(page.value)}, page.flags)
    return session.lens.contradiction(facts(session, known, page.flags), shown)


def hold_known(session: Session, view: RunView, page: Page) -> None:
    """Holds a page against what is known of its run."""
    known = view.known
    if facts(session, known, page.flags):
        path, expected, got = (found := wrong_fact(session, known, page)) or ((), "", "")
        session.hold("state.known", found is None, page.exchange, path=path, expected=expected, got=got)
    if known.names is not None:
        _hold_names(session, page, known.names)
    if known.content is not None:
        _hold_content(session, page, known.content)
    if known.files is not None and page.offset <= known.files < page.offset + len(page.files):
        _hold_count(session, view, page, page.offset + len(page.files))


def hold_count(session: Session, view: RunView) -> None:
    """Holds the number of files that a walk found against the number that is known."""
    if view.known.files is None or view.end is None:
        return
    _hold_count(session, view, view.first, view.end)


def _hold_count(session: Session, view: RunView, page: Page, count: int) -> None:
    session.hold(
        "state.file-count",
        count == view.known.files,
        page.exchange,
        path=(session.contract.pagination.items,),
        expected=f"{view.known.files} files in all pages",
        got=f"{count} files",
        run=view,
    )


def _hold_names(session: Session, page: Page, names: Iterable[str]) -> None:
    inspection = page.exchange.inspection
    if inspection is None or not inspection.names:
        return
    rule = session.contract.field_name_rule
    allowed = {rule(name) for name in names}
    for name, path in inspection.names.items():
        session.hold(
            "names.exact", name in allowed, page.exchange, path=path, expected="a name that the rule makes", got=name
        )


def _hold_content(session: Session, page: Page, content: list[JsonObject] | Any) -> None:
    items = session.contract.pagination.items
    wanted = content[page.offset : page.offset + len(page.files)]
    if not wanted and not page.files:
        return
    projected = session.contract.project({items: wanted}, page.flags)[items]
    shown = session.lens.strip_files(page.files[: len(wanted)], page.flags)
    found = session.lens.contradiction({items: projected}, {items: shown})
    path, expected, got = found or ((), "", "")
    session.hold("state.content", found is None, page.exchange, path=path, expected=expected, got=got)
