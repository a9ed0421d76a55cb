"""`make demo`: fetches a paginated run from an embedded reference server, and shows it.

It runs the real commands. The server is the reference server, with invented documents.
"""

import json
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from run_results_conformance.server.reference import ReferenceServer
from run_results_conformance.server.runs import MemoryStore
from run_results_conformance.server.serving import serve
from run_results_conformance.server.synthetic import SyntheticRun

FILES, PAGE_SIZE = 240, 50
SHOWN, SUMMARY = 40, 5


def main() -> None:
    """Serve a synthetic run on a free loopback port, fetch it with the command line, and stop the server."""
    run = SyntheticRun(seed=2025, files=FILES, run_id="run-loans-2025")
    token = secrets.token_urlsafe(24)
    with (
        tempfile.TemporaryDirectory() as folder,
        serve(ReferenceServer(MemoryStore([run]), token, page_size=PAGE_SIZE)) as served,
    ):
        # The project's own names for each class. The class "" has those of the packet's cross-class fields.
        names = {**run.project_names(), "": run.case_names()}
        (Path(folder) / "fields.json").write_text(json.dumps(names, ensure_ascii=False), "utf-8")
        environment = {**os.environ, "RUN_RESULTS_TOKEN": token, "RUN_RESULTS_BASE_URL": served.url}
        environment.pop("RUN_RESULTS_CONTEXT", None)
        environment["COLUMNS"] = str(shutil.get_terminal_size((100, 50)).columns)
        if sys.stdout.isatty():
            environment["FORCE_COLOR"] = "1"  # we read the output first, but it ends at a terminal
        print(f"A reference server runs at {served.url}, with pages of {PAGE_SIZE} files.")

        def show(words: str) -> None:
            """Run the command; print its first lines and its summary, because there are thousands of lines."""
            print(f"\n$ run-results {words}\n", flush=True)
            command = [str(Path(sys.executable).with_name("run-results")), *words.split()]
            finished = subprocess.run(command, cwd=folder, env=environment, check=True, stdout=subprocess.PIPE)
            lines = finished.stdout.decode().splitlines()
            if len(lines) > SHOWN + SUMMARY:
                left = len(lines) - SHOWN - SUMMARY
                lines[SHOWN:-SUMMARY] = ["", f"  … {left:,} more lines …"]
            print("\n".join(lines), flush=True)

        show(f"status {run.run_id}")
        show(f"fetch {run.run_id} --include all --names fields.json --format table")
        print("\nOnly the fields that failed or are unsure:", end="")
        show(f"fetch {run.run_id} --only failed --only unsure --names fields.json --format table")
    print("\nThe server is stopped.")


if __name__ == "__main__":
    main()
