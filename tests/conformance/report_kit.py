"""Reports of verifications that never were, with texts as a hostile server would have them."""

from run_results_conformance.verifier.report import Failure, Report, Verdict
from run_results_conformance.verifier.rules import BY_ID, RULES

NASTY = "</pre><script>alert(1)</script> & ]]> \x1b[31m \u202e \x00 \ud800 [bold]x[/bold] \"'"


def report(broken: tuple[str, ...] = ("paging.suffix", "inputs.doubled"), policy: bool = False) -> Report:
    def verdict(rule: str) -> Verdict:
        failure = Failure(rule, NASTY, NASTY, 200, NASTY, NASTY, NASTY, NASTY)
        hit = rule in broken
        return Verdict(BY_ID[rule], 7, 2 if hit else 0, (failure,) if hit else ())

    verdicts = tuple(
        Verdict(rule, 0, 0, (), "needs <more>") if rule.id == "names.exact" else verdict(rule.id) for rule in RULES
    )
    return Report(
        url="http://127.0.0.1:1",
        runs=("r<1>",),
        verdicts=verdicts,
        obstacles=(),
        notes=("<b>note</b>",),
        requests=12,
        seconds=0.5,
        seed=3,
        policy=policy,
    )
