"""`fetch`: runs as a DataFrame, by Spark's `mapInArrow`. Each task gets run ids, and gives the rows of their runs."""

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from typing import Any, Final

import pyarrow as pa
from attrs import asdict
from pyspark.sql import DataFrame, SparkSession  # pyright: ignore[reportMissingImports]

from run_results.errors import ConfigurationError, ForbiddenError
from run_results.scale import Slice, Source, plan
from run_results.spark.rows import Table, batches, check_table, schema_of
from run_results.spark.types import spark_schema

_RUN_ID: Final = "run_id"
_NO_RUN: Final = "no-such-run"
"""What is asked for to see whether the token is taken, where no id is known yet."""
_Batches = Iterator[pa.RecordBatch]


def fetch(
    ids: DataFrame | Iterable[str],
    source: Source,
    table: Table = "fields",
    *,
    tasks: int | None = None,
    window: int | None = None,
    spark: SparkSession | None = None,
) -> DataFrame:
    """A DataFrame with the rows of runs, every row once.

    Args:
        ids: The ids of the runs: a list, or a DataFrame, which may be a stream. A DataFrame has them in its column
            `run_id`, or has only one column. One that is no stream is read here, once, and an id that comes again in it
            is left out.
        source: Where the runs are. Its rate is divided among the tasks that run at the same time.
        table: `fields`, `documents`, `files`, `case_fields`; or `all`, for a row of each with the requests of one walk:
            the column `table` has the name of the row's table, and the column of that name has the row.
        tasks: How many tasks there are to be. Without it: one for 50 runs; of a stream as many as it has partitions.
        window: How many files of a run one task reads at the most; see `run_results.scale.plan`. Not for a stream.
        spark: The session; without it that of the DataFrame, or else the active one.

    One request finds a token or an address that cannot be used before a task starts. Raises `ConfigurationError` where
    there are no ids, and what `run_results.scale.plan` raises. What goes wrong in a task is raised by Spark.

    >>> fetch(["run-1", "run-2"], Source(token="env:RUN_RESULTS_TOKEN")).show()  # doctest: +SKIP
    """
    table = check_table(table)
    session = _session(ids, spark)
    frame: Any = ids if isinstance(ids, DataFrame) else None
    if frame is not None and frame.isStreaming:
        if window is not None:
            raise ConfigurationError("a stream cannot have a window: the length of its runs is not known beforehand")
        _try_token(source)
        at_once = _parallelism(session) or tasks or 1
        work = _run_ids(frame) if tasks is None else _run_ids(frame).repartition(tasks)
        return work.mapInArrow(_reader(source.shared(at_once), table, _of_ids), _schema(source, table))
    planned = plan(source, _collected(ids), tasks=tasks, window=window)
    at_once = min(_parallelism(session) or len(planned), len(planned))
    rows = [(task, json.dumps([asdict(each) for each in slices])) for task, slices in enumerate(planned)]
    # By range, each task gets one row. In turn or by a hash, some would get two or three, and others none.
    work = session.createDataFrame(rows, "task int, slices string").repartitionByRange(len(rows), "task")
    work = work.select("slices")
    return work.mapInArrow(_reader(source.shared(at_once), table, _of_slices), _schema(source, table))


def _schema(source: Source, table: Table) -> Any:
    return spark_schema(schema_of(source, table))


def _session(ids: Any, spark: SparkSession | None) -> SparkSession:
    session = spark or (ids.sparkSession if isinstance(ids, DataFrame) else SparkSession.getActiveSession())
    if session is None:
        raise ConfigurationError("there is no active Spark session: make one first, or give it as spark=")
    return session


def _parallelism(session: SparkSession) -> int | None:
    """How many tasks run at the same time; None where nobody can say, as over Spark Connect."""
    try:
        return int(session.sparkContext.defaultParallelism)
    except Exception:  # noqa: BLE001 - which error it is differs between clients
        return None


def _run_ids(ids: DataFrame) -> DataFrame:
    """The column with the ids, alone."""
    name = _RUN_ID if _RUN_ID in ids.columns else ids.columns[0]
    if name != _RUN_ID and len(ids.columns) > 1:
        raise ConfigurationError(f"no column of the ids is called {_RUN_ID}; there are {', '.join(ids.columns)[:200]}")
    return ids.select(ids[name].cast("string").alias(_RUN_ID))


def _collected(ids: DataFrame | Iterable[str]) -> Iterable[str]:
    return [row[0] for row in _run_ids(ids).collect()] if isinstance(ids, DataFrame) else ids


def _try_token(source: Source) -> None:
    """Ask for a run that there is not, so that a bad token is found before the stream begins."""
    # Some services answer 403 for each run that is not one of the caller's.
    with suppress(ForbiddenError):
        plan(source, [_NO_RUN])


# --- In a task ------------------------------------------------------------------------------------------------


def _reader(
    source: Source, table: Table, slices_of: Callable[[_Batches], Iterator[Slice]]
) -> Callable[[_Batches], _Batches]:
    """What Spark calls in each task, with the batches of its partition."""

    def rows(given: _Batches) -> _Batches:
        yield from batches(source, slices_of(given), table)

    return rows


def _of_ids(given: _Batches) -> Iterator[Slice]:
    for batch in given:
        for run_id in batch.column(0).to_pylist():
            yield Slice(run_id)


def _of_slices(given: _Batches) -> Iterator[Slice]:
    for batch in given:
        for text in batch.column(0).to_pylist():
            for each in json.loads(text):
                yield Slice(**each)
