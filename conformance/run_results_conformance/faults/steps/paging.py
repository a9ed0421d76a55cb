"""Steps that take other files for a page, or decide has_more by another rule."""

from collections.abc import Callable, Sequence
from typing import cast

from run_results_conformance.faults.fault import Make
from run_results_conformance.server.runs import Run
from run_results_conformance.server.terms import JsonObject

from .call import Call, Step, When, always, server_with


def more(rule: Callable[[Call], bool]) -> Make:
    """A server that decides has_more by this rule."""
    return server_with(has_more=lambda call, _honest, *_arguments: rule(call))


def cut(rule: Callable[[Call], tuple[int, int]], *, when: When = always) -> Make:
    """A server whose pages have the files from one index to another, as the rule says."""
    return server_with(slice=_cut(rule, when))


def _cut(rule: Callable[[Call], tuple[int, int]], when: When = always) -> Step:
    def slice_(call: Call, honest: Step, run: Run, offset: int, size: int) -> Sequence[JsonObject]:
        if not when(call):
            return cast("Sequence[JsonObject]", honest(run, offset, size))
        start, stop = rule(call)
        stop = max(0, min(stop, run.file_count))
        return list(run.files(max(0, min(start, stop)), stop))

    return slice_


def cut_and_more(rule: Callable[[Call], tuple[int, int]], has_more: Callable[[Call], bool]) -> Make:
    """A server whose pages have other files (as with `cut`), and another has_more."""
    return server_with(slice=_cut(rule), has_more=lambda call, _honest, *_arguments: has_more(call))


def arranged(change: Callable[[Call, list[JsonObject]], Sequence[JsonObject]]) -> Make:
    """A server that takes the right files for a page, and then changes the list."""
    return server_with(slice=lambda call, honest, *arguments: change(call, list(honest(*arguments))))
