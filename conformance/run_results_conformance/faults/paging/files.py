"""Paging: files that come twice, late, in another order or never."""

from collections.abc import Sequence
from random import Random

from run_results_conformance.faults.fault import Make
from run_results_conformance.faults.standard import (
    BARE_WALK,
    EXACT_RUN,
    SOURCE,
    STATUS_RUNS,
    asking,
    flags,
    from_offset,
)
from run_results_conformance.faults.steps import (
    Call,
    Step,
    When,
    arranged,
    cut,
    cut_and_more,
    edited,
    late,
    refuse,
    server_with,
)
from run_results_conformance.server.runs import Run
from run_results_conformance.server.terms import JsonObject

from .family import EVERY, paging


def _page(call: Call, offset: int) -> tuple[int, int]:
    """The indexes of a page of the usual size from this offset."""
    return offset, offset + call.size


def _name(file: JsonObject) -> str:
    return str(file["original_file_name"])


def _documents(file: JsonObject) -> int:
    return len(file["documents"])


def _shuffled(call: Call, files: list[JsonObject]) -> list[JsonObject]:
    Random(call.number).shuffle(files)  # noqa: S311 - an order, not a secret
    return files


def _endless(when: When) -> Make:
    """A run without end: its files come again and again under other names and paths."""

    def file(run: Run, index: int) -> JsonObject:
        found = run.files(index % run.file_count, index % run.file_count + 1)[0]
        if index < run.file_count:
            return found
        return {**found, "original_file_name": f"more {index}.pdf", "input_file_path": f"inbox/more {index}.pdf"}

    def slice_(call: Call, honest: Step, run: Run, offset: int, size: int) -> Sequence[JsonObject]:
        if not when(call):
            files: Sequence[JsonObject] = honest(run, offset, size)
            return files
        return [file(run, index) for index in range(offset, offset + size)]

    def has_more(call: Call, honest: Step, *arguments: object) -> bool:
        return when(call) or bool(honest(*arguments))

    return server_with(slice=slice_, has_more=has_more)


def _second_again(_call: Call, honest: Step, run: Run, offset: int, size: int) -> Sequence[JsonObject]:
    files: Sequence[JsonObject] = honest(run, offset, size)
    return [run.files(1, 2)[0] if index == 9 else file for index, file in enumerate(files, offset)]


def _short(count: int) -> Make:
    """A run whose last files are missing; has_more agrees with that."""
    return cut_and_more(
        lambda call: (call.offset, min(call.offset + call.size, call.total - count)),
        lambda call: call.end < call.total - count,
    )


FILES = (
    paging("offset-ignored", "Every offset gives the first page.", cut(lambda call: _page(call, 0))),
    paging(
        "offset-ignored-late",
        "From the fourth page on every offset gives the third page.",
        cut(lambda call: _page(call, min(call.offset, 2 * call.size))),
    ),
    paging("offset-from-one", "Files are counted from 1.", cut(lambda call: _page(call, max(0, call.offset - 1)))),
    paging(
        "offset-skips-one",
        "Every page but the first begins one file too late.",
        cut(lambda call: _page(call, call.offset + (call.offset > 0))),
    ),
    paging(
        "offset-exclusive",
        "A page begins after the file at its offset.",
        cut(lambda call: _page(call, call.offset + 1)),
    ),
    paging(
        "offset-is-page-number",
        "The offset counts pages.",
        cut(lambda call: _page(call, call.offset * call.size)),
    ),
    paging(
        "offset-rounded-down",
        "An offset is rounded down to the border of a page.",
        cut(lambda call: _page(call, call.offset // call.size * call.size)),
    ),
    paging(
        "offset-rounded-up",
        "An offset is rounded up to the border of a page.",
        cut(lambda call: _page(call, -(-call.offset // call.size) * call.size)),
    ),
    paging(
        "offset-one-as-zero",
        "The offset 1 gives the first file too.",
        cut(lambda call: _page(call, 0 if call.offset == 1 else call.offset)),
    ),
    paging(
        "offset-default-one",
        "Without an offset the first file is left out.",
        server_with(
            read_offset=lambda _call, honest, request: honest(request) if "file_offset" in request.query_params else 1
        ),
        witness=(asking(),),
    ),
    paging(
        "offset-counts-documents",
        "The offset counts files that have documents.",
        cut(
            lambda call: _page(
                call,
                next(
                    (
                        index
                        for index in range(call.total + 1)
                        if sum(map(bool, map(_documents, call.run.files(0, index)))) == call.offset
                    ),
                    call.total,
                ),
            )
        ),
        witness=EVERY,
    ),
    paging(
        "page-overlaps",
        "Every page but the first repeats the last file before it.",
        cut(lambda call: (max(0, call.offset - 1), call.offset + call.size)),
    ),
    paging(
        "page-overlaps-late",
        "The last file of the third page comes again on the fourth.",
        cut(lambda call: _page(call, call.offset - (call.offset == 3 * call.size))),
    ),
    paging(
        "page-skipped-late",
        "The fourth page is the fifth.",
        cut(lambda call: _page(call, call.offset + call.size * (call.offset == 3 * call.size))),
    ),
    paging(
        "page-twice-late",
        "The third page is the second again.",
        cut(lambda call: _page(call, call.offset - call.size * (call.offset == 2 * call.size))),
    ),
    paging(
        "last-page-filled-up",
        "The last page is filled up with files from before.",
        cut(
            lambda call: _page(
                call,
                max(0, min(call.offset, call.total - call.size)) if call.offset < call.total else call.offset,
            )
        ),
    ),
    paging(
        "last-page-repeats",
        "Past the end the last page comes again.",
        cut(lambda call: _page(call, min(call.offset, (call.total - 1) // call.size * call.size))),
    ),
    paging(
        "last-file-past-end",
        "At the end the last file comes again.",
        cut(lambda call: _page(call, call.offset - (call.offset == call.total))),
    ),
    paging(
        "past-end-wraps",
        "Past the end it begins again.",
        cut(lambda call: _page(call, call.offset % call.total if call.total else 0)),
    ),
    paging(
        "past-end-404",
        "Past the end is 404.",
        server_with(
            slice=lambda call, honest, *arguments: (
                honest(*arguments) if call.offset < call.total or call.total == 0 else refuse(404, "Run not found")
            )
        ),
    ),
    paging(
        "past-end-400",
        "Past the end is 400.",
        server_with(
            slice=lambda call, honest, *arguments: (
                honest(*arguments) if call.offset <= call.total else refuse(400, "file_offset is past the end")
            )
        ),
    ),
    paging(
        "at-end-416",
        "The offset that is the number of files is 416.",
        server_with(
            slice=lambda call, honest, *arguments: (
                honest(*arguments) if call.offset != call.total else refuse(416, "Range not satisfiable")
            )
        ),
    ),
    paging(
        "page-empty-late",
        "The third page is empty and says that more comes.",
        cut(lambda call: (call.offset, call.offset), when=lambda call: call.offset // call.size == 2),
    ),
    paging(
        "page-shrinks-to-nothing",
        "Each page is one file smaller than the one before, until nothing comes and more is said to.",
        cut(lambda call: (call.offset, call.offset + max(0, call.size - call.offset // call.size))),
    ),
    paging(
        "page-size-zero-under-flag",
        "With source information the first page is empty.",
        cut(
            lambda call: (call.offset, call.offset),
            when=lambda call: SOURCE in call.flags and call.offset == 0,
        ),
        witness=(asking(query=flags(SOURCE)),),
    ),
    paging(
        "page-one-larger",
        "A page has one file more than has_more reckons with.",
        cut_and_more(
            lambda call: (call.offset, call.offset + call.size + 1),
            lambda call: call.offset + call.size < call.total,
        ),
    ),
    paging(
        "page-loses-middle",
        "From the second page on a page leaves out its second file and goes one further.",
        arranged(
            lambda call, files: (
                [
                    *files[:1],
                    *files[2:],
                    *call.run.files(
                        min(call.offset + call.size, call.total),
                        min(call.offset + call.size + 1, call.total),
                    ),
                ]
                if call.offset
                else files
            )
        ),
    ),
    paging(
        "page-from-start",
        "Every page holds all files before it too.",
        cut(lambda call: (0, call.offset + call.size)),
    ),
    paging(
        "page-ends-at-size",
        "A page ends where the first one ends.",
        cut(lambda call: (call.offset, call.size)),
    ),
    paging("last-file-missing", "The last file of a run never comes.", _short(1), needs="file count"),
    paging(
        "files-capped",
        "No more than ten files come.",
        cut_and_more(
            lambda call: (call.offset, min(call.offset + call.size, 10)),
            lambda call: call.end < min(10, call.total),
        ),
        needs="file count",
    ),
    paging(
        "first-file-missing",
        "The first file of a run never comes.",
        cut_and_more(lambda call: _page(call, call.offset + 1), lambda call: call.end < call.total - 1),
        needs="file count",
    ),
    paging(
        "last-file-unreachable",
        "The last file never comes, and has_more keeps saying that it will.",
        cut(lambda call: (call.offset, min(call.offset + call.size, call.total - 1))),
    ),
    paging(
        "last-page-missing",
        "An incomplete last page never comes.",
        cut_and_more(
            lambda call: (
                call.offset,
                min(call.offset + call.size, call.total // call.size * call.size),
            ),
            lambda call: call.end < call.total // call.size * call.size,
        ),
        needs="file count",
    ),
    paging(
        "failed-run-first-page-only",
        "Of a run that failed only the first page comes.",
        cut_and_more(
            lambda call: _page(call, call.offset) if call.status != "FAILED" else (call.offset, call.size),
            lambda call: call.more and call.status != "FAILED",
        ),
        needs="file count",
        witness=(asking(STATUS_RUNS["FAILED"]),),
    ),
    paging(
        "files-without-documents-hidden",
        "Files without documents are left out of the page that they belong to.",
        arranged(lambda _call, files: [file for file in files if file["documents"]]),
    ),
    paging(
        "files-without-documents-last",
        "Files without documents come at the end of the page that they belong to.",
        arranged(lambda _call, files: sorted(files, key=lambda file: not file["documents"])),
    ),
    paging(
        "files-sorted-in-page",
        "The files of each page are sorted by name.",
        arranged(lambda _call, files: sorted(files, key=_name)),
    ),
    paging(
        "files-sorted-by-documents",
        "The files of each page are sorted by their number of documents, most first.",
        arranged(lambda _call, files: sorted(files, key=_documents, reverse=True)),
    ),
    paging(
        "files-reversed-in-page",
        "The files of each page come in reverse order.",
        arranged(lambda _call, files: files[::-1]),
    ),
    paging(
        "files-reversed-late",
        "The files of the third page come in reverse order.",
        arranged(lambda call, files: files[::-1] if late(call) and call.offset < 3 * call.size else files),
    ),
    paging(
        "files-reversed-from-odd",
        "From an odd offset the files of a page come in reverse order.",
        arranged(lambda call, files: files[::-1] if call.offset % 2 else files),
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
        arranged(lambda call, files: [*files, *files[-1:]] if call.offset + len(files) == call.total else files),
    ),
    paging(
        "files-newest-first-late",
        "From the third page on a page counts from the end.",
        cut(lambda call: (call.total - call.offset - call.size, call.total - call.offset), when=late),
    ),
    paging(
        "page-with-documents-of-next",
        "A page's last file has the documents of the file after it.",
        arranged(
            lambda call, files: (
                [*files[:-1], files[-1] | {"documents": following[0]["documents"]}]
                if (
                    following := call.run.files(
                        min(call.offset + len(files), call.total),
                        min(call.offset + len(files) + 1, call.total),
                    )
                )
                else files
            )
        ),
    ),
    paging(
        "file-comes-twice",
        "The tenth file of a run is its second one again, wherever a page begins.",
        server_with(slice=_second_again),
    ),
    paging(
        "run-without-end",
        "A run that has files has more and more of them, made up from its own, at every offset.",
        _endless(lambda call: call.total > 0),
        witness=from_offset(14, 1000),
    ),
    paging(
        "exact-run-without-end",
        "One run goes on for ever with files that are made up.",
        _endless(lambda call: call.run_id == EXACT_RUN),
        witness=from_offset(6, 1000, run_id=EXACT_RUN),
    ),
    paging(
        "documents-cut-at-page-end",
        "The last file of a page loses its last document, when it has several.",
        edited(
            lambda _call, page: (
                page["files"] and page["files"][-1]["documents"][1:] and page["files"][-1]["documents"].pop()
            )
        ),
    ),
)
