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
    loaded: dict[str, list[str]] = {}
    # All contenders shall find their modules compiled, as after an installation. pip compiles the peers. The first run,
    # which is not measured, compiles our modules, unless PYTHONDONTWRITEBYTECODE prevents it.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    environment["PYTHONPYCACHEPREFIX"] = str(setting.folder / "bytecode")

    def importing(name: str, statement: str) -> Callable[[], float]:
        def run() -> float:
            # A fresh process each time. Modules that the environment itself loads are the same for all.
            command = [sys.executable, "-c", _PROGRAM.format(statement=statement)]
            finished = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
            milliseconds, *found = finished.stdout.split()
            loaded[name] = found
            return float(milliseconds)

        return run

    def loads_nothing_heavy(_results: object) -> None:
        assert loaded[peers.OURS] == [], f"importing run_results loads {', '.join(loaded[peers.OURS])}"

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
        check=loads_nothing_heavy,
        targets=[Target(peers.OURS, peers.VENDOR, least=4)],
        clock="value",
        rounds=15,
    )
