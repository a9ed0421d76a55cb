"""The results as text for a terminal, and as benchmarks/speed/RESULTS.md with its plot."""

import os
import platform
import sys
from collections.abc import Iterator, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from harness import Outcome, Target, spread

_PACKAGES = """
    run-results attrs httpx httpcore msgspec orjson pydantic pydantic-core openapi-python-client instabase-aihub urllib3
    pyarrow pandas polars duckdb
""".split()  # noqa: SIM905 - a list of words


def show(outcome: Outcome) -> str:
    """A case's numbers and targets as lines for a terminal."""
    case = outcome.case
    lines = [f"\n{case.name}: {case.title}"]
    for name, numbers in outcome.numbers.items():
        low, middle, high = spread(numbers)
        lines.append(f"  {name:34} {middle:10,.2f} {case.unit}  ({low:,.2f} to {high:,.2f})")
    for target in case.targets:
        low, middle, high = spread(outcome.ratios(target))
        verdict = "met" if target.is_met(middle) else "NOT MET"
        lines.append(f"  {_relation(target):58} {middle:7.2f}  ({low:.2f} to {high:.2f})  {target}  {verdict}")
    return "\n".join(lines + [f"  {line}" for line in outcome.text.splitlines()])


def _relation(target: Target) -> str:
    if target.most is not None:
        return f"{target.ours} / {target.against}"
    return f"{target.against} / {target.ours}"


def write(outcomes: Sequence[Outcome], skipped: Sequence[str], path: Path, *, quick: bool) -> None:
    """Write the page of results, and beside it the plot where matplotlib is installed."""
    has_plot = _plot(outcomes, path.with_suffix(".svg"))
    lines = list(_page(outcomes, skipped, path.with_suffix(".svg").name if has_plot else None, quick=quick))
    path.write_text("\n".join(lines) + "\n", "utf-8")


def _page(outcomes: Sequence[Outcome], skipped: Sequence[str], plot: str | None, *, quick: bool) -> Iterator[str]:
    yield "# Results"
    yield ""
    yield "Written by `make bench`, in one run on one machine. [README.md](README.md) says what is measured and how,"
    yield "[docs/performance.md](../../docs/performance.md) what was tried and chosen."
    if quick:
        yield ""
        yield "**A quick run: small pages and few rounds. The numbers are only a first impression.**"
    yield ""
    yield "| work | ratio of | median | quartiles | wanted | |"
    yield "|---|---|---:|---:|---:|---|"
    for outcome in outcomes:
        for target in outcome.case.targets:
            low, middle, high = spread(outcome.ratios(target))
            verdict = "met" if target.is_met(middle) else "**not met**"
            yield (
                f"| {outcome.case.name} | {_relation(target)} | {middle:.2f} | {low:.2f} to {high:.2f} | {target} |"
                f" {verdict} |"
            )
    if plot:
        yield ""
        yield f"![Each contender's number relative to ours]({plot})"
    for outcome in outcomes:
        yield from _section(outcome)
    yield ""
    yield "## Where"
    yield ""
    yield f"- {platform.python_implementation()} {platform.python_version()} on {platform.system()}, {_processors()}"
    yield f"- {', '.join(_versions())}"
    for line in skipped:
        yield f"- skipped: {line}"


def _section(outcome: Outcome) -> Iterator[str]:
    case = outcome.case
    yield ""
    yield f"## {case.name}"
    yield ""
    yield f"{case.title}."
    if outcome.numbers:
        what = {"cpu": "processor time", "process": "processor time", "wall": "time", "value": "value"}[case.clock]
        ours = spread(next(iter(outcome.numbers.values())))[1]
        yield ""
        yield f"| | {what}, {case.unit} | quartiles | × the first |"
        yield "|---|---:|---:|---:|"
        for name, numbers in outcome.numbers.items():
            low, middle, high = spread(numbers)
            yield f"| {name} | {middle:,.2f} | {low:,.2f} to {high:,.2f} | {middle / ours:.2f} |"
        rounds = len(next(iter(outcome.numbers.values())))
        yield ""
        yield f"{rounds} rounds." if rounds > 1 else "One round."
    if outcome.text:
        yield ""
        yield outcome.text


def _processors() -> str:
    count = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count()
    return f"{platform.machine()}, {count} processors"


def _versions() -> Iterator[str]:
    from run_results import __version__

    for name in _PACKAGES:
        try:
            yield f"{name} {__version__ if name == 'run-results' else version(name)}"
        except PackageNotFoundError:
            continue


def _plot(outcomes: Sequence[Outcome], path: Path) -> bool:
    try:
        import matplotlib as mpl
    except ImportError:
        return False
    mpl.use("svg")
    mpl.rcParams["svg.hashsalt"] = "run-results"
    import matplotlib.pyplot as plt

    shown = [outcome for outcome in outcomes if len(outcome.numbers) > 1]
    if not shown:
        return False
    heights = [len(outcome.numbers) for outcome in shown]
    figure, axes = plt.subplots(
        len(shown), 1, figsize=(8, 0.28 * sum(heights) + 0.75 * len(shown)), height_ratios=heights, squeeze=False
    )
    for outcome, axis in zip(shown, axes.flat, strict=True):
        names = list(outcome.numbers)
        first = outcome.numbers[names[0]]
        for place, name in enumerate(names):
            # Ratios within a round: other work of the machine slowed all contenders of the round.
            low, middle, high = spread(
                sorted(other / own for other, own in zip(outcome.numbers[name], first, strict=True))
            )
            axis.barh(place, middle, color="#0b6e4f" if place == 0 else "#b8c4bb")
            axis.plot([low, high], [place, place], color="black", linewidth=1)
            axis.annotate(f" {middle:.2f}", (max(middle, high), place), va="center", fontsize=7)
        axis.set_yticks(range(len(names)), names, fontsize=7)
        axis.invert_yaxis()
        axis.set_title(outcome.case.title, fontsize=8, loc="left")
        axis.tick_params(axis="x", labelsize=7)
        axis.margins(x=0.12)
        axis.spines[["top", "right"]].set_visible(False)
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)
    return True
