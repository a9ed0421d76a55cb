"""Where the processor time of a walk goes, function by function."""

import cProfile
import pstats
from collections.abc import Iterator
from pathlib import Path

from common.served import RUN, TOKEN, serve
from harness import Case, Setting

import run_results
import run_results_api
from run_results import Client, Include

CASES = ("profile",)
OURS = [str(Path(package.__file__ or "").parent) for package in (run_results, run_results_api)]
ROWS = 20


def cases(setting: Setting) -> Iterator[Case]:
    if not setting.wants("profile"):
        return
    pages, size = (10 if setting.quick else 50), 50
    fields = 0
    with serve("small", pages, size, True) as url, Client(base_url=url, token=TOKEN) as client:
        for file in client.files(RUN, include=Include.ALL):
            fields += sum(len(document.fields or ()) for document in file.documents or ())
        profile = cProfile.Profile()
        profile.enable()
        for _ in client.pages(RUN, include=Include.ALL):
            pass
        profile.disable()
    yield Case(
        name="profile",
        title=f"Where the time of a walk goes: {pages} pages with {fields:,} fields, everything included",
        contenders={},
        note=_table(profile, fields),
    )


def _table(profile: cProfile.Profile, fields: int) -> str:
    stats = pstats.Stats(profile)
    rows = sorted(stats.stats.items(), key=lambda row: -row[1][2])  # type: ignore[attr-defined]
    total = sum(row[1][2] for row in rows)
    ours = [(place, calls) for place, (_, calls, *_) in rows if place[0].startswith(tuple(OURS))]
    busiest = max(ours, key=lambda row: row[1])
    lines = ["| function | calls | own time |", "|---|---:|---:|"]
    for (path, _, name), (_, calls, own, *_) in rows[:ROWS]:
        where = "" if path == "~" else f"{Path(path).parent.name}/{Path(path).name} "
        lines.append(f"| `{where}{name}` | {calls:,} | {own / total:.1%} |")
    summary = (
        f"Of our own functions `{busiest[0][2]}` is called most often: {busiest[1]:,} times for {fields:,} fields."
    )
    if busiest[1] < fields:
        summary += (
            " So no Python function of ours is called for each field. The work for each field is done in C: by `decode`"
            " of msgspec, and by `map` with `attrgetter` inside `set.update`, which collects the names."
        )
    lines += ["", summary]
    return "\n".join(lines)
