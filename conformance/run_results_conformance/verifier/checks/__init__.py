"""How the rules are judged.

`exchange` judges every single exchange, with a module for each family that one exchange can break (`wire`, `errors`,
`state`). The other checks make requests of their own:

- from a right request that is made wrong in one way (`baseline`): `authentication`, `inputs`, `context`;
- through the pages of runs: `runs` chooses the runs, `walk`, `paging` and `flags` the pages, `pages` compares each page
  with those before it, `manifest` with what is known of the run.
"""

from collections.abc import Callable

from attrs import frozen

from run_results_conformance.verifier.rules import RULES
from run_results_conformance.verifier.session import Session

from . import authentication, context, wire
from .baseline import Baseline
from .inputs import booleans, headers, methods, offsets, parameters, paths, run_ids


@frozen
class Check:
    """A check that starts from the baseline, and the rules that it judges beside those of single exchanges."""

    run: Callable[[Session, Baseline], None]
    rules: tuple[str, ...]

    @property
    def name(self) -> str:
        """What it judges, in words."""
        return self.run.__name__.removeprefix("check_").replace("_", " ")


CHECKS: tuple[Check, ...] = (
    Check(authentication.check_no_token, ("authentication.required", "authentication.before-lookup")),
    Check(authentication.check_other_tokens, ("authentication.exact",)),
    Check(authentication.check_empty_token, ("authentication.empty",)),
    Check(authentication.check_schemes, ("authentication.scheme", "authentication.scheme-case")),
    Check(authentication.check_other_places, ("authentication.header-only",)),
    Check(authentication.check_two_tokens, ("authentication.doubled",)),
    Check(context.check_made_up_contexts, ("context.made-up",)),
    Check(context.check_other_contexts, ("context.foreign", "context.own", "context.case")),
    Check(run_ids.check_run_ids, ("inputs.run-id-exact",)),
    Check(run_ids.check_odd_run_ids, ("inputs.run-id-odd",)),
    Check(offsets.check_bad_offsets, ("inputs.offset-refused",)),
    Check(offsets.check_large_offsets, ("inputs.offset-int64",)),
    Check(booleans.check_booleans, ("inputs.boolean-refused", "inputs.boolean-read", "inputs.boolean-canonical")),
    Check(offsets.check_loose_offsets, ("inputs.offset-read", "inputs.offset-canonical", "inputs.doubled")),
    Check(methods.check_methods, methods.METHOD_RULES),
    Check(wire.check_head_method, ("wire.head",)),
    Check(paths.check_paths, ("inputs.path",)),
    Check(paths.check_path_encoding, ("inputs.path-encoding",)),
    Check(parameters.check_query_encoding, ("inputs.query-encoding",)),
    Check(parameters.check_unknown_parameters, ("inputs.unknown-parameter", "inputs.unknown-tolerated")),
    Check(headers.check_bad_contexts, ("inputs.context-refused", "inputs.doubled")),
    Check(wire.check_gzip, ("wire.gzip",)),
    Check(headers.check_headers, ("inputs.headers",)),
    Check(headers.check_other_headers, ("inputs.headers",)),
    Check(run_ids.check_ids_of_other_forms, ("inputs.run-id-exact",)),
)
"""The checks that start from the baseline, the most important ones first."""

RUN_RULES: tuple[str, ...] = tuple(
    rule.id for rule in RULES if rule.family in ("shape", "paging", "flags", "names", "state")
)
"""The rules that are judged through the pages of runs."""
