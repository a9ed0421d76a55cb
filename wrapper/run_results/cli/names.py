"""`run-results names`: the rule for field names, on the command line."""

import sys
from collections.abc import Iterator
from pathlib import Path

import click
from msgspec.structs import asdict

from run_results import NameMap
from run_results import guess as guess_name
from run_results import sanitize as sanitize_name
from run_results.cli.exits import Exit
from run_results.cli.options import ascii_option
from run_results.cli.types import TEXT, json_option, print_json
from run_results.errors import ConfigurationError
from run_results.names.findings import Finding, findings
from run_results.text import count, printable, spelled


@click.group(no_args_is_help=True)
def names() -> None:
    """Convert field names, and check them for collisions."""


@names.command()
@click.argument("given", metavar="[NAME]...", nargs=-1, type=TEXT)
@ascii_option
@json_option("a line for each name, a JSON object with both names")
def sanitize(given: tuple[str, ...], ascii: bool, as_json: bool) -> None:
    """Print the API name of each of a project's field names.

    Names are arguments (after -- if one begins with a dash), or the lines of standard input; for each name one line.
    """
    for name in given or _lines():
        api_name = sanitize_name(name, ascii=ascii)
        print_json({"name": name, "api_name": api_name}) if as_json else click.echo(api_name)


@names.command()
@click.argument("given", metavar="[NAME]...", nargs=-1, type=TEXT)
@ascii_option
@json_option("a line for each name, a JSON object with both names")
def guess(given: tuple[str, ...], ascii: bool, as_json: bool) -> None:
    """Print the likeliest project name behind each API name.

    Names are arguments, or the lines of standard input; for each name one line.
    """
    for name in given or _lines():
        guessed = guess_name(name, ascii=ascii)
        print_json({"name": guessed, "api_name": name}) if as_json else click.echo(guessed)


@names.command()
@click.argument("file", type=click.Path(path_type=Path))
@ascii_option
@json_option("all that was found as one JSON object")
@click.pass_context
def check(context: click.Context, file: Path, ascii: bool, as_json: bool) -> None:
    """List what is likely to go wrong with a project's field names.

    Names collide when the service turns them into the same API name. Names that differ only in case or in Unicode form
    are one column for many engines. Blanks at an end or doubled, and characters that nobody sees, are often a slip;
    they are written out, such as due<U+00A0>date.

    FILE holds the names: one a line (.txt); a column called name, and perhaps others called class and type (.csv); or a
    list, or an object of a list for each class, where a name with a type is an object with name and type (.json). Exits
    with 1 when something is found, or when there are no names.
    """
    known = NameMap.read(file, ascii=ascii)
    found = findings(known)
    if as_json:
        print_json({"names": len(known), "findings": [asdict(finding) for finding in found]})
        context.exit(Exit.NO if found or not known else Exit.OK)
    for finding in found:
        place = "" if finding.class_name is None else f"class '{_shown(finding.class_name)}': "
        click.echo(f"{place}{_describe(finding)}")
    if not known:
        click.echo(f"no names in {str(file)!r}: every field name of a run would be guessed")
    if found or not known:
        context.exit(Exit.NO)
    click.echo(f"no collisions among {count(len(known), 'name')}")


def _describe(finding: Finding) -> str:
    meeting = ", ".join(f"'{_shown(name)}'" for name in finding.names)
    match finding.kind:
        case "collision":
            return f"{meeting} become {_shown(finding.api_name or '')}"
        case "case":
            return f"{meeting} differ only in case: many engines make one column of them"
        case "form":
            return f"{meeting} differ only in Unicode form or case: many engines make one column of them"
        case "blank":
            return f"{meeting} has a blank at its beginning or end, or two in a row"
        case "invisible":
            return f"{meeting} has characters that nobody sees, or that look like a space"


def _shown(name: str) -> str:
    return printable(spelled(name))


def _lines() -> Iterator[str]:
    if sys.stdin.isatty():
        raise click.UsageError("give names as arguments, or one a line on standard input", click.get_current_context())
    for number, line in enumerate(sys.stdin.buffer, 1):
        try:
            yield line.decode("utf-8-sig" if number == 1 else "utf-8").rstrip("\r\n")
        except UnicodeDecodeError:
            raise ConfigurationError(f"line {number} of standard input is not UTF-8") from None
