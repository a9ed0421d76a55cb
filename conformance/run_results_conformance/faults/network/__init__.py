"""A server of network faults, on raw sockets, for tests of what a client survives.

    from run_results_conformance import SyntheticRun
    from run_results_conformance.faults.network import fault_server

    with fault_server("reset-in-body", SyntheticRun(files=7), token="a-token", page_size=3, first=1, times=2) as server:
        ...  # GET {server.url}/v2/apps/runs/synthetic-0/results: the second page is cut off twice, and then comes

`SITUATIONS` is the catalogue. Each belongs to a group (`ROWS`), which says what a client must do about it. A situation
happens from the request number `first` on, `times` times or always. The reference server answers every other
request, and every request that it refuses. Connections end with the `with`, and after a minute at the latest.

    situation    what a situation is, and the connection that it acts on
    answers      the wrong answers
    catalogue    every situation by name
    server       the server

    UnknownSituation   no situation has the name
"""

from .catalogue import ROWS, SITUATIONS
from .server import FaultServer, UnknownSituation, fault_server
from .situation import Call, Connection, Received, Row, Situation

__all__ = (
    "ROWS",
    "SITUATIONS",
    "Call",
    "Connection",
    "FaultServer",
    "Received",
    "Row",
    "Situation",
    "UnknownSituation",
    "fault_server",
)
