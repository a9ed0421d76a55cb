"""The command line, `run-results`: fetch a run's fields, export it, report on it, see its state, check field names.

`streams` prepares standard input and output, `commands` has the group and the way out of a process, and each command
has a module. `options` has the options that several commands share, `settings` the client that they describe, `exits`
the exit codes, `messages` errors and warnings, `times` moments as people write them, `rows` the lines of JSON,
`row_filter` which of them are wanted, `field_walk` and `field_output` where the fields of a run go, `show` tables for
people, `console` and `pace` the progress, `jobs` exports of several runs, and `dry_run` what they would do. It needs
the extra `run-results[cli]`.
"""

import signal
import sys
from importlib.util import find_spec
from typing import NoReturn

from run_results.cli.streams import prepare_streams


def main() -> NoReturn:
    """Run the command line with the process's arguments and exit; `exits` lists the exit codes."""
    prepare_streams("run-results")
    if any(find_spec(name) is None for name in ("click", "rich")):
        sys.stderr.write("run-results: error: the command line needs more: pip install 'run-results[cli]'\n")
        sys.exit(2)
    try:
        from run_results.cli.commands import run

        code = run(sys.argv[1:])
    except KeyboardInterrupt:  # before or after `run`, which says more
        code = 130
    # A Ctrl-C from here on would only change how Python itself ends.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    sys.exit(code)
