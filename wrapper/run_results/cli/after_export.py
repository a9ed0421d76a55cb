"""What somebody at a terminal reads after an export: which files there are, and what to type next."""

import shlex
from collections.abc import Iterator
from typing import Final

from run_results.cli.messages import note
from run_results.cli.settings import Settings
from run_results.export.result import Exported
from run_results.paths import safe_name

_MOST_SHOWN: Final = 6


def advise(made: Exported, settings: Settings) -> None:
    """Say what was written, and the next command, on a terminal's stderr; `-q` and `-v` leave it out."""
    if settings.is_watched:
        for text in advice(made, settings.retyped()):
            note(text)


def advice(made: Exported, retyped: str) -> Iterator[str]:
    """The lines; `retyped` has the options by which the server was found."""
    shown = [f"{path}/" if path.is_dir() else str(path) for path in made.paths]
    more = f" and {len(shown) - _MOST_SHOWN:,} more" if len(shown) > _MOST_SHOWN else ""
    if shown:
        yield f"written: {', '.join(shown[:_MOST_SHOWN])}{more} ({made.format})"
    command, run_id = f"run-results {retyped}".strip(), shlex.quote(made.run_id)
    if made.unfinished is not None:
        yield f"next: {command} status {run_id} --wait  # then export it again with --overwrite"
    elif made.failed:
        yield f"next: {command} fetch {run_id} --only failed  # the fields that failed"
    elif made.files:
        page = shlex.quote(f"{safe_name(made.run_id)}.html")
        yield f"next: {command} report {run_id} -o {page}  # the fields on their pages"
