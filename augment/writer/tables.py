"""The three tables of a data set, as Parquet and as CSV."""

import csv
from collections.abc import Mapping, Sequence
from io import BytesIO, StringIO
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

Rows = Sequence[Mapping[str, Any]]
COMPRESSION = "zstd"

SCHEMAS: dict[str, pa.Schema] = {
    "samples": pa.schema(
        [
            ("sample", pa.int64()),
            ("subject", pa.string()),
            ("source", pa.string()),
            ("age_years", pa.float64()),
            ("sex", pa.string()),
            ("african", pa.float64()),
            ("asian", pa.float64()),
            ("caucasian", pa.float64()),
            ("seed", pa.int64()),
            ("pathologies", pa.string()),
            ("head_class", pa.string()),
            ("time", pa.float64()),
            ("time_unit", pa.string()),
        ]
    ),
    "files": pa.schema(
        [
            ("sample", pa.int64()),
            ("twin", pa.string()),
            ("view", pa.int64()),
            ("kind", pa.string()),
            ("path", pa.string()),
            ("bytes", pa.int64()),
            ("sha256", pa.string()),
        ]
    ),
    "severities": pa.schema(
        [
            ("sample", pa.int64()),
            ("pathology", pa.string()),
            ("side", pa.string()),
            ("parameter", pa.string()),
            ("unit", pa.string()),
            ("requested", pa.float64()),
            ("measured", pa.float64()),
            ("difference", pa.float64()),
            ("healthy", pa.float64()),
            ("grade", pa.string()),
            ("basis", pa.string()),
        ]
    ),
}


def table_files(tables: Mapping[str, Rows]) -> dict[str, bytes]:
    """Return the files of all tables.

    Args:
        tables: Table name (a key of `SCHEMAS`) to its rows; a column that a row lacks is null.

    Returns:
        File name to content: `NAME.parquet` and `NAME.csv` for each table.
    """
    contents = {}
    for name, schema in SCHEMAS.items():
        rows = tables.get(name, ())
        contents[f"{name}.parquet"] = _parquet(rows, schema)
        contents[f"{name}.csv"] = _csv(rows, schema.names)
    return contents


def columns_of(rows: Rows, schema: pa.Schema) -> dict[str, list[Any]]:
    """Return rows as columns; a column that a row lacks is null."""
    return {field.name: [row.get(field.name) for row in rows] for field in schema}


def _parquet(rows: Rows, schema: pa.Schema) -> bytes:
    sink = BytesIO()
    table = pa.table(columns_of(rows, schema), schema=schema)
    pq.write_table(table, sink, compression=COMPRESSION)
    return sink.getvalue()


def _csv(rows: Rows, columns: list[str]) -> bytes:
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([row.get(column) for column in columns] for row in rows)
    return text.getvalue().encode()
