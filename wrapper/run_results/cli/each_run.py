"""Several runs in one command, one after the other: where one fails, the others continue."""

from collections.abc import Callable, Sequence

import click

from run_results import RunResultsError
from run_results.arguments import check_run_id
from run_results.cli.exits import Exit, exit_code
from run_results.cli.messages import complain, describe
from run_results.cli.types import TEXT, Command
from run_results.errors import ConfigurationError


def run_ids_argument(command: Command) -> Command:
    """`RUN_ID...`: one or more run ids, each once, checked before anything is sent."""

    def check(_: click.Context, __: click.Parameter, values: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(map(check_run_id, values)))

    return click.argument("run_ids", metavar="RUN_ID...", nargs=-1, required=True, type=TEXT, callback=check)(command)


def refuse_several(run_ids: Sequence[str], **given: object) -> None:
    """Raise a usage error where an option is given that is about one run, and there are several."""
    for name, value in given.items():
        if value and len(run_ids) > 1:
            raise click.UsageError(f"--{name} is for one run, and here are {len(run_ids)}", click.get_current_context())


def each_run(run_ids: Sequence[str], work: Callable[[str], None]) -> int:
    """Call `work` with each run id; returns the exit code, which is that of the first failure.

    An error of one run is a line on stderr. Where there is only one run, and where the mistake is in an argument, the
    error is raised.
    """
    code = int(Exit.OK)
    for run_id in run_ids:
        try:
            work(run_id)
        except RunResultsError as error:
            if len(run_ids) == 1 or isinstance(error, ConfigurationError):
                raise
            error.run_id = error.run_id or run_id
            complain(describe(error, is_one_of_several=True))
            code = code or exit_code(error)
    return code
