"""Paths: the operation has one, and its percent-encoding is decoded."""

from urllib.parse import quote

from run_results_conformance.verifier.checks.baseline import Baseline
from run_results_conformance.verifier.checks.judging import judge_status
from run_results_conformance.verifier.comparison import judge_same
from run_results_conformance.verifier.connection import Request
from run_results_conformance.verifier.session import Session

from .run_ids import first_alphanumeric


def check_path_encoding(session: Session, baseline: Baseline) -> None:
    """A percent-encoded letter of a run id means the same as the letter."""
    run_id = baseline.run_id
    position = first_alphanumeric(run_id)
    if position is None:
        return
    before, after = (quote(part, safe="") for part in (run_id[:position], run_id[position + 1 :]))
    segment = f"{before}%{ord(run_id[position]):02x}{after}"
    exchange = session.ask(session.request(run_id, baseline.offset, segment=segment))
    expected = "the answer to the plain run id"
    judge_same(session, "inputs.path-encoding", exchange, baseline.exchange, expected, run=baseline.run)


def check_paths(session: Session, baseline: Baseline) -> None:
    """The operation has one path, in one spelling."""
    whole = session.request(baseline.run_id)
    encoded = quote(baseline.run_id, safe="")
    before, _, after = whole.target.rpartition(encoded)
    targets = [
        f"{before.swapcase()}{encoded}{after.swapcase()}",
        f"{whole.target}/",
        whole.target.replace("/", "//", 1) if session.random.random() < 0.5 else f"{before}{encoded}/{after}",
        f"{before}x/%2E%2E/{encoded}{after}",
    ]
    for run in session.runs:
        if not run.id.isascii() and all(ord(character) < 256 for character in run.id):
            other = session.request(run.id, segment=quote(run.id.encode("latin-1"), safe=""))
            targets.append(other.target)
            break
    for target in targets:
        # A redirect names the right path.
        exchange = session.ask(Request(target, whole.headers))
        judge_status(session, "inputs.path", exchange, range(300, 500), "status 404")
