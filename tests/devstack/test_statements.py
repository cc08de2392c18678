"""What the stand-in takes and refuses as Redshift does, from clients that are not ours."""

from __future__ import annotations

from typing import Any

import psycopg
import psycopg2
import pytest
import redshift_connector

from etl_framework.devstack.stack import Stack
from tests.devstack.conftest import Client, settings

REFUSED: list[Any] = [
    pytest.param("CREATE INDEX i ON t (n)", "CREATE INDEX", id="an index"),
    pytest.param("SAVEPOINT s", "SAVEPOINT", id="a savepoint"),
    pytest.param("INSERT INTO t VALUES (1) ON CONFLICT DO NOTHING", "ON", id="ON CONFLICT"),
    pytest.param("INSERT INTO t VALUES (1) RETURNING n", "RETURNING", id="RETURNING"),
    pytest.param("CREATE TABLE u (n varchar(65536))", "65535", id="too long a varchar"),
    pytest.param("CREATE TABLE u (n char(4097))", "4096", id="too long a char"),
    pytest.param("CREATE TABLE u (n decimal(39,2))", "38", id="too many digits"),
    pytest.param("CREATE TABLE u (n integer) DISTKEY(m)", "m", id="DISTKEY of no column"),
    pytest.param("CREATE TABLE u (n integer) SORTKEY(m)", "m", id="SORTKEY of no column"),
    pytest.param("CREATE TABLE u (n uuid)", "uuid", id="a type that it has not"),
    pytest.param("CREATE TABLE u (n integer[])", r"\[", id="an array"),
    pytest.param("SELECT * FROM nowhere", "nowhere", id="no such table"),
    pytest.param("DROP TABLE nowhere", "nowhere", id="no table to drop"),
    *(
        pytest.param(f"SELECT {what} FROM t", f"stand-in of Redshift has no {word}", id=word)
        for what, word in [
            ("SOUNDEX('a')", "SOUNDEX"),
            ("FNV_HASH(n)", "FNV_HASH"),
            ("* EXCLUDE (n)", "EXCLUDE"),
            ("CAST(n AS NVARCHAR(3))", "NVARCHAR"),
        ]
    ),
]


@pytest.mark.parametrize(("sql", "says"), REFUSED)
def test_refusals(client: Client, sql: str, says: str) -> None:
    client.run("CREATE TABLE t (n integer)")
    with pytest.raises(psycopg2.Error, match=says):
        client.run(sql)
    assert client.run("SELECT 1") == [(1,)], "the connection goes on"


def test_attributes_of_a_table(client: Client) -> None:
    client.run(
        "CREATE TABLE t (n integer NOT NULL ENCODE az64 DISTKEY, s varchar(10) ENCODE zstd, "
        "at timestamp SORTKEY, i bigint IDENTITY(1,1), PRIMARY KEY (n)) BACKUP NO"
    )
    client.run("CREATE TABLE u (n integer, s varchar(max)) DISTSTYLE ALL COMPOUND SORTKEY (n, s)")
    client.run("INSERT INTO t (n, s) VALUES (1, 'a'), (1, 'a')")

    assert client.run("SELECT n, i FROM t ORDER BY i") == [(1, 1), (1, 2)], "keys are not enforced"
    found = client.run(
        "SELECT \"column\", type, distkey, sortkey FROM pg_table_def WHERE tablename = 't'"
    )
    assert found[0] == ("n", "integer", True, 0)
    assert found[2][0::3] == ("at", 1)


@pytest.mark.parametrize("now", ["getdate()", "GETDATE ( )", "sysdate", "current_timestamp"])
def test_a_default_may_be_the_time(client: Client, now: str) -> None:
    client.run(f"CREATE TABLE t (n integer, at timestamp DEFAULT {now} NOT NULL)")
    client.run("INSERT INTO t (n) VALUES (1)")

    assert client.run("SELECT n, at > '2024-01-01' FROM t") == [(1, True)]


def test_truncate_ends_the_transaction(client: Client) -> None:
    client.run("CREATE TABLE t (n integer)")
    client.run("CREATE TABLE u (n integer)")
    client.run("INSERT INTO t VALUES (1)")
    client.run("BEGIN")
    client.run("INSERT INTO u VALUES (1)")
    client.run("TRUNCATE t")
    client.run("ROLLBACK")

    counts = client.run("SELECT (SELECT COUNT(*) FROM t), (SELECT COUNT(*) FROM u)")
    assert counts == [(0, 1)], "what was before it stays, rolled back or not"


def test_merge(client: Client) -> None:
    client.run("CREATE TABLE t (n integer, s varchar(9))")
    client.run("CREATE TABLE u (n integer, s varchar(9))")
    client.run("INSERT INTO t VALUES (1, 'old'), (2, 'kept')")
    client.run("INSERT INTO u VALUES (1, 'new'), (3, 'added')")
    client.run(
        "MERGE INTO t USING u ON t.n = u.n WHEN MATCHED THEN UPDATE SET s = u.s "
        "WHEN NOT MATCHED THEN INSERT (n, s) VALUES (u.n, u.s)"
    )

    assert client.run("SELECT * FROM t ORDER BY n") == [(1, "new"), (2, "kept"), (3, "added")]


def test_an_error_fails_the_transaction(client: Client) -> None:
    client.run("CREATE TABLE t (n integer)")
    client.run("BEGIN")
    client.run("INSERT INTO t VALUES (1)")
    with pytest.raises(psycopg2.Error, match="CREATE INDEX"):
        client.run("CREATE INDEX i ON t (n)")
    with pytest.raises(psycopg2.Error, match="aborted"):
        client.run("SELECT 1")
    client.run("ROLLBACK")

    assert client.run("SELECT COUNT(*) FROM t") == [(0,)]


def test_psycopg_3(stack: Stack) -> None:
    """Its statements come by the extended protocol, prepared after the fifth time."""
    with psycopg.connect(**settings(stack)) as connection:
        connection.execute("CREATE TEMP TABLE t (n integer, s varchar(9))")
        for number in range(10):
            connection.execute("INSERT INTO t VALUES (%s, %s)", (number, f"it's {number}"))
        found = connection.execute("SELECT s, NVL(NULL, n) FROM t WHERE n > %s ORDER BY n", (7,))
        assert found.fetchall() == [("it's 8", 8), ("it's 9", 9)]
        with pytest.raises(psycopg.Error, match="nowhere"):
            connection.execute("SELECT * FROM nowhere")
        connection.rollback()
        connection.execute("CREATE TABLE kept (n integer)")
        connection.execute("TRUNCATE kept")
        connection.rollback()
        assert connection.execute("SELECT COUNT(*) FROM kept").fetchall() == [(0,)]


def test_redshift_connector(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", stack.variables["ETL_DEV_AUTHORITY"])
    found = settings(stack)
    with redshift_connector.connect(
        host=found["host"], port=int(found["port"]), database=found["dbname"], user=found["user"],
        password=found["password"], sslmode="verify-full", timeout=None,
    ) as connection:  # fmt: skip
        cursor = connection.cursor()
        cursor.execute("CREATE TEMP TABLE t (n integer, v decimal(9,2), s varchar(9))")
        cursor.executemany(
            "INSERT INTO t VALUES (%s, %s, %s)", [[1, "1.25", "a"], [2, None, "it's"]]
        )
        cursor.execute("SELECT COUNT(*), SUM(v), MAX(s) FROM t")
        assert [str(value) for value in cursor.fetchone()] == ["2", "1.25", "it's"]


@pytest.mark.parametrize("change", [{"user": "nobody"}, {"password": "wrong"}])
def test_who_is_not_known_does_not_get_in(stack: Stack, change: dict[str, str]) -> None:
    with pytest.raises(psycopg2.OperationalError, match="password authentication failed"):
        psycopg2.connect(**{**settings(stack), **change})
