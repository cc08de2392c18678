"""COPY, its options and its refusals, and UNLOAD, as Redshift's documentation has them."""

from __future__ import annotations

import bz2
import gzip
import json
from datetime import date
from typing import Any

import psycopg2
import pyarrow as pa
import pyarrow.parquet as parquet
import pytest

from etl_framework.devstack.stack import BUCKET, ROLE
from tests.devstack.conftest import Client

CSV_COPIES: list[Any] = [
    pytest.param("CSV", b'1,"a,b"\n2,""\n', [(1, "a,b"), (2, "")], id="quotes"),
    pytest.param("FORMAT AS CSV", b"1,a\n2,b", [(1, "a"), (2, "b")], id="FORMAT AS"),
    pytest.param("CSV IGNOREHEADER 1", b"n,s\n1,a\n", [(1, "a")], id="IGNOREHEADER"),
    pytest.param("CSV IGNOREHEADER AS 2", b"x,\nn,s\n1,a\n", [(1, "a")], id="IGNOREHEADER AS 2"),
    pytest.param("CSV DELIMITER ';'", b"1;a\n", [(1, "a")], id="DELIMITER"),
    pytest.param("CSV QUOTE AS '%'", b"1,%a,%%%\n", [(1, "a,%")], id="QUOTE"),
    pytest.param("CSV NULL AS 'nil'", b"1,nil\n", [(1, None)], id="NULL AS"),
    pytest.param("CSV EMPTYASNULL", b'1,\n2,""\n', [(1, None), (2, None)], id="EMPTYASNULL"),
    pytest.param("CSV GZIP", gzip.compress(b"1,a\n"), [(1, "a")], id="GZIP"),
    pytest.param("CSV BZIP2", bz2.compress(b"1,a\n"), [(1, "a")], id="BZIP2"),
    pytest.param("CSV TRUNCATECOLUMNS", "1,äöüß€x\n".encode(), [(1, "äöüß")],
                 id="TRUNCATECOLUMNS cuts bytes, not letters in two"),
    pytest.param("CSV ACCEPTINVCHARS AS '?'", b"1,a\xff\n", [(1, "a?")], id="ACCEPTINVCHARS"),
    pytest.param("CSV FILLRECORD", b"1\n", [(1, "")], id="FILLRECORD"),
    pytest.param("CSV MAXERROR 1", b"1,a\nx,b\n", [(1, "a")], id="MAXERROR"),
    pytest.param("CSV COMPUPDATE OFF STATUPDATE OFF", b"1,a\n", [(1, "a")], id="statistics off"),
    pytest.param("CSV REGION 'eu-west-1'", b"1,a\n", [(1, "a")], id="REGION"),
    pytest.param("", b"1|a,b\n", [(1, "a,b")], id="text with bars"),
    pytest.param("DELIMITER '\\t'", b"1\ta\n", [(1, "a")], id="text with tabs"),
]  # fmt: skip


@pytest.mark.parametrize(("options", "data", "rows"), CSV_COPIES)
def test_options(client: Client, options: str, data: bytes, rows: list[Any]) -> None:
    client.run("CREATE TABLE t (n integer, s varchar(9))")
    client.put("in/1.csv", data)

    client.copy("t", "in/", options)

    assert client.run("SELECT n, s FROM t ORDER BY n") == rows


def test_columns_may_be_listed(client: Client) -> None:
    client.run("CREATE TABLE t (n integer, s varchar(9), d date)")
    client.put("in/1.csv", "2024-06-25,7\n")
    client.copy("t (d, n)", "in/1.csv")

    assert client.run("SELECT * FROM t") == [(7, None, date(2024, 6, 25))]


def test_decimals_are_cut_and_not_rounded(client: Client) -> None:
    """ "COPY ... truncates", unless ROUNDEC is given."""
    client.run("CREATE TABLE t (v decimal(5,2))")
    client.put("in/1.csv", "1.239\n-1.239\n")
    client.copy("t", "in/")
    client.copy("t", "in/", "CSV ROUNDEC")

    assert [str(v) for (v,) in client.run("SELECT v FROM t ORDER BY v")] == [
        "-1.24", "-1.23", "1.23", "1.24",
    ]  # fmt: skip


REJECTED: list[Any] = [
    pytest.param("smallint", "70000", 1216, "Overflow", id="too large"),
    pytest.param("integer", "1.5", 1207, "Invalid digit", id="a fraction"),
    pytest.param("date", "25.06.2024", 1206, "Invalid timestamp", id="another format"),
    pytest.param("boolean", "perhaps", 1210, "Unknown boolean", id="no boolean"),
    pytest.param("varchar(2)", "äö", 1204, "exceeds DDL length", id="too many bytes"),
    pytest.param("decimal(4,2)", "123", 1216, "Overflow", id="too many digits"),
    pytest.param("integer", "1,2", 1202, "Extra column", id="too many values"),
]


@pytest.mark.parametrize(("kind", "value", "code", "reason"), REJECTED)
def test_what_is_rejected_is_in_the_error_tables(
    client: Client, kind: str, value: str, code: int, reason: str
) -> None:
    client.run(f"CREATE TABLE t (v {kind})")
    client.put("in/bad.csv", f"{value}\n")

    with pytest.raises(psycopg2.Error, match="sys_load_error_detail"):
        client.copy("t", "in/")

    found = client.run(
        "SELECT TRIM(filename), line_number, raw_line, err_code, err_reason FROM stl_load_errors"
    )
    assert [row[:4] for row in found] == [(f"s3://{BUCKET}/in/bad.csv", 1, value, code)]
    assert reason in found[0][4]
    assert client.run("SELECT COUNT(*) FROM sys_load_error_detail") == [(1,)]
    assert client.run("SELECT COUNT(*) FROM t") == [(0,)]


REFUSED: list[Any] = [
    pytest.param("IAM_ROLE 'arn:aws:iam::1:role/other' CSV", "not associated", id="another role"),
    pytest.param("CSV", "Credentials", id="no role"),
    pytest.param(f"IAM_ROLE '{ROLE}' CSV MAXERROR 100001", "MAXERROR", id="too many errors"),
    pytest.param(f"IAM_ROLE '{ROLE}' CSV FASTER", "syntax error", id="an unknown option"),
    pytest.param(f"IAM_ROLE '{ROLE}' PARQUET GZIP", "not supported for PARQUET", id="both"),
    pytest.param(f"IAM_ROLE '{ROLE}' FORMAT ORC", "not imitated", id="a format not imitated"),
]


@pytest.mark.parametrize(("options", "says"), REFUSED)
def test_refusals(client: Client, options: str, says: str) -> None:
    client.run("CREATE TABLE t (n integer)")
    client.put("in/1.csv", "1\n")

    with pytest.raises(psycopg2.Error, match=says):
        client.run(f"COPY t FROM 's3://{BUCKET}/in/' {options}")


def test_what_is_not_there(client: Client) -> None:
    client.run("CREATE TABLE t (n integer)")
    with pytest.raises(psycopg2.Error, match="does not exist"):
        client.copy("t", "nothing/")
    with pytest.raises(psycopg2.Error, match="nonexistent table nowhere"):
        client.copy("nowhere", "nothing/")


def parquet_of(table: pa.Table) -> bytes:
    out = pa.BufferOutputStream()
    parquet.write_table(table, out)
    return bytes(out.getvalue())


def manifest(client: Client, key: str, *lengths: int | None, mandatory: bool = True) -> None:
    """A manifest over `in/0.parquet` and so on."""
    entries = [
        {"url": f"s3://{BUCKET}/in/{number}.parquet", "mandatory": mandatory}
        | ({"meta": {"content_length": length}} if length is not None else {})
        for number, length in enumerate(lengths)
    ]
    client.put(key, json.dumps({"entries": entries}))


def test_parquet_by_manifest(client: Client) -> None:
    client.run("CREATE TABLE t (n integer, s varchar(9))")
    data = parquet_of(pa.table({"x": pa.array([1, None], pa.int32()), "y": ["a", None]}))
    client.put("in/0.parquet", data)
    client.put("in/not-in-the-manifest.parquet", b"garbage")
    manifest(client, "m", len(data))

    client.copy("t", "m", "FORMAT AS PARQUET MANIFEST")

    assert client.run("SELECT * FROM t ORDER BY n") == [(1, "a"), (None, None)]


@pytest.mark.parametrize(
    ("column", "length", "says"),
    [
        pytest.param(pa.array([1], pa.int64()), 0, "incompatible", id="a wider type"),
        pytest.param(pa.array([1], pa.int32()), 1, "length of", id="another length"),
        pytest.param(pa.array([1], pa.int32()), None, "content_length", id="no length"),
    ],
)
def test_parquet_that_is_refused(
    client: Client, column: pa.Array, length: int | None, says: str
) -> None:
    client.run("CREATE TABLE t (n integer)")
    data = parquet_of(pa.table({"n": column}))
    client.put("in/0.parquet", data)
    manifest(client, "m", None if length is None else len(data) + length)

    with pytest.raises(psycopg2.Error, match=says):
        client.copy("t", "m", "FORMAT PARQUET MANIFEST")
    assert client.run("SELECT COUNT(*) FROM t") == [(0,)]


def test_an_entry_that_is_not_there(client: Client) -> None:
    client.run("CREATE TABLE t (n integer)")
    manifest(client, "m", 5)
    with pytest.raises(psycopg2.Error, match=r"0\.parquet in the manifest does not exist"):
        client.copy("t", "m", "PARQUET MANIFEST")

    manifest(client, "m", 5, mandatory=False)
    client.copy("t", "m", "PARQUET MANIFEST")
    assert client.run("SELECT COUNT(*) FROM t") == [(0,)]


def unload(client: Client, query: str, options: str) -> None:
    quoted = query.replace("'", "''")
    client.run(f"UNLOAD ('{quoted}') TO 's3://{BUCKET}/out/' IAM_ROLE '{ROLE}' {options}")


def test_unload_and_back(client: Client) -> None:
    columns = "n integer, s varchar(20), v decimal(9,3), at timestamp, b boolean"
    client.run(f"CREATE TABLE t ({columns})")
    client.run(
        "INSERT INTO t VALUES (1, 'it''s | , \"q\"', 1.250, '2024-06-25 10:00:00.5', true), "
        "(2, NULL, NULL, NULL, NULL)"
    )
    for number, (options, back) in enumerate(
        [("PARQUET", "PARQUET MANIFEST"), ("CSV HEADER", "CSV IGNOREHEADER 1 EMPTYASNULL MANIFEST")]
    ):
        client.run(f"CREATE TABLE t{number} ({columns})")
        unload(client, "SELECT * FROM t", f"FORMAT {options} MANIFEST ALLOWOVERWRITE")
        client.copy(f"t{number}", "out/manifest", back)

        rows = f"SELECT * FROM t{number} ORDER BY n"
        assert client.run(rows) == client.run("SELECT * FROM t ORDER BY n"), options


def test_unload_does_not_write_over_what_is_there(client: Client) -> None:
    client.put("out/old", "x")
    with pytest.raises(psycopg2.Error, match="ALLOWOVERWRITE"):
        unload(client, "SELECT 1 AS n", "PARQUET")
