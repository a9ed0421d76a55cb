"""Lets schemathesis test a server with boundary values and random ones, and judges the answers by our rules.

    report = fuzz("http://127.0.0.1:8000", token, runs=["run-tax-2025"])
    report.exit_code        # 0 nothing found, 1 breaches, 2 could not judge

The verifier asks what each rule needs. schemathesis generates its questions from the spec: the boundary values of every
parameter, alone and together, then random requests, valid and invalid. Its own checks judge every answer. So do our
rules for single exchanges, which are registered as one more of its checks. The report names our rules for both.

The same seed sends the same requests to servers that answer alike, one at a time. All of them are GET: other
methods, which schemathesis sends by default, could change something. schemathesis is imported only when
`fuzz` is called. It comes with the extra `[fuzz]`.
"""

from .run import fuzz, standard_server
from .tailored import tailored

__all__ = ["fuzz", "standard_server", "tailored"]
