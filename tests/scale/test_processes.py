"""What crosses to a worker and back: sources, slices, rows and errors, in a process that is started anew."""

import multiprocessing
import os
import pickle
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from tests.scale import work
from tests.scale.kit import REFERENCE, TOKEN, VARIABLE, ids_of, runs_of

from run_results import NameMap, errors
from run_results.scale import Slice, Source, plan
from run_results.tables import Typed
from run_results_conformance.server.reference import ReferenceServer
from run_results_conformance.server.runs import MemoryStore
from run_results_conformance.server.serving import serve

RUNS = runs_of(4)
IDS = ids_of(RUNS)


@pytest.fixture(scope="module")
def worker() -> Iterator[ProcessPoolExecutor]:
    """A process that has nothing of this one but what is sent to it, and its environment."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        yield pool


@pytest.fixture
def there(worker: ProcessPoolExecutor) -> Iterator[Any]:
    """Calls a function in the other process, where the variable of the token is set."""

    def call(function: Any, *arguments: Any) -> Any:
        return worker.submit(function, *arguments).result(timeout=300)

    call(work.set_variable, VARIABLE, TOKEN)
    yield call
    call(work.set_variable, "RUN_RESULTS_CONTEXT", None)


@pytest.fixture(scope="module")
def contexts() -> list[str | None]:
    """The contexts in which the server was asked."""
    return []


@pytest.fixture(scope="module")
def url(contexts: list[str | None]) -> Iterator[str]:
    """The address of a server that has the runs."""
    store = MemoryStore(RUNS)
    for run in RUNS:
        store.add(run, context="acme")
    server = ReferenceServer(store, TOKEN, page_size=4)

    async def noting(scope: Any, receive: Any, send: Any) -> None:
        contexts.append(dict(scope["headers"]).get(b"ib-context", b"").decode() or None)
        await server(scope, receive, send)

    with serve(noting) as served:
        yield served.url


def dump(how: str, *things: Any) -> bytes:
    """Things as bytes that the standard library can read."""
    return bytes((pickle if how == "pickle" else pytest.importorskip("cloudpickle")).dumps(things))


@pytest.mark.parametrize("how", ["pickle", "cloudpickle"])
def test_work_crosses_to_another_process(there: Any, url: str, how: str) -> None:
    """A source and a plan give the same rows there; cloudpickle also carries a function of a script."""
    source = Source(
        token=REFERENCE, base_url=url, names=NameMap(["Gross Pay"]), typed=Typed(decimal="."), include="review,source"
    )
    (slices,) = plan(source, IDS, tasks=1, window=4)
    function = work.values if how == "pickle" else lambda source, slices: work.values(source, slices)
    dumped = dump(how, function, source, slices)
    assert TOKEN.encode() not in dumped
    assert pickle.loads(dumped)[1:] == (source, slices)
    found = there(work.call, dumped)
    assert len(found) > 10
    assert found == work.values(source, slices)


def test_errors_come_back_whole(there: Any, url: str) -> None:
    """An error of a worker comes back with its type, text and facts, and without the token."""
    source = Source(token=REFERENCE, base_url=url)
    with pytest.raises(errors.NotFoundError) as caught:
        there(work.values, source, [Slice(IDS[0]), Slice("lost")])
    assert (caught.value.run_id, caught.value.status, caught.value.offset) == ("lost", 404, 0)
    assert caught.value.url is not None
    with pytest.raises(errors.RunChanged, match="had 99 files when its windows were planned") as gone:
        there(work.values, source, [Slice(IDS[0], files=99)])
    assert TOKEN not in repr((caught.value.__dict__, str(caught.value), str(gone.value), gone.value.__cause__))


def test_the_token_is_of_the_worker(there: Any, url: str, tmp_path: Path) -> None:
    """Each process reads its own variable or file; where there is none, it says which one, and sends no other."""
    file = tmp_path / "token"
    file.write_text(TOKEN)
    slices = [Slice(IDS[0])]
    by_variable, by_file = (Source(token=token, base_url=url) for token in (REFERENCE, f"file:{file}"))
    assert there(work.values, by_variable, slices) == there(work.values, by_file, slices)
    there(work.set_variable, VARIABLE, "wr0ng-token-of-the-worker")
    with pytest.raises(errors.UnauthorizedError) as refused:
        there(work.values, by_variable, slices)
    there(work.set_variable, VARIABLE, None)
    file.unlink()
    with pytest.raises(errors.ConfigurationError, match=f"{VARIABLE}, from which the token is read, is not") as unset:
        there(work.values, by_variable, slices)
    with pytest.raises(errors.ConfigurationError, match="cannot read the token file") as gone:
        there(work.values, by_file, slices)
    for caught in (refused, unset, gone):
        text = repr((str(caught.value), caught.value.__dict__, str(caught.value.__cause__)))
        assert "wr0ng" not in text
        assert TOKEN not in text


@pytest.mark.parametrize("of_planner", [None, "acme"])
@pytest.mark.parametrize("of_worker", [None, "acme", "not\na context"])
def test_the_context_is_of_the_planner(
    there: Any,
    url: str,
    contexts: list[str | None],
    of_planner: str | None,
    of_worker: str | None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A worker acts in the context in which was planned, or in none; its own environment does not matter."""
    monkeypatch.delenv("RUN_RESULTS_CONTEXT", raising=False)
    if of_planner is not None:
        monkeypatch.setenv("RUN_RESULTS_CONTEXT", of_planner)
    source = Source(token=REFERENCE, base_url=url, requests_per_second=1e6)
    there(work.set_variable, "RUN_RESULTS_CONTEXT", of_worker)
    contexts.clear()
    assert there(work.values, source.shared(2), [Slice(IDS[0])])
    assert there(work.call, pickle.dumps((work.shared_values, source, [Slice(IDS[0])])))
    assert set(contexts) == {of_planner}
    assert os.environ.get("RUN_RESULTS_CONTEXT") == of_planner
