"""The peak memory of a process that streams a run of a thousand files, and of one that streams a million files."""

import subprocess
import sys
from collections.abc import Callable, Iterator

from common.served import RUN, TOKEN, serve
from harness import Case, Setting, Target

CASES = ("memory",)
_PROGRAM = """
import resource, sys
from pathlib import Path
from run_results import Client
count = 0
with Client(base_url=sys.argv[1], token=sys.argv[2]) as client:
    for file in client.files(sys.argv[3]):
        count += 1
status = Path("/proc/self/status")
if status.exists():  # on Linux getrusage includes the peak of the parent process
    peak = next(int(line.split()[1]) / 1024 for line in status.read_text().splitlines() if line.startswith("VmHWM"))
else:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)
print(peak, count)
"""
PAGE = 100
"""Files on a page: 60 kB."""


def cases(setting: Setting) -> Iterator[Case]:
    sizes = {"1,000 files": 1000, "1,000,000 files": 1_000_000}
    if setting.quick:
        sizes = {"1,000 files": 1000, "50,000 files": 50_000}
    (small, large) = sizes
    if not setting.wants("memory"):
        return

    def streaming(url: str, files: int) -> Callable[[], float]:
        def run() -> float:
            command = [sys.executable, "-c", _PROGRAM, url, TOKEN, RUN]
            peak, count = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
            assert int(count) == files
            return float(peak)

        return run

    with serve("large", sizes[small], PAGE) as little, serve("large", sizes[large], PAGE) as much:
        yield Case(
            name="memory",
            title=f"Peak memory of a process that streams a run (pages of {PAGE} files)",
            contenders={
                small: streaming(little, sizes[small]),
                large: streaming(much, sizes[large]),
            },
            targets=[Target(large, small, most=1.1)],
            clock="value",
            unit="MiB",
            rounds=2,
            quick_rounds=1,
        )
