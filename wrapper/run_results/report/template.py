"""The page around the data: the template with its style, its script and the policy that allows only these two."""

from base64 import b64encode
from datetime import UTC, datetime
from functools import cache
from hashlib import sha256
from importlib.resources import files as resources
from typing import Any, Final

from run_results import CaseField, Page, __version__
from run_results.errors import ConfigurationError
from run_results.report.compact import Compactor
from run_results.report.facts import case_field_facts, run_facts
from run_results.report.summary import BANDS
from run_results.report.tiles import tiles
from run_results.text import count, visible

MOST_CASE_FIELDS: Final = 500
"""The most cross-class fields that a report shows."""
_MARK: Final = "<!-- data -->"
SCRIPTS: Final = (
    "data", "elements", "formulas", "checks", "filters", "list", "table", "pages", "viewer", "edits", "input", "start"
)  # fmt: skip
"""The parts of the script in their order. They share one scope, so that each can use what stands in those before."""


@cache
def _read(name: str) -> str:
    return resources(__package__ or "run_results.report").joinpath(name).read_text("utf-8")


@cache
def script() -> str:
    """The script of a report: its parts, in one scope that nothing outside can reach."""
    return '"use strict";\n(() => {\n' + "\n".join(_read(f"script/{name}.js") for name in SCRIPTS) + "})();\n"


@cache
def load() -> Any:
    """The template. Raises `ConfigurationError` where jinja2 is not installed."""
    try:
        from jinja2 import Environment, StrictUndefined
    except ImportError:
        raise ConfigurationError("the report needs more: pip install 'run-results[report]'") from None
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, finalize=_finalize
    )
    environment.filters["count"] = count
    environment.filters["noun"] = _noun
    environment.filters["score"] = lambda score: "" if score is None else f"{score:.2f}"
    environment.filters["exact"] = _exact
    return environment.from_string(_read("report.html.jinja"))


def _finalize(value: object) -> object:
    # Applied to all that the template shows, before it is escaped, so that no place can be forgotten.
    return visible(value) if type(value) is str else value


def _noun(number: int, noun: str, several: str | None = None) -> str:
    """The noun that goes with a number.

    >>> _noun(1, "file"), _noun(2000, "file")
    ('file', 'files')
    """
    return count(number, noun, several).partition(" ")[2]


def _exact(score: float) -> str:
    """A score with two digits, or with all where it has more.

    >>> _exact(0.8), _exact(0.855)
    ('0.80', '0.855')
    """
    short = f"{score:.2f}"
    return short if float(short) == score else str(score)


def _hash(text: str) -> str:
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"


def render(page: Page, compactor: Compactor, case_fields: list[CaseField], title: str | None) -> tuple[str, str]:
    """The HTML before and after the data of a report, from what was counted and the last page."""
    before, _, after = load().render(_context(page, compactor, case_fields, title)).partition(_MARK)
    return before, after


def _context(page: Page, compactor: Compactor, case_fields: list[CaseField], title: str | None) -> dict[str, Any]:
    from markupsafe import Markup

    style, code = _read("report.css"), script()
    policy = (
        f"default-src 'none'; img-src data:; style-src {_hash(style)}; script-src {_hash(code)};"
        " base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
    )
    return {
        "policy": policy,
        "style": Markup(style),  # noqa: S704 - our own
        "script": Markup(code),  # noqa: S704 - our own
        "data": Markup(_MARK),  # noqa: S704 - our own
        "title": title or f"Run {page.run_id}",
        "version": __version__,
        "made": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "page": page,
        "run": page.run,
        "facts": list(run_facts(page)),
        "compactor": compactor,
        "summary": compactor.summary,
        "counts": compactor.summary.counts,
        "tiles": list(tiles(compactor.summary.counts)),
        "fields": compactor.summary.named_fields(compactor.names),
        "case_fields": [case_field_facts(field, compactor.names) for field in case_fields[:MOST_CASE_FIELDS]],
        "case_fields_left_out": max(0, len(case_fields) - MOST_CASE_FIELDS),
        "bands": [(name, start, stop) for (start, _), (stop, name) in zip(((0.0, ""), *BANDS), BANDS, strict=False)],
        "has_names": compactor.names is not None,
    }
