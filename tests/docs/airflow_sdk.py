"""What the documentation uses of Airflow, which is too large to be installed for it.

tests/docs/test_recipes.py runs a DAG in Airflow itself, where that is installed.
"""

from collections.abc import Callable
from types import ModuleType
from typing import Any


class Task:
    """A task: it runs where it is called, or once for each value of an argument."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function

    def __call__(self, *arguments: Any) -> Any:
        """Run it."""
        return self._function(*arguments)

    def expand(self, **arguments: list[Any]) -> list[Any]:
        """Run it for each value of the one argument."""
        ((name, values),) = arguments.items()
        return [self._function(**{name: value}) for value in values]


def airflow_modules() -> dict[str, ModuleType]:
    """Modules that take the place of Airflow's, by name."""
    sdk = ModuleType("airflow.sdk")
    sdk.__dict__["dag"] = lambda **_: lambda function: function
    sdk.__dict__["task"] = lambda function=None, **_: Task(function) if function else Task
    return {"airflow": ModuleType("airflow"), "airflow.sdk": sdk}
