"""What several checks share: judging a status."""

from collections.abc import Collection

from run_results_conformance.verifier.exchange import Exchange
from run_results_conformance.verifier.session import Session

REFUSED = (400, 422)
"""A parameter is refused."""

HIDDEN = (400, 403, 404, 422)
"""A run is not shown in this context."""

NO_HEAD = (404, 405, 501)
"""HEAD is not supported: a server may do without it."""

NO_SUCH_RUN = (400, 403, 404, 414, 422)
"""There is no run of this id."""


def judge_status(
    session: Session, rule: str, exchange: Exchange, accepted: Collection[int], expected: str | None = None
) -> None:
    """Judges that a request was answered with one of these statuses.

    No answer, "too busy" and a status from 500 on are for other rules.
    """
    if exchange.decided:
        words = expected or f"status {' or '.join(map(str, accepted))}"
        session.judge(rule, exchange.status in accepted, exchange, expected=words, got=f"status {exchange.status}")
