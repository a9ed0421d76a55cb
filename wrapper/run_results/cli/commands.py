"""The group of all commands, and `run`, which turns whatever happens into an exit code.

`--help` should be quick, so rich and httpx are imported by the commands that need them, when they run.
"""

import errno
import os
import sys
import traceback
from collections.abc import Sequence

import click

from run_results import RunResultsError, __version__
from run_results.cli.config import config
from run_results.cli.exits import Exit, exit_code, table
from run_results.cli.export import export
from run_results.cli.fetch import fetch
from run_results.cli.field_walk import FetchInterrupted
from run_results.cli.messages import complain, describe
from run_results.cli.names import names
from run_results.cli.options import connecting
from run_results.cli.report import report
from run_results.cli.runs import runs
from run_results.cli.status import status
from run_results.cli.streams import drop_output, escape_characters
from run_results.cli.sync import sync
from run_results.text import printable

_COMPLETION = "_RUN_RESULTS_COMPLETE"
"""The variable by which shells ask for completions."""


@click.group(
    commands=[runs, fetch, status, export, sync, report, names, config],
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog=f"\b\nExit codes:\n{table()}",
    no_args_is_help=True,
)
@connecting
@click.version_option(__version__, message="%(prog)s %(version)s")
def group() -> None:
    """Fetch the results of an app run, under the project's own field names.

    The token is read from RUN_RESULTS_TOKEN, --token-file or a profile; there is no option for the token itself.
    Options may stand before or after the command's name.
    """


def run(arguments: Sequence[str]) -> int:
    """Run the command line with these arguments; returns the exit code. Errors are one line on stderr."""
    escape_characters()
    try:
        code = group.main(args=list(arguments), prog_name="run-results", standalone_mode=False)
        sys.stdout.flush()
    except RunResultsError as error:
        complain(describe(error))
        return exit_code(error)
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        return Exit.USAGE
    except click.ClickException as error:
        complain(_usage(error))
        return Exit.USAGE
    except FetchInterrupted as error:
        if sys.stderr.isatty():
            click.echo(err=True)  # below the "^C", as click does it
        complain(f"interrupted{error.state}")
        return Exit.INTERRUPTED
    except (KeyboardInterrupt, click.Abort):
        complain("interrupted")
        return Exit.INTERRUPTED
    except (BrokenPipeError, SystemExit) as error:  # click and rich turn the one into the other
        if _COMPLETION in os.environ and isinstance(error, SystemExit):  # and click answers shells with it
            return _completed(error)
        drop_output()
        return Exit.PIPE
    except OSError as error:
        is_closed = error.errno == errno.EBADF  # see `streams`
        complain(f"input or output failed: {'standard input is closed' if is_closed else error.strerror or error}")
        drop_output()
        return Exit.USAGE
    except Exception as error:  # noqa: BLE001 - Python's own exit code for it would mean "no"
        complain(f"{type(error).__name__}: this is a bug in run-results; -v shows where")
        if {"-v", "--verbose"} & set(arguments):
            for line in traceback.format_exc().splitlines():
                click.echo(printable(line), err=True)
        return Exit.BUG
    return code if isinstance(code, int) else Exit.OK


def _completed(error: SystemExit) -> int:
    """The exit code for a shell that asks how to complete what is typed."""
    if not error.code:
        return Exit.OK
    complain(f"{_COMPLETION} can be bash_source, zsh_source or fish_source")
    return Exit.USAGE


def _usage(error: click.ClickException) -> str:
    context = getattr(error, "ctx", None)
    message = " ".join(error.format_message().split()).rstrip(".")
    return message + (
        f"{'' if message.endswith(('?', '?)')) else '.'} Try '{context.command_path} --help'" if context else ""
    )
