"""The types of values on the command line: texts in any locale, lists, seconds; and JSON as an answer."""

import json
import os
from collections.abc import Callable, Collection
from math import isnan
from typing import Any, Final, TypeVar

import click

from run_results.arguments import MOST_SECONDS
from run_results.text import printable_json

Command = TypeVar("Command", bound=Callable[..., Any])


class _Text(click.types.StringParamType):
    """A text that is no path. Where the locale cannot read it, as an ASCII one, it is read as UTF-8."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The text. What is not UTF-8 is a mistake: Python has half of a surrogate pair for each of its bytes."""
        try:
            value.encode()
        except UnicodeEncodeError:
            try:
                return os.fsencode(value).decode()
            except UnicodeError:
                return self.fail(f"{value!r} is not UTF-8", param, ctx)
        return value


class _Seconds(click.FloatRange):
    """A time that ends."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The number, which must be one."""
        seconds = super().convert(value, param, ctx)
        return self.fail(f"{value!r} is no number", param, ctx) if isnan(seconds) else seconds


TEXT: Final = _Text()
"""A text that is no path: a path is what its bytes are, whatever the locale."""
PATH: Final = click.Path(readable=False, allow_dash=True)
"""A path to write to, as its bytes are; shells complete it. The command itself finds out what is there."""
SECONDS: Final = _Seconds(min=0, max=MOST_SECONDS, min_open=True)
"""The type of `--timeout`."""
SECONDS_FROM_ZERO: Final = _Seconds(min=0, max=MOST_SECONDS)
"""The type of `--patience`."""


def listed_option(name: str, choices: Collection[str] = (), **more: Any) -> Callable[[Command], Command]:
    """An option with several values: with commas between, given several times, or both."""

    def split(context: click.Context, option: click.Parameter, values: tuple[str, ...]) -> tuple[str, ...]:
        words = tuple(word for value in values for word in value.replace(",", " ").split())
        for word in words:
            if choices and word not in choices:
                raise click.BadParameter(f"{word!r} is not one of {', '.join(choices)}", context, option)
        return words

    return click.option(name, multiple=True, type=TEXT, callback=split, **more)


def json_option(text: str) -> Callable[[Command], Command]:
    """`--json`; `text` says what is printed."""
    return click.option("--json", "as_json", is_flag=True, help=f"Print {text}.")


def print_json(value: object, *, err: bool = False) -> None:
    """Print an answer as one line of JSON that is safe on a terminal, to stderr with `err`."""
    text = json.dumps(value, ensure_ascii=False, default=str).encode("utf-8", "backslashreplace")
    click.echo(printable_json(text), err=err)
