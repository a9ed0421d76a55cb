"""`run-results config`: which settings are in force, and where each comes from."""

import os
from pathlib import Path

import click

from run_results.cli.options import connecting
from run_results.cli.profiles import config_path
from run_results.cli.settings import Settings
from run_results.cli.types import json_option, print_json
from run_results.text import printable


@click.group(no_args_is_help=True)
def config() -> None:
    """Show the settings, and where they come from."""


@config.command()
@json_option("one JSON object with the value and the source of each setting")
@connecting
@click.pass_obj
def show(settings: Settings, as_json: bool) -> None:
    """Show each setting, and where it comes from.

    A setting comes from an option, an environment variable, a profile or the default, in this order. Nothing is sent,
    and the token is not shown. All profiles are in one file, ~/.config/run-results/config.toml, or the one that
    RUN_RESULTS_CONFIG names:

    \b
      [default]
      base_url = "https://aihub.example.com/api"
      context = "my-organization"
      token = "file:~/.config/run-results/token"  # or env:NAME; never the token
      names = "fields.txt"                        # for --names; beside this file

    --profile or RUN_RESULTS_PROFILE chooses a profile; without them it is the profile called default.
    """
    found = settings.choices()
    if as_json:
        shown = {
            name: {"value": choice.shown, "source": choice.source, "problem": _problem(name, choice.shown)}
            for name, choice in found.items()
        }
        print_json({"file": str(config_path()), **shown})
        return
    click.echo(printable(f"file of profiles  {config_path()}{'' if config_path().exists() else ' (not there)'}"))
    for name, choice in found.items():
        problem = _problem(name, choice.shown)
        problem = f": {problem}" if problem else ""
        click.echo(printable(f"{name:<17} {choice.shown or '-'}  ({choice.source}){problem}"))


def _problem(name: str, shown: str) -> str | None:
    """Why a setting would be an error in another command: what it refers to is not there."""
    kind, _, place = shown.partition(":") if name == "token" else ("file" if name == "names" else "", "", shown)
    if kind == "file" and place and not Path(place).exists():
        return "there is no such file"
    if kind == "env" and not os.environ.get(place):
        return "this variable is not set"
    return None
