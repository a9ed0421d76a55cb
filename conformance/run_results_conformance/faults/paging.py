"""Paging: files that come twice, late, in another order or never, and a has_more that is not true."""

from collections.abc import Sequence
from random import Random

from run_results_conformance.server.contract import JsonObject
from run_results_conformance.server.runs import Run

from .fault import Fault, Make, Needs, Question
from .standard import (
    BARE_WALK,
    EMPTY_RUN,
    EXACT_RUN,
    SINGLE_RUN,
    SOURCE,
    STATUS_RUNS,
    asking,
    flags,
    from_offset,
)
from .steps import Ask, Step, When, arranged, cut, cut_and_more, edited, late, more, refuse, served

EVERY = from_offset(*range(17))
"""From every offset of the standard run, and two past its end."""


def paging(
    name: str, breach: str, make: Make, *, needs: Needs = "nothing", witness: tuple[Question, ...] = EVERY
) -> Fault:
    return Fault(name, "paging", breach, needs, make, witness=witness)


def _page(ask: Ask, offset: int) -> tuple[int, int]:
    """A page of the usual size from this offset."""
    return offset, offset + ask.size


def _name(file: JsonObject) -> str:
    return str(file["original_file_name"])


def _documents(file: JsonObject) -> int:
    return len(file["documents"])


def _shuffled(ask: Ask, files: list[JsonObject]) -> list[JsonObject]:
    Random(ask.number).shuffle(files)  # noqa: S311 - an order, not a secret
    return files


def _endless(when: When) -> Make:
    """A run whose files come again under other names and paths, for ever."""

    def file(run: Run, index: int) -> JsonObject:
        found = run.files(index % run.file_count, index % run.file_count + 1)[0]
        if index < run.file_count:
            return found
        return {**found, "original_file_name": f"more {index}.pdf", "input_file_path": f"inbox/more {index}.pdf"}

    def slice_(ask: Ask, honest: Step, run: Run, offset: int, size: int) -> Sequence[JsonObject]:
        if not when(ask):
            files: Sequence[JsonObject] = honest(run, offset, size)
            return files
        return [file(run, index) for index in range(offset, offset + size)]

    def has_more(ask: Ask, honest: Step, *arguments: object) -> bool:
        return when(ask) or bool(honest(*arguments))

    return served(slice=slice_, has_more=has_more)


def _second_again(_ask: Ask, honest: Step, run: Run, offset: int, size: int) -> Sequence[JsonObject]:
    files: Sequence[JsonObject] = honest(run, offset, size)
    return [run.files(1, 2)[0] if index == 9 else file for index, file in enumerate(files, offset)]


def _short(count: int) -> Make:
    """A run that ends so many files before its end, and says so consistently."""
    return cut_and_more(
        lambda ask: (ask.offset, min(ask.offset + ask.size, ask.total - count)),
        lambda ask: ask.end < ask.total - count,
    )


HAS_MORE = (
    paging("has-more-never", "has_more is always false.", more(lambda _ask: False)),
    paging("has-more-always", "has_more is always true.", more(lambda _ask: True)),
    paging("has-more-inverted", "has_more is true exactly when nothing comes.", more(lambda ask: not ask.more)),
    paging(
        "has-more-late",
        "has_more is true on the page that ends with the last file.",
        more(lambda ask: ask.more or (ask.end == ask.total and ask.offset < ask.total)),
    ),
    paging(
        "has-more-early", "has_more is false when one page is left.", more(lambda ask: ask.end + ask.size < ask.total)
    ),
    paging(
        "has-more-misses-one", "has_more is false when one file is left.", more(lambda ask: ask.end + 1 < ask.total)
    ),
    paging(
        "has-more-full-page",
        "has_more is true for every full page, so also for the last one of an exact multiple.",
        more(lambda ask: ask.end - ask.offset == ask.size),
        witness=from_offset(3, run_id=EXACT_RUN),
    ),
    paging(
        "has-more-any-file", "has_more is true whenever the page has a file.", more(lambda ask: ask.end > ask.offset)
    ),
    paging("has-more-run-not-empty", "has_more is true for every run that has files.", more(lambda ask: ask.total > 0)),
    paging(
        "has-more-counts-page-only",
        "has_more compares the page with the run, and not its end with the run.",
        more(lambda ask: ask.end - ask.offset < ask.total),
    ),
    paging(
        "has-more-past-end", "has_more is true past the end only.", more(lambda ask: ask.more or ask.offset > ask.total)
    ),
    paging(
        "has-more-at-end",
        "has_more is true only where the offset is the number of files.",
        more(lambda ask: ask.more or ask.offset == ask.total),
    ),
    paging(
        "has-more-empty-run",
        "has_more is true for a run without files.",
        more(lambda ask: ask.more or ask.total == 0),
        witness=(asking(EMPTY_RUN),),
    ),
    paging(
        "has-more-single-file",
        "has_more is true for a run of one file.",
        more(lambda ask: ask.more or ask.total == 1),
        witness=(asking(SINGLE_RUN),),
    ),
    paging(
        "has-more-while-running",
        "has_more is true for as long as the run has not finished.",
        more(lambda ask: ask.more or ask.status == "RUNNING"),
        witness=(asking(STATUS_RUNS["RUNNING"], "file_offset=4"),),
    ),
    paging(
        "has-more-not-when-unfinished",
        "has_more is false for runs that wait at a checkpoint.",
        more(lambda ask: ask.more and ask.status != "STOPPED_AT_CHECKPOINT"),
        witness=(asking(STATUS_RUNS["STOPPED_AT_CHECKPOINT"]),),
    ),
    paging(
        "has-more-false-for-offset-one",
        "has_more is false for the offset 1.",
        more(lambda ask: ask.more and ask.offset != 1),
    ),
    paging(
        "has-more-false-between-pages",
        "has_more is false for offsets that are not on the border of a page.",
        more(lambda ask: ask.more and ask.offset % ask.size == 0),
    ),
    paging(
        "has-more-false-late",
        "has_more is false on the third page, whatever comes.",
        more(lambda ask: ask.more and ask.offset // ask.size != 2),
    ),
    paging(
        "has-more-under-flag",
        "has_more is false on the second page when source information is asked for.",
        more(lambda ask: ask.more and not (ask.offset // ask.size == 1 and SOURCE in ask.flags)),
        witness=from_offset(3, query=flags(SOURCE)),
    ),
    paging(
        "has-more-within-page-multiple",
        "has_more rounds the number of files down to whole pages.",
        more(lambda ask: ask.end < ask.total // ask.size * ask.size),
    ),
)

FILES = (
    paging("offset-ignored", "Every offset gives the first page.", cut(lambda ask: _page(ask, 0))),
    paging(
        "offset-ignored-late",
        "From the fourth page on every offset gives the third page.",
        cut(lambda ask: _page(ask, min(ask.offset, 2 * ask.size))),
    ),
    paging("offset-from-one", "Files are counted from 1.", cut(lambda ask: _page(ask, max(0, ask.offset - 1)))),
    paging(
        "offset-skips-one",
        "Every page but the first begins one file too late.",
        cut(lambda ask: _page(ask, ask.offset + (ask.offset > 0))),
    ),
    paging(
        "offset-exclusive", "A page begins after the file at its offset.", cut(lambda ask: _page(ask, ask.offset + 1))
    ),
    paging("offset-is-page-number", "The offset counts pages.", cut(lambda ask: _page(ask, ask.offset * ask.size))),
    paging(
        "offset-rounded-down",
        "An offset is rounded down to the border of a page.",
        cut(lambda ask: _page(ask, ask.offset // ask.size * ask.size)),
    ),
    paging(
        "offset-rounded-up",
        "An offset is rounded up to the border of a page.",
        cut(lambda ask: _page(ask, -(-ask.offset // ask.size) * ask.size)),
    ),
    paging(
        "offset-one-as-zero",
        "The offset 1 gives the first file too.",
        cut(lambda ask: _page(ask, 0 if ask.offset == 1 else ask.offset)),
    ),
    paging(
        "offset-default-one",
        "Without an offset the first file is left out.",
        served(
            read_offset=lambda _ask, honest, request: honest(request) if "file_offset" in request.query_params else 1
        ),
        witness=(asking(),),
    ),
    paging(
        "offset-counts-documents",
        "The offset counts files that have documents.",
        cut(
            lambda ask: _page(
                ask,
                next(
                    (
                        index
                        for index in range(ask.total + 1)
                        if sum(map(bool, map(_documents, ask.run.files(0, index)))) == ask.offset
                    ),
                    ask.total,
                ),
            )
        ),
        witness=EVERY,
    ),
    paging(
        "page-overlaps",
        "Every page but the first repeats the last file before it.",
        cut(lambda ask: (max(0, ask.offset - 1), ask.offset + ask.size)),
    ),
    paging(
        "page-overlaps-late",
        "The last file of the third page comes again on the fourth.",
        cut(lambda ask: _page(ask, ask.offset - (ask.offset == 3 * ask.size))),
    ),
    paging(
        "page-skipped-late",
        "The fourth page is the fifth.",
        cut(lambda ask: _page(ask, ask.offset + ask.size * (ask.offset == 3 * ask.size))),
    ),
    paging(
        "page-twice-late",
        "The third page is the second again.",
        cut(lambda ask: _page(ask, ask.offset - ask.size * (ask.offset == 2 * ask.size))),
    ),
    paging(
        "last-page-filled-up",
        "The last page is filled up with files from before.",
        cut(
            lambda ask: _page(
                ask, max(0, min(ask.offset, ask.total - ask.size)) if ask.offset < ask.total else ask.offset
            )
        ),
    ),
    paging(
        "last-page-repeats",
        "Past the end the last page comes again.",
        cut(lambda ask: _page(ask, min(ask.offset, (ask.total - 1) // ask.size * ask.size))),
    ),
    paging(
        "last-file-past-end",
        "At the end the last file comes again.",
        cut(lambda ask: _page(ask, ask.offset - (ask.offset == ask.total))),
    ),
    paging(
        "past-end-wraps",
        "Past the end it begins again.",
        cut(lambda ask: _page(ask, ask.offset % ask.total if ask.total else 0)),
    ),
    paging(
        "past-end-404",
        "Past the end is 404.",
        served(
            slice=lambda ask, honest, *arguments: (
                honest(*arguments) if ask.offset < ask.total or ask.total == 0 else refuse(404, "Run not found")
            )
        ),
    ),
    paging(
        "past-end-400",
        "Past the end is 400.",
        served(
            slice=lambda ask, honest, *arguments: (
                honest(*arguments) if ask.offset <= ask.total else refuse(400, "file_offset is past the end")
            )
        ),
    ),
    paging(
        "at-end-416",
        "The offset that is the number of files is 416.",
        served(
            slice=lambda ask, honest, *arguments: (
                honest(*arguments) if ask.offset != ask.total else refuse(416, "Range not satisfiable")
            )
        ),
    ),
    paging(
        "page-empty-late",
        "The third page is empty and says that more comes.",
        cut(lambda ask: (ask.offset, ask.offset), when=lambda ask: ask.offset // ask.size == 2),
    ),
    paging(
        "page-shrinks-to-nothing",
        "Each page is one file smaller than the one before, until nothing comes and more is said to.",
        cut(lambda ask: (ask.offset, ask.offset + max(0, ask.size - ask.offset // ask.size))),
    ),
    paging(
        "page-size-zero-under-flag",
        "With source information the first page is empty.",
        cut(lambda ask: (ask.offset, ask.offset), when=lambda ask: SOURCE in ask.flags and ask.offset == 0),
        witness=(asking(query=flags(SOURCE)),),
    ),
    paging(
        "page-one-larger",
        "A page has one file more than has_more reckons with.",
        cut_and_more(
            lambda ask: (ask.offset, ask.offset + ask.size + 1), lambda ask: ask.offset + ask.size < ask.total
        ),
    ),
    paging(
        "page-loses-middle",
        "From the second page on a page leaves out its second file and goes one further.",
        arranged(
            lambda ask, files: (
                [
                    *files[:1],
                    *files[2:],
                    *ask.run.files(min(ask.offset + ask.size, ask.total), min(ask.offset + ask.size + 1, ask.total)),
                ]
                if ask.offset
                else files
            )
        ),
    ),
    paging("page-from-start", "Every page holds all files before it too.", cut(lambda ask: (0, ask.offset + ask.size))),
    paging("page-ends-at-size", "A page ends where the first one ends.", cut(lambda ask: (ask.offset, ask.size))),
    paging("last-file-missing", "The last file of a run never comes.", _short(1), needs="file count"),
    paging(
        "files-capped",
        "No more than ten files come.",
        cut_and_more(
            lambda ask: (ask.offset, min(ask.offset + ask.size, 10)), lambda ask: ask.end < min(10, ask.total)
        ),
        needs="file count",
    ),
    paging(
        "first-file-missing",
        "The first file of a run never comes.",
        cut_and_more(lambda ask: _page(ask, ask.offset + 1), lambda ask: ask.end < ask.total - 1),
        needs="file count",
    ),
    paging(
        "last-file-unreachable",
        "The last file never comes, and has_more keeps saying that it will.",
        cut(lambda ask: (ask.offset, min(ask.offset + ask.size, ask.total - 1))),
    ),
    paging(
        "last-page-missing",
        "An incomplete last page never comes.",
        cut_and_more(
            lambda ask: (ask.offset, min(ask.offset + ask.size, ask.total // ask.size * ask.size)),
            lambda ask: ask.end < ask.total // ask.size * ask.size,
        ),
        needs="file count",
    ),
    paging(
        "failed-run-first-page-only",
        "Of a run that failed only the first page comes.",
        cut_and_more(
            lambda ask: _page(ask, ask.offset) if ask.status != "FAILED" else (ask.offset, ask.size),
            lambda ask: ask.more and ask.status != "FAILED",
        ),
        needs="file count",
        witness=(asking(STATUS_RUNS["FAILED"]),),
    ),
    paging(
        "files-without-documents-hidden",
        "Files without documents are left out of the page that they belong to.",
        arranged(lambda _ask, files: [file for file in files if file["documents"]]),
    ),
    paging(
        "files-without-documents-last",
        "Files without documents come at the end of the page that they belong to.",
        arranged(lambda _ask, files: sorted(files, key=lambda file: not file["documents"])),
    ),
    paging(
        "files-sorted-in-page",
        "The files of each page are sorted by name.",
        arranged(lambda _ask, files: sorted(files, key=_name)),
    ),
    paging(
        "files-sorted-by-documents",
        "The files of each page are sorted by their number of documents, most first.",
        arranged(lambda _ask, files: sorted(files, key=_documents, reverse=True)),
    ),
    paging(
        "files-reversed-in-page",
        "The files of each page come in reverse order.",
        arranged(lambda _ask, files: files[::-1]),
    ),
    paging(
        "files-reversed-late",
        "The files of the third page come in reverse order.",
        arranged(lambda ask, files: files[::-1] if late(ask) and ask.offset < 3 * ask.size else files),
    ),
    paging(
        "files-reversed-from-odd",
        "From an odd offset the files of a page come in reverse order.",
        arranged(lambda ask, files: files[::-1] if ask.offset % 2 else files),
    ),
    paging(
        "files-shuffled",
        "The order of a page's files changes from request to request.",
        arranged(_shuffled),
        witness=BARE_WALK,
    ),
    paging(
        "file-repeated-in-page",
        "A file comes twice on the last page.",
        arranged(lambda ask, files: [*files, *files[-1:]] if ask.offset + len(files) == ask.total else files),
    ),
    paging(
        "files-newest-first-late",
        "From the third page on a page counts from the end.",
        cut(lambda ask: (ask.total - ask.offset - ask.size, ask.total - ask.offset), when=late),
    ),
    paging(
        "page-with-documents-of-next",
        "A page's last file has the documents of the file after it.",
        arranged(
            lambda ask, files: (
                [*files[:-1], files[-1] | {"documents": following[0]["documents"]}]
                if (
                    following := ask.run.files(
                        min(ask.offset + len(files), ask.total), min(ask.offset + len(files) + 1, ask.total)
                    )
                )
                else files
            )
        ),
    ),
    paging(
        "file-comes-twice",
        "The tenth file of a run is its second one again, wherever a page begins.",
        served(slice=_second_again),
    ),
    paging(
        "run-without-end",
        "A run that has files has more and more of them, made up from its own, at every offset.",
        _endless(lambda ask: ask.total > 0),
        witness=from_offset(14, 1000),
    ),
    paging(
        "exact-run-without-end",
        "One run goes on for ever with files that are made up.",
        _endless(lambda ask: ask.run_id == EXACT_RUN),
        witness=from_offset(6, 1000, run_id=EXACT_RUN),
    ),
    paging(
        "documents-cut-at-page-end",
        "The last file of a page loses its last document, when it has several.",
        edited(
            lambda _ask, page: (
                page["files"] and page["files"][-1]["documents"][1:] and page["files"][-1]["documents"].pop()
            )
        ),
    ),
)

PAGING = (*HAS_MORE, *FILES)
