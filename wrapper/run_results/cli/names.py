"""`run-results names`: the rule for field names, on the command line."""

import sys
from collections.abc import Iterator
from pathlib import Path

import click

from run_results import NameMap
from run_results import guess as guess_name
from run_results import sanitize as sanitize_name
from run_results.cli.exits import Exit
from run_results.cli.options import ascii_option
from run_results.errors import ConfigurationError
from run_results.text import printable


@click.group(no_args_is_help=True)
def names() -> None:
    """Convert field names, and check them for collisions."""


@names.command()
@click.argument("given", metavar="[NAME]...", nargs=-1)
@ascii_option
def sanitize(given: tuple[str, ...], ascii: bool) -> None:
    """Print the API name of each of a project's field names.

    Names are arguments (after -- if one begins with a dash), or the lines of standard input; for each name one line.
    """
    for name in given or _lines():
        click.echo(sanitize_name(name, ascii=ascii))


@names.command()
@click.argument("given", metavar="[NAME]...", nargs=-1)
@ascii_option
def guess(given: tuple[str, ...], ascii: bool) -> None:
    """Print the likeliest project name behind each API name.

    Names are arguments, or the lines of standard input; for each name one line.
    """
    for name in given or _lines():
        click.echo(guess_name(name, ascii=ascii))


@names.command()
@click.argument("file", type=click.Path(path_type=Path))
@ascii_option
@click.pass_context
def check(context: click.Context, file: Path, ascii: bool) -> None:
    """List a project's field names that collide.

    Names collide when the service turns them into the same API name.

    FILE holds the names: one a line (.txt), a column called name and perhaps one called class (.csv), or a list, or an
    object of a list for each class (.json). Exits with 1 when names collide.
    """
    known = NameMap.read(file, ascii=ascii)
    for collision in known.collisions:
        place = "" if collision.class_name is None else f"class '{printable(collision.class_name, 80)}': "
        meeting = ", ".join(f"'{printable(name, 80)}'" for name in collision.names)
        click.echo(f"{place}{meeting} become {printable(collision.api_name, 80)}")
    if known.collisions:
        context.exit(Exit.NO)
    click.echo(f"no collisions among {len(known)} names")


def _lines() -> Iterator[str]:
    if sys.stdin.isatty():
        raise click.UsageError("give names as arguments, or one a line on standard input", click.get_current_context())
    for number, line in enumerate(sys.stdin.buffer, 1):
        try:
            yield line.decode("utf-8-sig" if number == 1 else "utf-8").rstrip("\r\n")
        except UnicodeDecodeError:
            raise ConfigurationError(f"line {number} of standard input is not UTF-8") from None
