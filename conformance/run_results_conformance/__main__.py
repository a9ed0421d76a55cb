"""`run-results-conformance`; without the extra it says what to install."""

import sys

from run_results.cli.streams import prepare_streams
from run_results_conformance.extra import HOW_TO_INSTALL, missing_packages


def main() -> None:
    """Run the command line with the process's arguments."""
    prepare_streams("run-results-conformance")
    if missing_packages():
        sys.stderr.write(f"run-results-conformance: error: more packages are needed: {HOW_TO_INSTALL}\n")
        sys.exit(2)
    from run_results_conformance.cli import main as command

    command(prog_name="run-results-conformance")


if __name__ == "__main__":
    main()
