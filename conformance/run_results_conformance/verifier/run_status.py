"""The run statuses that mean something to the verifier."""

RUNNING = "RUNNING"
"""The run goes on by itself."""

COMPLETE = "COMPLETE"
"""The run has done everything."""

WAITING = frozenset({"PAUSED", "STOPPED_AT_CHECKPOINT"})
"""The run waits for a person."""

FINAL = frozenset({"CANCELLED", COMPLETE, "FAILED"})
"""The run cannot change by itself any more."""
