"""The same table through other programs. Each reader returns a list of rows, a row being a dict of its columns.

Times come as aware datetimes, lists as lists, absent values as None, vectors as the bytes of their floats.
"""

import datetime
import functools
import glob
import importlib.util
import os

import numpy as np
import pytest


def require(module):
    """Skip by name when a package is not installed."""
    return pytest.importorskip(module, reason=f"the Python package `{module}` is not installed")


def utc(value):
    if value is None or value != value:  # NaT is not equal to itself.
        return None
    if hasattr(value, "to_pydatetime"):
        value = value.to_pydatetime()
    return value.replace(tzinfo=datetime.timezone.utc) if value.tzinfo is None else value.astimezone(datetime.timezone.utc)


def plain(value):
    """One cell in the form that all readers share."""
    if isinstance(value, datetime.datetime) or type(value).__name__ in ("Timestamp", "NaTType"):
        return utc(value)
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, np.generic):
        return value.item()
    return value


def row_of(columns):
    row = {name: plain(value) for name, value in columns.items()}
    row["_vector"] = np.asarray(columns["_vector"], dtype=np.float32).tobytes()
    return row


def rows_of(table):
    """Rows of an Arrow table."""
    names = table.column_names
    columns = [table.column(name).to_pylist() for name in names]
    return [row_of(dict(zip(names, cells))) for cells in zip(*columns)]


def with_deltalake(folder):
    deltalake = require("deltalake")
    return rows_of(deltalake.DeltaTable(str(folder)).to_pyarrow_table())


def with_deltalake_sql(folder):
    deltalake = require("deltalake")
    pyarrow = require("pyarrow")
    table = deltalake.DeltaTable(str(folder))
    return rows_of(pyarrow.table(deltalake.QueryBuilder().register("t", table).execute("SELECT * FROM t").read_all()))


def with_pandas(folder):
    deltalake = require("deltalake")
    pandas = require("pandas")
    frame = deltalake.DeltaTable(str(folder)).to_pandas(types_mapper=pandas.ArrowDtype)
    return [row_of({name: None if cell is pandas.NA else cell for name, cell in row.items()}) for row in frame.to_dict("records")]


def with_polars(folder):
    polars = require("polars")
    return [row_of(row) for row in polars.scan_delta(str(folder)).collect().to_dicts()]


@functools.cache
def duckdb_with_delta():
    """One for all reads: loading the extension takes longer than most of them."""
    duckdb = require("duckdb")
    require("duckdb_extension_delta")
    package = importlib.util.find_spec("duckdb_extension_delta").submodule_search_locations[0]
    (extension,) = glob.glob(os.path.join(package, "extensions", "*", "delta.duckdb_extension"))
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute(f"LOAD '{extension}'")
    return connection


def with_duckdb_delta_scan(folder):
    return rows_of(duckdb_with_delta().execute("SELECT * FROM delta_scan(?)", [str(folder)]).to_arrow_table())


def with_duckdb_files(folder):
    """DuckDB on the files that the Delta log lists, as one does without its Delta extension."""
    duckdb = require("duckdb")
    deltalake = require("deltalake")
    files = deltalake.DeltaTable(str(folder)).file_uris()
    if not files:
        return []
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    return rows_of(connection.execute("SELECT * FROM read_parquet(?, union_by_name = true)", [files]).to_arrow_table())


READERS = {
    "deltalake": with_deltalake,
    "deltalake-sql": with_deltalake_sql,
    "pandas": with_pandas,
    "polars": with_polars,
    "duckdb-delta-scan": with_duckdb_delta_scan,
    "duckdb-files": with_duckdb_files,
}
