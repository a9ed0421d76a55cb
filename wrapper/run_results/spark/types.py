"""Our Arrow types as Spark has them. pyspark's own conversion is not public, and differs between its versions."""

from typing import Final

import pyarrow as pa
from pyspark.sql import types as spark  # pyright: ignore[reportMissingImports]

from run_results.tables.schema import COLUMNS

_PLAIN: Final = {
    pa.bool_(): spark.BooleanType(),
    pa.date32(): spark.DateType(),
    pa.decimal128(38, 9): spark.DecimalType(38, 9),
    pa.float64(): spark.DoubleType(),
    pa.int32(): spark.IntegerType(),
    pa.int64(): spark.LongType(),
    pa.string(): spark.StringType(),
    pa.timestamp("us", "UTC"): spark.TimestampType(),
}
_ABOUT: Final = {column.name: column.description for columns in COLUMNS.values() for column in columns}


def spark_schema(schema: pa.Schema) -> spark.StructType:
    """The schema of a DataFrame whose batches have this one. What a column means is its comment.

    >>> spark_schema(pa.schema([("run_id", pa.string())])).simpleString()
    'struct<run_id:string>'
    """
    return spark.StructType(
        [
            spark.StructField(
                each.name,
                _spark_type(each.type),
                metadata={"comment": _ABOUT[each.name]} if each.name in _ABOUT else None,
            )
            for each in schema
        ]
    )


def _spark_type(type: pa.DataType) -> spark.DataType:
    if pa.types.is_list(type):
        return spark.ArrayType(_spark_type(type.value_type))
    if pa.types.is_struct(type):
        return spark_schema(pa.schema(list(type)))
    return _PLAIN[type]
