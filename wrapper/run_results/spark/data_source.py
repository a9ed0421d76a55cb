"""`spark.read.format("run_results")`, for those who work in SQL: a data source as Spark 4 knows them.

Spark offers more than stands here. `pushFilters` is left out, because a source that has it is an error as long as a
setting is off that nobody has turned on. A stream reader is left out, because it would keep its own account of which
runs are done beside Spark's; for a stream there is `fetch`.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from attrs import evolve
from pyspark.sql.datasource import DataSource, DataSourceReader, InputPartition  # pyright: ignore[reportMissingImports]
from pyspark.sql.types import StructType  # pyright: ignore[reportMissingImports]

from run_results.errors import ConfigurationError
from run_results.scale import Slice, plan
from run_results.spark.options import Request, read_options
from run_results.tables.installed import need_arrow

if TYPE_CHECKING:
    import pyarrow as pa


class RunResultsSource(DataSource):  # type: ignore[misc]
    """The data source `run_results`. Its options are those of `run_results.spark.options`."""

    def __init__(self, options: dict[str, str]) -> None:
        super().__init__(options)
        need_arrow()
        # Here, not when it is read: a token in the options is refused before there is a plan that shows it.
        self._request = read_options(options)
        self._has_reader = False

    def __getstate__(self) -> dict[str, Any]:
        """Spark sends it to the process that asks for a reader, and from there with the reader to each task.

        A copy for a task has no ids. Should anybody plan with one, that is an error, and not a table without rows.
        """
        if not self._has_reader:
            return self.__dict__
        return {**self.__dict__, "options": {}, "_request": _bare(self._request)}

    @classmethod
    def name(cls) -> str:
        """The name of the format."""
        return "run_results"

    def schema(self) -> StructType:
        """The columns."""
        from run_results.spark.rows import schema_of
        from run_results.spark.types import spark_schema

        return spark_schema(schema_of(self._request.source, self._request.table, self._request.columns))

    def reader(self, schema: StructType) -> DataSourceReader:
        """What reads it. Raises `ConfigurationError` where another schema was asked for."""
        own = self.schema()
        if [(each.name, each.dataType) for each in schema] != [(each.name, each.dataType) for each in own]:
            raise ConfigurationError(
                "run_results has a schema of its own; leave .schema(...) out, and choose with the option columns"
            )
        self._has_reader = True
        return _Reader(self._request)


def _bare(request: Request) -> Request:
    """The request without the ids of all runs: a task has those of its own, and each would take in all the others."""
    return evolve(request, ids=())


class _Task(InputPartition):  # type: ignore[misc]
    """The work of one task."""

    def __init__(self, slices: list[Slice], tasks: int) -> None:
        super().__init__(len(slices))
        self.slices = slices
        self.tasks = tasks


class _Reader(DataSourceReader):  # type: ignore[misc]
    """Plans in the driver, and reads in the tasks."""

    def __init__(self, request: Request) -> None:
        self._request = request

    def __getstate__(self) -> dict[str, Any]:
        """What each task gets of it."""
        return {"_request": _bare(self._request)}

    def partitions(self) -> list[InputPartition]:
        """The tasks. Asks for one run, so that a bad token is found before any of them starts."""
        request = self._request
        planned = plan(request.source, request.ids, tasks=request.tasks, window=request.window)
        return [_Task(slices, len(planned)) for slices in planned]

    def read(self, partition: InputPartition) -> "Iterator[pa.RecordBatch]":
        """The rows of one task."""
        from run_results.spark.rows import batches

        assert isinstance(partition, _Task)  # noqa: S101 - Spark gives back what `partitions` made
        request = self._request
        # Nobody here knows how many tasks run at the same time: at most all of them.
        return batches(request.source.shared(partition.tasks), partition.slices, request.table, request.columns)
