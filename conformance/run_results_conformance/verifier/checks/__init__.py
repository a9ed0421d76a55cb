"""How the rules are judged.

The way of one exchange: a check asks the `session`, which sends a `Request` over the `wire` unless it has the
answer already; the `body` is read, the `lens` (the spec, compiled) walks it once, and `single` says what the
rules for single exchanges make of it. Then the check itself holds it against the laws that span exchanges:
`runs` (what a page must show, given all pages before it), `laws` (which pages to ask for), `authentication`,
`inputs`, `contexts`, and `knowledge` (what a manifest knew beforehand).

`PROBES` are the checks that start from one right question, with the rules that each can break; a check of which
no rule is wanted costs nothing.
"""

from collections.abc import Callable

from attrs import frozen

from run_results_conformance.verifier.rules import RULES
from run_results_conformance.verifier.session import Session

from . import authentication, contexts, inputs
from .probe import Probe


@frozen
class Check:
    """A check that starts from a probe, and the rules that it judges beside those of single exchanges."""

    run: Callable[[Session, Probe], None]
    rules: tuple[str, ...]


PROBES: tuple[Check, ...] = (
    Check(authentication.hold_required, ("authentication.required", "authentication.before-lookup")),
    Check(authentication.hold_exact, ("authentication.exact",)),
    Check(authentication.hold_empty, ("authentication.empty",)),
    Check(authentication.hold_scheme, ("authentication.scheme", "authentication.scheme-case")),
    Check(authentication.hold_header_only, ("authentication.header-only",)),
    Check(authentication.hold_doubled, ("authentication.doubled",)),
    Check(contexts.hold_made_up, ("context.made-up",)),
    Check(contexts.hold_foreign, ("context.foreign", "context.own", "context.case")),
    Check(inputs.hold_run_ids, ("inputs.run-id-exact",)),
    Check(inputs.hold_odd_run_ids, ("inputs.run-id-odd",)),
    Check(inputs.hold_bad_offsets, ("inputs.offset-refused",)),
    Check(inputs.hold_large_offsets, ("inputs.offset-int64",)),
    Check(inputs.hold_booleans, ("inputs.boolean-refused", "inputs.boolean-read", "inputs.boolean-canonical")),
    Check(inputs.hold_loose_offsets, ("inputs.offset-read", "inputs.offset-canonical", "inputs.doubled")),
    Check(inputs.hold_methods, ("inputs.method", "inputs.method-405", "errors.allow")),
    Check(inputs.hold_head, ("wire.head",)),
    Check(inputs.hold_paths, ("inputs.path",)),
    Check(inputs.hold_path_encoding, ("inputs.path-encoding",)),
    Check(inputs.hold_query_encoding, ("inputs.query-encoding",)),
    Check(inputs.hold_unknown_parameters, ("inputs.unknown-parameter", "inputs.unknown-tolerated")),
    Check(inputs.hold_headers, ("inputs.headers",)),
    Check(inputs.hold_contexts, ("inputs.context-refused", "inputs.doubled")),
    Check(inputs.hold_gzip, ("wire.gzip",)),
)
"""The checks from one right question, the ones that matter most first."""

LAWS: tuple[str, ...] = tuple(
    rule.id for rule in RULES if rule.family in ("shape", "paging", "flags", "names", "state")
)
"""The rules that are judged over many pages, of many runs."""
