"""Query parameters: only the operation's own have an effect, and their percent-encoding is decoded."""

from run_results_conformance.verifier.checks.baseline import Baseline
from run_results_conformance.verifier.checks.judging import REFUSED, judge_status
from run_results_conformance.verifier.comparison import judge_same
from run_results_conformance.verifier.session import Session


def check_unknown_parameters(session: Session, baseline: Baseline) -> None:
    """A parameter that the operation does not have changes nothing; nor does another spelling of one of its own."""
    flags, offset, first = session.contract.flags, session.contract.pagination.offset, baseline.rich.run.first.exchange
    shouted, dashed = (
        "&".join(f"{change(name)}=true" for name in flags)
        for change in (str.upper, lambda name: name.replace("_", "-"))
    )
    camel = "&".join(
        f"{_camel_case(name)}={value}" for name, value in ((offset, 1), *((flag, "true") for flag in flags))
    )
    names = ("context", session.spec.context_parameter.name, "ib_context", "org")
    context = "&".join(f"{name}=no-such-context" for name in names)
    for query in (
        "no_such_parameter=1&page_size=1&limit=1&page=2&cursor=x&offset=1",
        f"{shouted}&{offset.upper()}=1&{offset}%5B%5D=1&include=all&limit=0&page_size=0&{context}",
        f"no_such_parameter=1;{offset}=1;{flags[0]}=true&{dashed}&{offset.replace('_', '-')}=1&{camel}&skip=1&start=1"
        "&from=1&run_id=no-such-run&id=no-such-run&sort=-original_file_name&order=desc&fields=id&exclude=files&filter=x"
        "&lang=de&locale=de&format=csv&callback=x&version=1&status=RUNNING",
    ):
        exchange = session.ask(session.request(baseline.rich.run.id, query=query))
        if exchange.status in REFUSED:  # as it may, but not say that there is no such run
            judge_status(session, "inputs.unknown-parameter", exchange, REFUSED)
        else:
            expected = "the answer without the parameters"
            judge_same(session, "inputs.unknown-parameter", exchange, first, expected, run=baseline.rich.run)
        if exchange.status in (200, *REFUSED):
            judge_status(session, "inputs.unknown-tolerated", exchange, (200,))


def check_query_encoding(session: Session, baseline: Baseline) -> None:
    """Names and values of the query are percent-decoded."""
    offset, flag = session.contract.pagination.offset, session.contract.flags[-1]
    wanted = baseline.page(session, frozenset({flag}))
    if wanted is None:
        return
    digits = "".join(f"%{ord(digit):02X}" for digit in str(baseline.offset))
    query = f"{offset.replace('_', '%5F')}={digits}&{flag}=%74rue"
    exchange = session.ask(session.request(baseline.run_id, query=query))
    expected = "the answer to the plain query"
    judge_same(session, "inputs.query-encoding", exchange, wanted.exchange, expected, run=baseline.run)


def _camel_case(name: str) -> str:
    first, *others = name.split("_")
    return "".join([first, *map(str.capitalize, others)])
