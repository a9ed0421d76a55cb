"""The catalogue as the page docs/rules.md."""

from run_results_conformance.verifier.traffic import as_list

from .catalogue import FAMILIES, RULES
from .rule import Level

_MANIFEST = "a manifest"


def markdown() -> str:
    """The catalogue as `docs/rules.md`."""
    musts = sum(rule.level is Level.MUST for rule in RULES)
    lines = [
        "# The rules",
        "",
        "<!-- Written by `run-results-conformance rules --markdown`; a test checks that it is current. -->",
        "",
        f"`run-results-conformance check` judges a server by {len(RULES)} rules, {musts} of them of level MUST.",
        "A rule of level POLICY stands where the contract is silent: it is reported, and fails only with `--policy`.",
        "",
        "## What is sent",
        "",
        "One request at a time:",
        "",
        *as_list(),
        "",
        "Three rules need other methods: `inputs.method`, `inputs.method-405` and",
        "(unless HEAD is refused) `errors.allow`. They are reported as not judged, unless `--unsafe-methods` is given.",
        "Where no id answers 404, none of them is sent.",
    ]
    lines += ["", *_with_a_manifest()]
    for family, about in FAMILIES.items():
        lines += [
            "",
            f"## {family}",
            "",
            about,
            "",
            "| rule | level | check | failure | rests on |",
            "|---|---|---|---|---|",
        ]
        lines += [
            f"| `{rule.id}` | {rule.level} | {rule.check} | {rule.failure} | {rule.sentence} *({rule.source})* |"
            for rule in RULES
            if rule.family == family
        ]
    return "\n".join([*lines, ""])


def _with_a_manifest() -> list[str]:
    """Which rules need to know more than a server says of its runs."""
    needs: dict[str, list[str]] = {}
    for rule in RULES:
        if rule.needs.startswith(_MANIFEST):
            needs.setdefault(rule.needs, []).append(f"`{rule.id}`")
    return [
        "These rules need a [manifest](manifest.md): nothing in an answer shows whether they are kept.",
        "",
        *(f"- {', '.join(rules)}: {need}." for need, rules in needs.items()),
    ]
