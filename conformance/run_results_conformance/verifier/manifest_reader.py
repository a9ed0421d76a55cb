"""Reads a manifest from a server that is trusted: every page of its runs, with all include flags.

Answers have API names, and a manifest has the project's own. The likeliest original of each name is taken, which can be
corrected in the file.
"""

from collections.abc import Callable, Iterable
from functools import cached_property
from typing import Any, cast

from run_results import guess
from run_results_conformance.server.contract import Contract, load_contract
from run_results_conformance.server.json_file import find_problems, list_problems
from run_results_conformance.server.name_rule import FieldNameRule
from run_results_conformance.server.runs import MemoryRun
from run_results_conformance.server.schemas import manifest_schema
from run_results_conformance.server.terms import JsonObject

from .budget import Budget, OutOfRequests, Unresponsive
from .connection import Address, Connection
from .exchange import Exchange
from .manifest import HERE, KnownRun, Manifest, ManifestError
from .session import Session
from .spec_view import spec_view_of


def read_manifest(
    url: str,
    token: str,
    runs: Iterable[str],
    *,
    context: str | None = None,
    allow_insecure: bool = False,
    max_requests: int = 200,
    max_seconds: float = 300.0,
    rate: float | None = None,
    timeout: float = 10.0,
    contract: Contract | None = None,
) -> Manifest:
    """What a server says of its runs. One request is sent for each page.

    Of a RUNNING run only the id and the status are taken, and of a run of more than 400 files no content. Raises
    AddressError, and ManifestError where a run cannot be read whole or its answers do not fit the contract.
    """
    contract = contract or load_contract()
    address = Address.of(url)
    address.check_encrypted(allow_insecure=allow_insecure)
    with Connection(address, token, timeout=timeout) as connection:
        session = Session(
            connection,
            token,
            spec_view_of(contract),
            Manifest.of_ids(*runs),
            check_exchange=lambda _session, _exchange: iter(()),
            rules=frozenset(),
            budget=Budget(max_requests=max_requests, max_seconds=max_seconds, rate=rate),
            context=context,
        )
        names = _ProjectNames(contract.document)
        found = Manifest(tuple(_read_run(session, names, known.id) for known in session.manifest.runs))
    problems = find_problems(found.document(), manifest_schema(contract))
    if problems:
        listed = list_problems(problems, "its answers")
        raise ManifestError(f"no manifest can be made of a server that leaves the contract:\n{listed}")
    return found


def _read_run(session: Session, names: "_ProjectNames", run_id: str) -> KnownRun:
    """Everything that the pages of a run say."""
    words, flags = session.contract.pagination, frozenset(session.contract.flags)
    files: list[Any] = []
    first: JsonObject | None = None
    more = True
    while more:
        try:
            page = session.page(run_id, len(files), flags, fresh=True)
        except OutOfRequests as spent:
            raise ManifestError(f"run {run_id} was not read to its end: {spent}") from None
        except Unresponsive as reason:
            raise ManifestError(f"run {run_id} was not read to its end: {str(reason) or 'no answers came'}") from None
        if isinstance(page, Exchange):
            why = page.answer.fault or (f"status {page.status}" if page.status != 200 else "the answer is no page")
            raise ManifestError(f"run {run_id} cannot be read ({why})")
        value = names.project(session.spec.trim(page.value, flags), flags)
        header = {name: part for name, part in value.items() if name not in (words.items, words.more)}
        if first is None:
            first = header
        if header != first:
            raise ManifestError(f"run {run_id} changed while it was read: try again when it does not")
        if page.more and not page.files:
            raise ManifestError(f"run {run_id} has a page without files that says {words.more}")
        files += value[words.items]
        more = page.more
    return KnownRun.of(run_id, HERE, MemoryRun(first or {}, files), session.contract)


class _ProjectNames(Contract):
    """The contract, with the way back from an API name in place of the field-name rule."""

    @cached_property
    def field_name_rule(self) -> FieldNameRule:
        rule = super().field_name_rule

        def back(name: str) -> str:
            original = guess(name)
            if rule(original) != name:
                raise ManifestError(f"no project's name becomes {name!r} by the field-name rule")
            return original

        # It is only ever called.
        return cast("FieldNameRule", cast("Callable[[str], str]", back))
