"""Which version of the public contract the server speaks: what an earlier one allowed is no breach."""

from run_results_conformance.verifier.session import Session
from run_results_conformance.verifier.spec_view import spec_view_of
from run_results_conformance.verifier.versions import version_of

from .exchange import check_results

_RULES = ("shape.results", "flags.present")
"""The rules that an earlier version can break."""
_MOST_COMPARED = 12  # answers that the version is found by: those with the most flags


def recognize_version(session: Session) -> None:
    """Judges the shapes of all answers anew where they are those of an earlier version, and notes which."""
    if not any(session.tally.broken(rule) for rule in _RULES):
        return
    answers = [exchange for exchange in session.exchanges if exchange.inspection is not None]
    chosen = sorted(answers, key=lambda each: -len(each.request.flags or ()))[:_MOST_COMPARED]
    version = version_of(session.contract, [(each.body.value, each.request.flags) for each in chosen])
    if version is None:
        return
    spec = spec_view_of(version.contract)
    session.tally.restart(_RULES)
    for exchange in answers:
        value = exchange.body.value
        for found in check_results(spec, value, spec.inspect(value, exchange.request.flags)):
            if found.rule in _RULES:
                session.judge(found.rule, found.kept, exchange, path=found.path, expected=found.expected, got=found.got)
    session.notes.append(
        f"this server speaks the contract of {version}: shapes were judged by that version, all else by that of today"
    )
