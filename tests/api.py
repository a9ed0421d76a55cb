"""The public names of the packages with their signatures, as text: docs/api.txt, which a test compares.

`python -m tests.api` writes the file. A change of it in a review is a change for users.
"""

import enum
import importlib
import inspect
from collections.abc import Iterator
from pathlib import Path
from typing import Any

PAGE = Path(__file__).parents[1] / "docs" / "api.txt"
MODULES = (
    "run_results",
    "run_results.errors",
    "run_results.fields",
    "run_results.export",
    "run_results.scale",
    "run_results.sync",
    "run_results.tables.schema",
    "run_results_conformance",
    "run_results_conformance.strategies",
)
"""The modules that the documentation tells users to import from."""


def public(module: Any) -> list[str]:
    """The names that a module offers: `__all__`, else what it defines itself."""
    if hasattr(module, "__all__"):
        return sorted(module.__all__)
    return sorted(
        name
        for name, value in vars(module).items()
        if not name.startswith("_") and getattr(value, "__module__", None) == module.__name__
    )


def signature(value: Any) -> str:
    """The parameters of something that can be called, with defaults and without types, which type checkers hold."""
    try:
        found = inspect.signature(value)
    except (TypeError, ValueError):
        return "(...)"
    parameters = [each.replace(annotation=inspect.Parameter.empty) for each in found.parameters.values()]
    shown = [each if _is_plain(each.default) else each.replace(default=...) for each in parameters]
    return str(found.replace(parameters=shown, return_annotation=inspect.Signature.empty)).replace("=Ellipsis", "=...")


def _is_plain(value: Any) -> bool:
    """Whether a default is shown as it is: its text is the same in every process."""
    return value is inspect.Parameter.empty or isinstance(value, str | int | float | bool | tuple | None)


def lines() -> Iterator[str]:
    """One line for each name, and for each public member of a class that is ours."""
    for module_name in MODULES:
        module = importlib.import_module(module_name)
        for name in public(module):
            value = getattr(module, name)
            if inspect.isclass(value) and issubclass(value, enum.Enum):
                members = ", ".join(f"{each.name}={each.value!r}" for each in value)
                yield f"{module_name}.{name}: {members}"
            elif inspect.isclass(value):
                bases = ", ".join(each.__name__ for each in value.__bases__ if each is not object)
                yield f"{module_name}.{name}{signature(value)}" + (f" is {bases}" if bases else "")
                yield from _members(f"{module_name}.{name}", value)
            elif callable(value):
                yield f"{module_name}.{name}{signature(value)}"
            else:
                yield f"{module_name}.{name}"


def _members(name: str, kind: type) -> Iterator[str]:
    ours = {"run_results", "run_results_conformance"}
    owners = [each for each in kind.__mro__ if each.__module__.partition(".")[0] in ours]
    found = {member: value for owner in reversed(owners) for member, value in vars(owner).items()}
    for member, value in sorted(found.items()):
        if member.startswith("_") or issubclass(kind, BaseException):
            continue
        bound = getattr(value, "__func__", value)
        yield f"{name}.{member}" + (signature(bound) if inspect.isfunction(bound) else "")


if __name__ == "__main__":
    PAGE.write_text("\n".join(lines()) + "\n", "utf-8")
