"""The order of a verification: read one run well, vary requests around it, then compare the pages of all runs."""

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from typing import ParamSpec, Self

from .budget import OutOfRequests, Unresponsive, share_of_lists, with_lists
from .checks import CHECKS, RUN_RULES
from .checks.baseline import Baseline, read_baseline
from .checks.flags import check_combinations, check_mixtures
from .checks.inputs.methods import METHOD_RULES
from .checks.inputs.run_ids import check_further_ids
from .checks.manifest import check_file_count
from .checks.paging import check_defaults, check_offsets, check_overlaps, check_repetition
from .checks.richest import RichPage
from .checks.run_lists.check import JUDGED, LEFT_OUT, check_run_lists, find_run_lists
from .checks.runs import open_runs, recheck_unfinished
from .checks.versions import recognize_version
from .checks.walk import find_end, walk, walk_with_flags
from .coverage import describe_unread, unread
from .exchange import Exchange, ObservedRun
from .rules import BY_ID, RULES, Level
from .run_status import RUNNING
from .session import Session

P = ParamSpec("P")

_FOR_BASELINE = 140  # requests that are kept back for the checks from the baseline
_PAGES_OF_OTHERS = 7  # of a walk through a run other than the main one, before everything else was judged
_FOR_MIXTURES = 30  # requests that are kept back from long walks, for further offsets under further flags
_LARGE_ALLOWED = 250  # with more requests than these, runs with large pages are read to their end too
_MOST_NAMED = 3  # steps that the budget ended
_MOST_TRIED = 4  # runs, for rules that the main one could not show
_ANYWHERE = ("wire", "errors", "latency")  # families that any exchange can break
_UNEXPLAINED = frozenset(
    {402, 405, 406, 408, 409, 410, 411, 412, 413, 415, 416, 417, 418, 423, 424, 425, 426, 428, 451}
)
"""Statuses that give no reason why a right request for a run that exists is refused."""


class Steps:
    """Takes the steps of a verification, each as far as the budget allows."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._cut: dict[str, None] = {}  # steps that the budget ended, in their order
        self._cut_rules: set[str] = set()
        self._spent: dict[str, None] = {}  # what of the budget was spent, and what allows more
        self._stopped = False
        self._for_run_lists = 0  # requests that are kept back for the second operation
        self.lists = LEFT_OUT
        self.obstacles: list[str] = []
        self.unread: list[str] = []

    def run(self) -> Self:
        """Verifies. Afterwards `obstacles` say what stood in the way of judging, `unread` what was not read.

        `lists` says what became of the operation that lists runs.
        """
        session = self._session
        self._do("reading the runs", (), open_runs, session)
        self._judge_unreadable()
        if session.runs:
            main = max(session.runs, key=_worth)
            others = [run for run in session.runs if run is not main]
            self._do("looking for lists of runs", (), self._find_run_lists)
            with session.budget.reserving(self._for_run_lists):
                with session.budget.reserving(self._for_rechecks()):
                    self._check_runs(main, others)
                self._do("reading unfinished runs again", (), recheck_unfinished, session, session.runs)
            if self.lists == JUDGED and not self._stopped:  # what the results left over stays unspent
                with session.budget.reserving(max(session.budget.left - self._for_run_lists, 0)):
                    check_run_lists(session)
        recognize_version(session)
        self._judge_all_exchanges()
        self._give_reasons()
        return self

    def _find_run_lists(self) -> None:
        self.lists = find_run_lists(self._session)
        if self.lists == JUDGED:
            self._for_run_lists = max(share_of_lists(self._session.budget.most) - 1, 0)  # one was sent

    def _for_rechecks(self) -> int:
        """How many requests are kept back to read unfinished runs again."""
        unfinished = [run for run in self._session.runs if not run.final]
        running = sum(1 for run in unfinished if run.first.value.get("status") == RUNNING)  # their ends are read too
        return min(len(unfinished) + running, self._session.budget.left // 4)

    def _check_runs(self, main: ObservedRun, others: list[ObservedRun]) -> None:
        session = self._session
        paging = session.tally.wants(*RUN_RULES)
        self._learn(main, repeating=paging)
        if paging:
            for run in others:
                self._do(f"reading run {run.id}", (), walk_with_flags, session, run, 1)
        baseline = self._baseline(main)
        if paging:
            self._check_pages(main, others, baseline)
        if baseline is not None:
            self._check_requests(baseline)
        self._try_others(main, others)
        if paging:
            self._walk(others)
            runs = [main, *others]
            with session.budget.reserving(min(_FOR_MIXTURES, session.budget.left // 4)):
                self._walk_to_the_end(runs)
            before = session.budget.sent
            if session.tally.wants("inputs.run-id-exact"):
                self._fill("judging further run ids", check_further_ids, session, others)
            for run in others:
                self._fill(f"judging overlaps of run {run.id}", check_overlaps, session, run)
            self._fill("judging further offsets under further flags", check_mixtures, session, runs)
            further = session.budget.sent - before
            self._walk_to_the_end(runs)
            allowing = with_lists if self._for_run_lists else None
            self.unread += describe_unread(unread(runs), session.budget.sent - further + _FOR_MIXTURES, allowing)
            for run in session.runs:
                check_file_count(session, run)

    def _do(
        self, name: str, rules: Iterable[str], step: Callable[P, None], /, *args: P.args, **kwargs: P.kwargs
    ) -> None:
        """Takes a step, unless the server has stopped answering; a budget that is spent ends the step."""
        if self._stopped:
            return
        try:
            step(*args, **kwargs)
        except OutOfRequests as spent:
            self._cut[name] = None
            self._cut_rules.update(rules)
            self._spent[str(spent)] = None
        except Unresponsive as reason:
            self._stopped = True
            self.obstacles.append(f"{reason}, while {name}")

    def _fill(self, name: str, step: Callable[P, None], /, *args: P.args, **kwargs: P.kwargs) -> None:
        """Takes a step for which whatever is left of the budget is used: that it ends early is no news."""
        if self._stopped:
            return
        try:
            step(*args, **kwargs)
        except OutOfRequests as spent:
            if self._session.budget.left > 0:  # `unread` says what more requests would do, and nothing of the rest
                self._spent[str(spent)] = None
        except Unresponsive as reason:
            self._stopped = True
            self.obstacles.append(f"{reason}, while {name}")

    # --- The steps ------------------------------------------------------------------------------------------

    def _learn(self, main: ObservedRun, *, repeating: bool) -> None:
        session, walking = self._session, f"walking run {main.id}"
        self._do(walking, RUN_RULES, walk, session, main)
        if repeating:  # before any other comparison: what is not deterministic is not blamed on flags
            self._do("judging repetition", ("paging.deterministic",), check_repetition, session, main)
        for step in (walk_with_flags, find_end):
            self._do(walking, RUN_RULES, step, session, main)

    def _baseline(self, main: ObservedRun) -> Baseline | None:
        found: list[Baseline] = []
        rules = [rule for check in CHECKS for rule in check.rules]
        self._do("reading a last page", rules, lambda: found.append(read_baseline(self._session, main)))
        return found[0] if found else None

    def _check_pages(self, main: ObservedRun, others: list[ObservedRun], baseline: Baseline | None) -> None:
        session = self._session
        self._do("judging defaults", ("paging.default", "flags.explicit-false"), check_defaults, session, main)
        rules = ("paging.suffix", "paging.progress", "paging.end", "paging.has-more")
        self._do("judging offsets", rules, check_offsets, session, main)
        flags = [rule.id for rule in RULES if rule.family == "flags"]
        rich = baseline.rich if baseline else RichPage(main, 0)
        late = baseline.offset if baseline else 0
        self._do("judging combinations of flags", flags, check_combinations, session, rich, main, late)
        # Most walks are short; long ones wait until all other requests were sent.
        reserved = session.budget.reserving(min(_FOR_BASELINE, session.budget.left))
        with reserved, suppress(OutOfRequests, Unresponsive):
            for step in (walk, walk_with_flags):
                for run in others:
                    step(session, run, _PAGES_OF_OTHERS)

    def _check_requests(self, baseline: Baseline) -> None:
        session = self._session
        # The rules for single exchanges are judged by every request, and want all of them to be sent.
        all_of_them = session.tally.wants(*(rule.id for rule in RULES if rule.family in _ANYWHERE))
        for check in CHECKS:
            if all_of_them or session.tally.wants(*check.rules):
                self._do(f"judging {check.name}", check.rules, check.run, session, baseline)

    def _try_others(self, main: ObservedRun, others: list[ObservedRun]) -> None:
        """Judges with other runs what the main one could not show: no rule is lost because a run is added."""
        session = self._session
        if not main.final:
            self._do("reading the main run again", (), recheck_unfinished, session, [main])
        for run in sorted(others, key=_worth, reverse=True)[:_MOST_TRIED]:
            if self._open("paging.default", "flags.explicit-false"):
                self._do(f"judging defaults with run {run.id}", (), check_defaults, session, run)
            if self._open("paging.deterministic"):
                self._do(f"judging repetition with run {run.id}", (), check_repetition, session, run)
            left = [check for check in CHECKS if self._open(*check.rules)]
            baseline = self._baseline(run) if left else None
            if baseline is None:
                continue
            for check in left:
                self._do(f"judging {check.name} with run {run.id}", (), check.run, session, baseline)

    def _open(self, *rules: str) -> bool:
        """Whether any of these rules can be judged by what is given, and was not yet."""
        tally, methods = self._session.tally, self._session.connection.guard.unsafe_methods
        return any(
            tally.wants(rule)
            and not tally.judged(rule)
            and "manifest" not in BY_ID[rule].needs
            and (methods or rule not in METHOD_RULES)
            for rule in rules
        )

    def _walk(self, runs: list[ObservedRun]) -> None:
        # Every run once, before any of them is read more closely: first those that were not read with flags, and short.
        wanted = {each.run_id: each.requests for each in unread(runs)}
        runs = sorted(runs, key=lambda run: (len(run.full) > len(run.first.files), wanted.get(run.id, 0)))
        for step in (walk, walk_with_flags):
            for run in runs:
                self._fill(f"walking run {run.id}", step, self._session, run, _PAGES_OF_OTHERS)
        for run in runs:
            self._fill(f"looking for the end of run {run.id}", find_end, self._session, run)

    def _walk_to_the_end(self, runs: list[ObservedRun]) -> None:
        """Takes the walks up again that ended early, those first that need the fewest requests."""
        if self._session.tally.broken("paging.termination"):
            return
        wanted = {each.run_id: each.requests for each in unread(runs)}
        for step in (walk, walk_with_flags):
            for run in sorted((run for run in runs if run.id in wanted), key=lambda run: wanted[run.id]):
                # Large pages cost time too.
                if not run.large or self._session.budget.most > _LARGE_ALLOWED:
                    run.walked = False
                    self._fill(f"walking run {run.id}", step, self._session, run, None)

    # --- What could not be judged ---------------------------------------------------------------------------

    def _judge_unreadable(self) -> None:
        session = self._session
        answers = [exchange.answer for exchange in session.exchanges]
        if answers and all(answer.unheard for answer in answers):
            # Nothing that was judged so far is about a server of this API.
            session.tally.void("the server cannot be reached")
            hint = (
                " Check the address, and whether the server runs."
                if answers[0].refused
                else " Is something else listening there, or is --timeout too short?"
            )
            self.obstacles[:] = [f"the server cannot be reached: {answers[0].fault}.{hint}"]
            return
        given = bool(session.manifest.runs)
        if any(exchange.status == 401 for _, exchange in session.unreadable):
            text = "the token was refused (status 401): it may have expired, or be for another server"
            self.obstacles.append(f"{text}; check RUN_RESULTS_TOKEN or --token-file")
        for known, exchange in session.unreadable:
            got = f"status {exchange.status}"
            if given and exchange.status in _UNEXPLAINED:
                session.judge("wire.status", False, exchange, expected="the run, or why it may not be read", got=got)
            if known.described and _denies_run(exchange.status):
                session.judge("state.known", False, exchange, expected="the run", got=got)
            if given and exchange.status != 401:
                self.obstacles.append(f"run {known.id} cannot be read ({_why(exchange)})")
        if not session.runs and not self.obstacles:
            where = "the manifest has no run of this context" if given else "name one with --run or --manifest"
            self.obstacles.append(f"no run can be read: {where}")

    def _judge_all_exchanges(self) -> None:
        """Judges what only all exchanges together show."""
        session = self._session
        readable = any(exchange.status == 200 for exchange in session.exchanges)
        for exchange in session.exchanges:
            # A server that has time for one request, and for another, sent several times, has none, fails at it.
            if readable and exchange.status == 503 and not exchange.answer.header("retry-after"):
                session.judge("errors.server-error", False, exchange, expected="a status below 500", got=503)
        if session.connection.strays and session.exchanges:
            got, expected = f"bytes after {session.connection.strays} answers", "silence until the next request"
            session.judge("wire.length", False, session.exchanges[-1], expected=expected, got=got)
        busy = sum(exchange.busy for exchange in session.exchanges)
        if busy:
            session.notes.append(f"{busy} requests were answered with 429 or 503; what they were for was not judged")
        for run in session.runs:
            if run.moved:
                session.notes.append(f"run {run.id} moved while it was looked at: it was compared as it was afterwards")
        if self._cut:
            session.notes.append(f"the budget was spent while {_first_of(list(self._cut))}")
        if self._spent:
            session.notes.append(f"spent: {'; '.join(self._spent)}")

    def _give_reasons(self) -> None:
        session, tally = self._session, self._session.tally
        if not session.runs:
            for rule in RULES:
                tally.give_reason(rule.id, "no run could be read")
        if session.safe:
            tally.give_reason("authentication.header-only", "left out by --safe")
        if not session.connection.guard.unsafe_methods:
            for method_rule in METHOD_RULES:
                reason = "sends POST, PUT, DELETE, TRACE and a made-up method only with --unsafe-methods"
                tally.give_reason(method_rule, reason)
        if session.wrong_tokens.left <= 0:
            for rule in RULES:
                if rule.family == "authentication":
                    tally.give_reason(rule.id, session.wrong_tokens.reason)
        cut = [rule for rule in RULES if rule.id in self._cut_rules and tally.wants(rule.id)]
        missed = [rule for rule in cut if not tally.judged(rule.id) and "manifest" not in rule.needs]
        for rule in missed:
            tally.give_reason(rule.id, "the budget was spent")
        if any(rule.level is Level.MUST for rule in missed):
            self.obstacles.append(f"the budget was spent before every rule was judged: {'; '.join(self._spent)}")


def _first_of(names: Sequence[str]) -> str:
    """The first names, and how many more there are."""
    shown, rest = names[:_MOST_NAMED], len(names) - _MOST_NAMED
    return "; ".join(shown) + (f", and before {rest} more steps" if rest > 0 else "")


def _worth(run: ObservedRun) -> tuple[bool, bool, bool, bool, bool, int]:
    """How much can be learned from a run: final, or at least not growing, several pages, fields, files, and small."""
    first = run.first
    inspection = first.exchange.inspection
    named = bool(inspection and inspection.names)
    grows = first.value.get("status") == RUNNING
    return run.final, not grows, first.more and named, named, len(first.files) > 1, -len(first.exchange.answer.body)


def _denies_run(status: int) -> bool:
    """Whether a status says that there is no such run. If the token may not read it, the caller has to change that."""
    return 300 <= status < 500 and status not in (401, 403, 429)


def _why(exchange: Exchange) -> str:
    if exchange.answer.fault:
        return exchange.answer.fault
    return f"status {exchange.status}" if exchange.status != 200 else "the answer is no page of files"
