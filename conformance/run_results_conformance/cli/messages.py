"""Errors of the command line: on stderr, in the form that `run-results` has."""

from contextlib import suppress

import click

from run_results.text import printable

PROGRAM = "run-results-conformance"


def complain(text: str) -> None:
    """Prints an error. Where standard error is closed or full, nothing can be done."""
    say(f"{PROGRAM}: error: {text}")


def say(text: str) -> None:
    """Prints lines for people to standard error, without characters that a terminal obeys."""
    with suppress(OSError):
        click.echo("\n".join(map(printable, text.splitlines())), err=True)


def describe(error: click.ClickException) -> str:
    """What is wrong, and for mistakes in the arguments where help is."""
    context = getattr(error, "ctx", None)
    message = error.format_message()
    if context is None or "\n" in message:
        return message
    message = message.rstrip(".")
    return message + f"{'' if message.endswith(('?', '?)')) else '.'} Try '{context.command_path} --help'"
