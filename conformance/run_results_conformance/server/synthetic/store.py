"""A store of synthetic runs to start with."""

from typing import Any

from run_results_conformance.server.contract import Contract, load_contract
from run_results_conformance.server.runs import MemoryStore

from .run import MESSAGES, SyntheticRun


def example_store(contract: Contract | None = None, *, seed: int = 0, files: int = 25) -> MemoryStore:
    """A store with a run for every run id in the contract's examples, with the status that the example shows.

    The runs are synthetic, with `files` files each. Each status that no example has gets a run too, such as
    `run-cancelled`. All runs are in the nameless context and in every context of the contract's examples, so that every
    request made from these examples is answered with 200.
    """
    contract = contract or load_contract()
    statuses: dict[str, str] = {page["id"]: page["status"] for page in contract.examples.values()}
    for name, status in ((f"run-{status.lower().replace('_', '-')}", status) for status in MESSAGES):
        if status not in statuses.values():
            statuses[name] = status
    contexts: list[Any] = [None]
    for parameter in contract.parameters.values():
        if parameter.place == "path":
            for run_id in parameter.examples.values():
                statuses.setdefault(run_id, "COMPLETE")
        elif parameter.place == "header":
            contexts.extend(parameter.examples.values())
    store = MemoryStore()
    for number, (run_id, status) in enumerate(statuses.items()):
        run = SyntheticRun(seed + number, files, status=status, run_id=run_id)
        for context in contexts:
            store.add(run, context=context)
    return store
