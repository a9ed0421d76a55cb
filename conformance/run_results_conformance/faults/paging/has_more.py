"""Paging: a has_more that is not true."""

from run_results_conformance.faults.standard import (
    EMPTY_RUN,
    EXACT_RUN,
    SINGLE_RUN,
    SOURCE,
    STATUS_RUNS,
    asking,
    flags,
    from_offset,
)
from run_results_conformance.faults.steps import more

from .family import paging

HAS_MORE = (
    paging("has-more-never", "has_more is always false.", more(lambda _call: False)),
    paging("has-more-always", "has_more is always true.", more(lambda _call: True)),
    paging("has-more-inverted", "has_more is true exactly when nothing comes.", more(lambda call: not call.more)),
    paging(
        "has-more-late",
        "has_more is true on the page that ends with the last file.",
        more(lambda call: call.more or (call.end == call.total and call.offset < call.total)),
    ),
    paging(
        "has-more-early",
        "has_more is false when one page is left.",
        more(lambda call: call.end + call.size < call.total),
    ),
    paging(
        "has-more-misses-one",
        "has_more is false when one file is left.",
        more(lambda call: call.end + 1 < call.total),
    ),
    paging(
        "has-more-full-page",
        "has_more is true for every full page, so also for the last one of an exact multiple.",
        more(lambda call: call.end - call.offset == call.size),
        witness=from_offset(3, run_id=EXACT_RUN),
    ),
    paging(
        "has-more-any-file",
        "has_more is true whenever the page has a file.",
        more(lambda call: call.end > call.offset),
    ),
    paging(
        "has-more-run-not-empty",
        "has_more is true for every run that has files.",
        more(lambda call: call.total > 0),
    ),
    paging(
        "has-more-counts-page-only",
        "has_more compares the page with the run, and not its end with the run.",
        more(lambda call: call.end - call.offset < call.total),
    ),
    paging(
        "has-more-past-end",
        "has_more is true past the end only.",
        more(lambda call: call.more or call.offset > call.total),
    ),
    paging(
        "has-more-at-end",
        "has_more is true only where the offset is the number of files.",
        more(lambda call: call.more or call.offset == call.total),
    ),
    paging(
        "has-more-empty-run",
        "has_more is true for a run without files.",
        more(lambda call: call.more or call.total == 0),
        witness=(asking(EMPTY_RUN),),
    ),
    paging(
        "has-more-single-file",
        "has_more is true for a run of one file.",
        more(lambda call: call.more or call.total == 1),
        witness=(asking(SINGLE_RUN),),
    ),
    paging(
        "has-more-while-running",
        "has_more is true for as long as the run has not finished.",
        more(lambda call: call.more or call.status == "RUNNING"),
        witness=(asking(STATUS_RUNS["RUNNING"], "file_offset=4"),),
    ),
    paging(
        "has-more-not-when-unfinished",
        "has_more is false for runs that wait at a checkpoint.",
        more(lambda call: call.more and call.status != "STOPPED_AT_CHECKPOINT"),
        witness=(asking(STATUS_RUNS["STOPPED_AT_CHECKPOINT"]),),
    ),
    paging(
        "has-more-false-for-offset-one",
        "has_more is false for the offset 1.",
        more(lambda call: call.more and call.offset != 1),
    ),
    paging(
        "has-more-false-between-pages",
        "has_more is false for offsets that are not on the border of a page.",
        more(lambda call: call.more and call.offset % call.size == 0),
    ),
    paging(
        "has-more-false-late",
        "has_more is false on the third page, whatever comes.",
        more(lambda call: call.more and call.offset // call.size != 2),
    ),
    paging(
        "has-more-under-flag",
        "has_more is false on the second page when source information is asked for.",
        more(lambda call: call.more and not (call.offset // call.size == 1 and SOURCE in call.flags)),
        witness=from_offset(3, query=flags(SOURCE)),
    ),
    paging(
        "has-more-within-page-multiple",
        "has_more rounds the number of files down to whole pages.",
        more(lambda call: call.end < call.total // call.size * call.size),
    ),
)
