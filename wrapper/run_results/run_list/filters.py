"""The filters of the list of runs, and whether a run fits them."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypedDict, cast

import attrs
from attrs import Converter, field, frozen

from run_results.drift import Drift
from run_results.errors import ConfigurationError
from run_results_api.models import RunStatus, RunSummary

Texts = str | Iterable[str]


class RunFilters(TypedDict, total=False):
    """The filters as keywords of `client.runs`, for type checkers; `Filters` explains them."""

    status: Texts | None
    app_id: str | None
    app_name: str | None
    deployment_id: str | None
    username: str | None
    run_id: str | None
    output_workspaces: Texts | None


def _as_text(value: Any, attribute: Any) -> str | None:
    if value is not None and not (isinstance(value, str) and value):
        raise ConfigurationError(f"{attribute.name} must be a text, not {value!r:.80}")
    return value


def _as_texts(value: Any, attribute: Any) -> tuple[str, ...] | None:
    """One text or several. None at all would mean all runs to the server, and no run to a reader."""
    if value is None:
        return None
    is_several = isinstance(value, Iterable) and not isinstance(value, str | bytes | Mapping)
    texts: tuple[Any, ...] = tuple(value) if is_several else (value,)
    if not texts or not all(isinstance(text, str) and text for text in texts):
        raise ConfigurationError(f"{attribute.name} must be a text, or several, not {value!r:.80}")
    return texts


def _as_statuses(value: Any, attribute: Any) -> tuple[str, ...] | None:
    """Statuses of the contract, in capitals or not; a `RunStatus` may be another one."""
    texts = _as_texts(value, attribute)
    if texts is None:
        return None
    known = [status.value for status in RunStatus]
    for text in texts:
        if not isinstance(text, RunStatus) and text.upper() not in known:
            raise ConfigurationError(f"{attribute.name} must be of {', '.join(known)}, not {text[:80]!r}")
    return tuple(dict.fromkeys(text.value if isinstance(text, RunStatus) else text.upper() for text in texts))


def _filter(convert: Any) -> Any:
    return field(default=None, converter=Converter(convert, takes_field=True))


@frozen(kw_only=True)
class Filters:
    """Which runs are listed: those that fit all filters that are given. Raises `ConfigurationError`.

    Args:
        status: One status or several, as texts or of `RunStatus`.
        app_id: The app that was run, by its id.
        app_name: The app that was run, by its name.
        deployment_id: The deployment that ran the app.
        username: Who started the run.
        run_id: The run with this id.
        output_workspaces: One workspace or several: where the output of the run is.

    >>> Filters(status="failed").parameters()
    {'status': ['FAILED']}
    """

    status: tuple[str, ...] | None = _filter(_as_statuses)
    app_id: str | None = _filter(_as_text)
    app_name: str | None = _filter(_as_text)
    deployment_id: str | None = _filter(_as_text)
    username: str | None = _filter(_as_text)
    run_id: str | None = _filter(_as_text)
    output_workspaces: tuple[str, ...] | None = _filter(_as_texts)

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> "Filters":
        """The filters by their names. Raises `ConfigurationError`, for an unknown name, too."""
        known = [attribute.name for attribute in attrs.fields(cls)]
        unknown = given.keys() - set(known)
        if unknown:
            raise ConfigurationError(f"there is no filter {min(unknown)[:80]!r}; the filters are {', '.join(known)}")
        return cls(**given)

    def parameters(self) -> dict[str, Any]:
        """The parameters of the request, without those that are not given."""
        given = attrs.asdict(self, filter=lambda _, value: value is not None, recurse=False)
        return {name: list(value) if isinstance(value, tuple) else value for name, value in given.items()}

    def has(self, run: RunSummary) -> bool:
        """Whether a run fits, as far as a listed run shows it: a server may not know a filter."""
        return not any(self.misfits(run, ""))

    def misfits(self, run: RunSummary, path: str) -> Iterator[Drift]:
        """Where a run at this place of the answer does not fit."""
        shown = (
            ("status", run.status, self.status),
            ("id", run.id, (self.run_id,)),
            ("app_id", run.app_id, (self.app_id,)),
            ("deployment_id", run.deployment_id, (self.deployment_id,)),
        )
        for name, value, wanted in shown:
            if isinstance(value, str) and wanted not in (None, (None,)) and value not in cast("Any", wanted):
                yield Drift(f"{path}.{name}", f"{' or '.join(cast('Any', wanted))}, as it was asked for", str(value))
