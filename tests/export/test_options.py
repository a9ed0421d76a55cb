"""The options of an export: each is defined once, and what callers see of them agrees with that."""

import inspect
from typing import Any, get_type_hints

import attrs
import pytest

from run_results import AsyncClient, Client, Include, NameMap, errors
from run_results.cli.messages import describe
from run_results.export import ExportOptions
from run_results.export.options import ExportChoices, choose
from run_results.tables import Typed, Wide

OPTIONS = {attribute.name: attribute for attribute in attrs.fields(attrs.resolve_types(ExportOptions))}


def taken(attribute: "attrs.Attribute[Any]") -> Any:
    """The type that a caller may give for an option."""
    if attribute.converter is None:
        return attribute.type
    hints = get_type_hints(attribute.converter)
    (given,) = (hint for name, hint in hints.items() if name != "return")
    return given


def test_keywords_and_options_agree() -> None:
    """The keywords of `export`, which type checkers know, are the options, with the types that they take."""
    assert get_type_hints(ExportChoices) == {name: taken(attribute) for name, attribute in OPTIONS.items()}


@pytest.mark.parametrize("client", [Client, AsyncClient])
def test_help_lists_the_options(client: Any) -> None:
    """`help` of `export` names every option, in order, and `help` of the class explains each."""
    if client is Client:
        assert ", ".join(OPTIONS) in " ".join((client.export.__doc__ or "").split())
    explained = [line.strip().partition(":")[0] for line in (inspect.getdoc(ExportOptions) or "").splitlines()]
    assert [name for name in explained if name in OPTIONS] == list(OPTIONS)


def test_an_unknown_option_is_told_which_there_are() -> None:
    """A misspelt option is an error that lists the options."""
    with pytest.raises(errors.ConfigurationError, match=r"no option called 'colour'; there are format, tables, .*"):
        choose(None, {"colour": "red"})
    with pytest.raises(errors.ConfigurationError, match="no option called 'colour'"):
        Client(token="t0k3nt0k3n").export("r", "out", colour="red")  # type: ignore[call-arg]


def test_every_form_of_an_option_is_taken() -> None:
    """Each option takes the forms that are convenient, and holds one."""
    options = ExportOptions(tables=["files", "fields", "files"], typed=True)
    assert options.tables == ("fields", "files")
    assert (options.names, options.wide, options.typed) == (NameMap(), None, Typed())
    assert ExportOptions(wide="W-2").wide == ExportOptions(wide=Wide("W-2")).wide == Wide("W-2")
    assert (ExportOptions(wide=True).wide, ExportOptions(wide=False).wide) == (Wide(), None)
    assert ExportOptions(tables=[]).tables is None


def test_choices_replace_options() -> None:
    """An option by name counts more than the same one in an object of options, which stays as it was."""
    options = ExportOptions(format="csv", typed=Typed(decimal=","), include=Include.NONE)
    changed = choose(options, {"format": "jsonl", "resume": True})
    assert changed == attrs.evolve(options, format="jsonl", resume=True)
    assert (changed.typed, options.format) == (Typed(decimal=","), "csv")


@pytest.mark.parametrize(
    ("wrong", "option"),
    [
        ({"format": "xlsx"}, "format"),
        ({"tables": ["pages"]}, "tables"),
        ({"tables": "fields"}, "tables"),
        ({"names": ["a"]}, "names"),
        ({"wide": "\ud800"}, "class_name"),
        ({"wide": True, "tables": ["fields"]}, "wide"),
        ({"resume": True, "overwrite": True}, "overwrite"),
    ],
)
def test_an_error_names_the_option_as_the_program_calls_it(wrong: dict[str, Any], option: str) -> None:
    """An error about an option has its name as data, so that the command line shows its own name for it."""
    with pytest.raises(errors.ConfigurationError) as caught:
        ExportOptions(**wrong)
    assert caught.value.option == option
    assert f"({option}=)" in str(caught.value)
    assert "--" in describe(caught.value)
    assert f"{option}=" not in describe(caught.value)


@pytest.mark.parametrize(
    "wrong",
    [
        {"format": "xlsx"},
        {"tables": ["pages"]},
        {"tables": "fields"},
        {"names": ["a"]},
        {"wide": "\ud800"},
        {"wide": True, "tables": ["fields"]},
        {"include": "everything"},
        {"rows_per_part": 0},
        {"rows_per_part": True},
    ],
)
def test_a_value_that_an_option_cannot_have_is_an_error(wrong: dict[str, Any]) -> None:
    """What an option cannot be is refused when the options are made."""
    with pytest.raises(errors.ConfigurationError):
        ExportOptions(**wrong)
