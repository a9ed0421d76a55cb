"""How long the first import takes, each time in a fresh interpreter."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator

from common import peers
from harness import Case, Setting, Target

CASES = ("import",)
_PROGRAM = """
import sys, time
started = time.perf_counter()
{statement}
spent = time.perf_counter() - started
print(spent * 1e3, *sorted({{'httpx', 'ssl', 'asyncio', 'pyarrow', 'rich'}} & sys.modules.keys()))
"""


def cases(setting: Setting) -> Iterator[Case]:
    heavy: dict[str, list[str]] = {}
    # As after an installation, all find their modules compiled. Peers are when pip has installed them; our source tree
    # is not where PYTHONDONTWRITEBYTECODE is set. The trial of each contender compiles what it needs.
    surroundings = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    surroundings["PYTHONPYCACHEPREFIX"] = str(setting.folder / "bytecode")

    def importing(name: str, statement: str) -> Callable[[], float]:
        def run() -> float:
            # A fresh process each time; what its environment loads by itself is the same for all.
            command = [sys.executable, "-c", _PROGRAM.format(statement=statement)]
            finished = subprocess.run(command, check=True, capture_output=True, text=True, env=surroundings)
            milliseconds, *found = finished.stdout.split()
            heavy[name] = found
            return float(milliseconds)

        return run

    def light(_results: object) -> None:
        assert heavy[peers.OURS] == [], f"importing run_results loads {', '.join(heavy[peers.OURS])}"

    statements = {
        peers.OURS: "import run_results",
        "run-results, first client made": "import run_results; run_results.Client(token='t')",
        peers.VENDOR: "from aihub import AIHub",
        "vendor's SDK, first client made": "from aihub import AIHub; AIHub(api_key='t')",
        "httpx": "import httpx",
        "attrs and msgspec": "import attrs, msgspec",
    }
    yield Case(
        name="import",
        title="Import, in a fresh interpreter",
        contenders={name: importing(name, statement) for name, statement in statements.items()},
        check=light,
        targets=[Target(peers.OURS, peers.VENDOR, least=4)],
        clock="value",
        rounds=15,
    )
