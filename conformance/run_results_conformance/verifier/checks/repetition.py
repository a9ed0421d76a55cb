"""A right request again, after requests that may leave something behind."""

from run_results_conformance.verifier.comparison import judge_same
from run_results_conformance.verifier.exchange import Exchange, ObservedRun
from run_results_conformance.verifier.session import Session


def check_again(session: Session, run: ObservedRun, wanted: Exchange, what: str) -> None:
    """A right request has the answer that it had before `what` came in between."""
    exchange = session.ask(wanted.request, fresh=True, keep=False)
    judge_same(session, "paging.deterministic", exchange, wanted, f"the answer before {what}", run=run)


def check_first_page_again(session: Session, run: ObservedRun, what: str) -> None:
    """The request for the first page, without anything that may be left out, has its answer again."""
    check_again(session, run, run.first.exchange, what)
