"""UNLOAD: write a query's rows to objects of S3."""

from __future__ import annotations

import io
import json

from etl_framework.devstack.copy_options import Transfer
from etl_framework.devstack.objects import Objects
from etl_framework.devstack.session import Session
from etl_framework.devstack.translate import translated
from etl_framework.devstack.wire import WireError


def run_unload(transfer: Transfer, session: Session, objects: Objects) -> str:
    """Write the rows to one object; write no object if there are no rows.

    :returns: the command tag, `UNLOAD`.
    :raises WireError: Redshift would fail, too.
    """
    if "ALLOWOVERWRITE" not in transfer.options and objects.listed(transfer.url):
        raise WireError("Specified unload destination on S3 is not empty. Consider ALLOWOVERWRITE.")
    query = translated(transfer.subject.rstrip("; \n"), session)
    parts: list[bytes] = []
    header = ", HEADER" if "HEADER" in transfer.options or transfer.format == "PARQUET" else ""
    delimiter = transfer.options.get("DELIMITER", "," if transfer.format == "CSV" else "|")
    if transfer.format == "PARQUET":
        delimiter = ","
    quoted = f", DELIMITER '{delimiter}'"
    # COPY (SELECT ...) TO STDOUT (FORMAT csv, HEADER, DELIMITER ',')
    session.ask(f"COPY ({query}) TO STDOUT (FORMAT csv{header}{quoted})", sink=parts)
    body, ending = b"".join(parts), ""
    rows = len(parts) - bool(header)
    if transfer.format == "PARQUET":
        body, ending = _parquet(body, query, session), ".parquet"
    url = f"{transfer.url}0000_part_00{ending}"
    if rows > 0:
        objects.put(url, body)
    if "MANIFEST" in transfer.options:
        entries = [{"url": url, "meta": {"content_length": len(body)}}] if rows > 0 else []
        objects.put(f"{transfer.url}manifest", json.dumps({"entries": entries}).encode())
    session.notice(f"UNLOAD completed, {max(rows, 0)} record(s) unloaded successfully.")
    return "UNLOAD"


def _parquet(body: bytes, query: str, session: Session) -> bytes:
    """Return the rows as a Parquet file, with the column types of the query."""
    import pyarrow as pa
    import pyarrow.csv as csv
    import pyarrow.parquet as parquet

    session.ask(f"CREATE TEMP VIEW etl_unloaded AS {query}")
    columns = session.ask(
        "SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute "
        "WHERE attrelid = to_regclass('etl_unloaded') AND attnum > 0 ORDER BY attnum"
    )
    session.ask("DROP VIEW etl_unloaded")
    simple: dict[str, pa.DataType] = {
        "smallint": pa.int16(),
        "integer": pa.int32(),
        "bigint": pa.int64(),
        "real": pa.float32(),
        "double precision": pa.float64(),
        "boolean": pa.bool_(),
        "date": pa.date32(),
        "timestamp without time zone": pa.timestamp("us"),
        "timestamp with time zone": pa.timestamp("us", "UTC"),
    }
    types: dict[str, pa.DataType] = {}
    for name, type_ in columns:
        kind = str(type_)
        if kind.startswith("numeric("):
            precision, scale = kind[8:-1].split(",")
            types[str(name)] = pa.decimal128(int(precision), int(scale))
        else:
            types[str(name)] = simple.get(kind, pa.string())
    options = csv.ConvertOptions(
        column_types=types,
        strings_can_be_null=True,
        quoted_strings_can_be_null=False,
        true_values=["t"],
        false_values=["f"],
        null_values=[""],
    )
    table = csv.read_csv(
        io.BytesIO(body),
        parse_options=csv.ParseOptions(newlines_in_values=True),
        convert_options=options,
    )
    out = io.BytesIO()
    parquet.write_table(table, out)
    return out.getvalue()
