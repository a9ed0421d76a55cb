"""What an export would do, without writing anything: where it would write, where it would begin, and how the run is."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from attrs import frozen

from run_results.arguments import check_run_id
from run_results.errors import ExportError
from run_results.export.checkpoint import Checkpoint, changed, check_complete, read_checkpoint
from run_results.export.options import ExportOptions
from run_results.export.plan import Plan, make_plan
from run_results.export.replacement import preview_replacement
from run_results.files import file_errors, is_locked
from run_results.page import Page
from run_results.tables.options import Format


@frozen
class Preview:
    """What an export would do."""

    run_id: str
    path: Path
    format: Format
    outputs: tuple[str, ...]
    """What it would write: files, and folders of parts, which end with a slash. `*` stands for the name of a class."""
    action: Literal["begin", "continue", "replace", "nothing"]
    """`nothing` where the export is complete, and the run has no more files."""
    start: int
    """The file at which it would begin."""
    page: Page
    """The page of the run from there on."""


def preview_export(
    fetch: Callable[[int], Page],
    run_id: str,
    path: str | os.PathLike[str],
    options: ExportOptions,
    *,
    must_not_change: bool,
) -> Preview:
    """What an export with these options would do, by what is on disk and one page, which `fetch` gives from an offset.

    Raises what the export would raise so far: `ConfigurationError`, `ExportError`, `ExportMismatch`, and errors of
    `fetch`. Whether there is room for all of it, and what later pages say, is not known.
    """
    plan = make_plan(check_run_id(run_id), path, options)
    _check_writable(plan)
    followed = preview_replacement(plan)
    checkpoint = Checkpoint() if followed is None else read_checkpoint(followed)
    page = fetch(checkpoint.end)
    if must_not_change and (error := changed(plan, checkpoint.manifest, page)):
        raise error
    check_complete(plan, checkpoint, page)
    action: Literal["begin", "continue", "replace", "nothing"] = "begin"
    if checkpoint.is_complete:
        action = "nothing"
    elif checkpoint.parts:
        action = "continue"
    elif plan.options.overwrite and (plan.path.exists() or plan.parts.exists()):
        action = "replace"
    return Preview(plan.run_id, plan.path, plan.format, _outputs(plan), action, checkpoint.end, page)


def _check_writable(plan: Plan) -> None:
    """Raises `ExportError` where the folder, or the one in which it would be made, takes no files."""
    folder = plan.path.parent if plan.is_file else plan.path
    there = next(each for each in (folder, *folder.parents) if each.exists())
    with file_errors("write", plan.path):
        if not there.is_dir():
            raise NotADirectoryError(0, f"{str(there)!r} is no folder")
        if not os.access(there, os.W_OK | os.X_OK):
            raise PermissionError(0, f"no files can be made in {str(there)!r}")
    if is_locked(plan.parts):
        raise ExportError(f"another export is writing to {str(plan.parts)!r}", path=str(plan.parts))


def _outputs(plan: Plan) -> tuple[str, ...]:
    if plan.is_file:
        return (str(plan.path),)
    if plan.options.wide is not None:
        return (str(plan.path / f"class-*.{plan.format}"),)
    if plan.options.single_file:
        return tuple(str(plan.path / f"{what}.{plan.format}") for what in plan.tables)
    return tuple(f"{plan.path / what}/" for what in plan.tables)
