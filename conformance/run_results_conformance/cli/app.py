"""The command `run-results-conformance`, and how whatever happens becomes an exit code."""

import errno
import sys
import traceback
from collections.abc import Sequence
from typing import Any, NoReturn

import click

from run_results import RunResultsError, __version__
from run_results.cli.exits import Exit
from run_results.cli.streams import drop_output, escape_characters

from .catalogue import faults, rules
from .check import check
from .evolve import evolve
from .fuzz import fuzz
from .messages import PROGRAM, complain, describe, say
from .refusals import write_refusal
from .schema import schema
from .serve import pack, serve

_EXIT_CODES = """\b
Exit codes:
  0    it worked; check and fuzz: the server conforms
  1    check and fuzz: the server breaks the contract; serve and pack: they
       could not start; evolve: the change breaks readers or senders
  2    wrong usage, or a file that cannot be written; check and fuzz: the
       server could not be judged
  3    evolve: nothing breaks for certain, but a change needs caution
  70   a bug in run-results-conformance
  130  interrupted (Ctrl-C)
  141  the reader of the output stopped reading, as head does
"""


class _Program(click.Group):
    """A group that prints errors as `run-results` does. No failure of its own exits with 1, which means breaches."""

    def main(  # type: ignore[override]  # it always exits
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,  # noqa: ARG002 - it has one name, however it was called
        **extra: Any,
    ) -> NoReturn:
        """Runs the command line, and exits."""
        arguments = list(sys.argv[1:] if args is None else args)
        code = self._run(arguments, extra)
        drop_output()
        sys.exit(code)

    def _run(self, arguments: list[str], extra: dict[str, Any]) -> int:
        failed: str
        escape_characters()
        try:
            code: int = super().main(arguments, PROGRAM, **{**extra, "standalone_mode": False})
            sys.stdout.flush()
        except click.exceptions.NoArgsIsHelpError as error:
            error.show()
            return Exit.USAGE
        except click.ClickException as error:
            failed, code = describe(error), error.exit_code
        except RunResultsError as error:
            failed, code = str(error), Exit.USAGE
        except (KeyboardInterrupt, click.Abort):
            failed, code = "interrupted", Exit.INTERRUPTED
        except (BrokenPipeError, SystemExit) as error:  # click and rich turn the one into the other
            is_completed = isinstance(error, SystemExit) and not error.code  # by a shell, which click answers
            return Exit.OK if is_completed else Exit.PIPE
        except OSError as error:
            if error.errno == errno.EPIPE:
                return Exit.PIPE
            failed, code = f"input or output failed: {error.strerror or error}", Exit.USAGE
        except Exception as error:  # noqa: BLE001 - Python's own exit code for it would mean breaches
            failed, code = f"{type(error).__name__}: this is a bug in {PROGRAM}; -v shows where", Exit.BUG
            if {"-v", "--verbose"} & set(arguments):
                say(traceback.format_exc())
        else:
            return code if isinstance(code, int) else Exit.OK
        complain(failed)
        write_refusal(self, arguments, failed)
        return code


@click.group(
    cls=_Program,
    commands=[check, fuzz, rules, serve, faults, pack, schema, evolve],
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog=_EXIT_CODES,
    no_args_is_help=True,
)
@click.version_option(__version__, prog_name=PROGRAM, message="%(prog)s %(version)s")
def main() -> None:
    """Prove that a server keeps the run-results contract."""
