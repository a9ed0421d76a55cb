"""`run-results-conformance`; without the extra it says what to install."""

import sys
from importlib.util import find_spec

NEEDED = ("click", "jsonschema_rs", "rich", "starlette", "uvicorn")


def main() -> None:
    """Run the command line with the process's arguments."""
    if any(find_spec(name) is None for name in NEEDED):
        sys.stderr.write(
            "run-results-conformance: error: more packages are needed: pip install 'run-results[conformance]'\n"
        )
        sys.exit(2)
    from run_results_conformance.cli import main as command

    command(prog_name="run-results-conformance")


if __name__ == "__main__":
    main()
