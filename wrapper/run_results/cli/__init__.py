"""The command line, `run-results`: fetch a run's fields, ask how a run stands, check field names.

`app` has the commands, `rows` turns pages into rows, `show` draws for people, `inert` makes hostile text harmless, and
`exits` has the exit codes. It needs the extra `run-results[cli]`.
"""

import sys
from importlib.util import find_spec
from typing import NoReturn


def main() -> NoReturn:
    """Run the command line with the process's arguments and exit; `exits` says with which code."""
    if any(find_spec(name) is None for name in ("click", "rich")):
        sys.stderr.write("run-results: error: the command line needs more: pip install 'run-results[cli]'\n")
        sys.exit(2)
    try:
        from run_results.cli.app import run

        code = run(sys.argv[1:])
    except KeyboardInterrupt:  # before or after `run`, which says more
        code = 130
    sys.exit(code)
