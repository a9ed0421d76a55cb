"""What a manifest says of a run, compared with the run's pages."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from run_results_conformance.server.terms import JsonObject
from run_results_conformance.verifier.exchange import ObservedRun, Page
from run_results_conformance.verifier.manifest import KnownRun
from run_results_conformance.verifier.run_status import RUNNING
from run_results_conformance.verifier.session import Session
from run_results_conformance.verifier.spec_view import Path, contradictions


def known_properties(session: Session, known: KnownRun, flags: frozenset[str]) -> dict[str, Any]:
    """What an answer under flags must say of a run as a whole, by property. Nothing is certain of a RUNNING run."""
    if known.status == RUNNING:
        return {}
    projected: dict[str, Any] = session.contract.project(dict(known.properties), flags)
    return {**projected, "status": known.status} if known.status else projected


def other_than_known(session: Session, known: KnownRun, page: Page) -> Iterator[tuple[Path, Any, Any]]:
    """Each place where a page lacks what the manifest says of the run as a whole, or says something else."""
    expected = known_properties(session, known, page.flags)
    shown = {name: part for name, part in page.value.items() if name in expected}  # without the files, which are large
    return contradictions(expected, session.spec.trim(shown, page.flags))


def check_known(session: Session, run: ObservedRun, page: Page) -> None:
    """Compares a page with what the manifest says of its run. Of a run that has moved its values say nothing more."""
    known = run.known
    if not run.moved and known_properties(session, known, page.flags):
        path, expected, got = (found := next(other_than_known(session, known, page), None)) or ((), "", "")
        session.judge("state.known", found is None, page.exchange, path=path, expected=expected, got=got)
    if known.names is not None:
        _check_names(session, page, known.names)
    if not run.moved and known.content is not None:
        _check_content(session, page, known.content)
    if known.files is not None and page.offset <= known.files < page.offset + len(page.files):
        _check_count(session, run, page, page.offset + len(page.files))
    elif known.files is not None and not page.files and page.offset < known.files and known.status != RUNNING:
        _check_count(session, run, page, page.offset)


def check_file_count(session: Session, run: ObservedRun) -> None:
    """Compares the number of files that a walk found with the number in the manifest, or with the files it lists."""
    if run.end is None:
        return
    if run.known.files is not None:
        _check_count(session, run, run.first, run.end)
    elif run.known.content is not None:
        listed, path = len(run.known.content), (session.contract.pagination.items,)
        expected, got = f"at least {listed} files in all pages", f"{run.end} files"
        kept, exchange = run.end >= listed, run.first.exchange
        session.judge("state.content", kept, exchange, path=path, expected=expected, got=got, run=run)


def _check_count(session: Session, run: ObservedRun, page: Page, count: int) -> None:
    session.judge(
        "state.file-count",
        count == run.known.files,
        page.exchange,
        path=(session.contract.pagination.items,),
        expected=f"{run.known.files} files in all pages",
        got=f"{count} files",
        run=run,
    )


def _check_names(session: Session, page: Page, names: Iterable[str]) -> None:
    inspection = page.exchange.inspection
    if inspection is None or not inspection.names:
        return
    rule = session.contract.field_name_rule
    allowed = {rule(name) for name in names}
    for name, path in inspection.names.items():
        session.judge(
            "names.exact", name in allowed, page.exchange, path=path, expected="a name that the rule makes", got=name
        )


def _check_content(session: Session, page: Page, content: Sequence[JsonObject]) -> None:
    items = session.contract.pagination.items
    wanted = content[page.offset : page.offset + len(page.files)]
    if not wanted and not page.files:
        return
    projected = session.contract.project({items: wanted}, page.flags)[items]
    shown = session.spec.trim_files(page.files[: len(wanted)], page.flags)
    found = next(contradictions({items: projected}, {items: shown}), None)
    path, expected, got = found or ((), "", "")
    session.judge("state.content", found is None, page.exchange, path=path, expected=expected, got=got)
