"""A table is read again exactly when its rows may have changed; connections fail clearly."""

from __future__ import annotations

import psycopg2
import pytest

from etl_framework.errors import EtlError, RetryableError
from tests.conftest import Folder
from tests.sources.postgres.test_source import execute

PIPELINE = """
name: p
schedule: "@daily"
sources:
  t:
    type: postgres
    connection: rds
    table: t
    columns:
      - {name: k, type: integer}
"""


@pytest.fixture
def table(folder: Folder, postgres: str, monkeypatch: pytest.MonkeyPatch) -> Folder:
    """A project that reads the table `t` of one row."""
    monkeypatch.setenv("TEST_RDS_URL", postgres)
    folder.write("pipelines/p.yml", PIPELINE)
    execute(postgres, "CREATE TABLE t (k integer); INSERT INTO t VALUES (1)")
    return folder


def test_a_rerun_reuses_the_rows_until_there_are_others(table: Folder, postgres: str) -> None:
    states = [table.run("p")["extract.t"].state, table.run("p")["extract.t"].state]
    execute(postgres, "INSERT INTO t VALUES (2)")
    again = table.run("p")["extract.t"]

    assert states == ["done", "reused"]
    assert (again.state, again.counts["read"]) == ("done", 2)


def test_an_uncommitted_insert_is_seen_after_its_commit(table: Folder, postgres: str) -> None:
    connection = psycopg2.connect(postgres)
    try:
        with connection.cursor() as cursor:
            cursor.execute("INSERT INTO t VALUES (2)")
            counts = [table.run("p")["extract.t"].counts["read"]]
            connection.commit()
            counts.append(table.run("p")["extract.t"].counts["read"])
    finally:
        connection.close()

    assert counts == [1, 2]


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        pytest.param(
            "postgresql://me:s3cret-pw@127.0.0.1:9/db", "RetryableError", id="nobody listens"
        ),
        pytest.param("postgresql://me:s3cret-pw@[::1/db", "ConfigError", id="a broken URL"),
        pytest.param("me:s3cret-pw", "ConfigError", id="no URL at all"),
        pytest.param("postgresql://me:s3cret-pw@host:port/db", "EtlError", id="a port of letters"),
        pytest.param("mysql://me:s3cret-pw@127.0.0.1/db", "ConfigError", id="another database"),
    ],
)
def test_a_connection_that_fails_shows_no_secret(
    table: Folder, monkeypatch: pytest.MonkeyPatch, url: str, kind: str
) -> None:
    monkeypatch.setenv("TEST_RDS_URL", url)

    with pytest.raises(EtlError) as raised:
        table.run("p")

    assert kind in {cls.__name__ for cls in type(raised.value).__mro__}
    assert "s3cret" not in str(raised.value) + repr(raised.value)
    assert raised.value.__cause__ is None or "s3cret" not in str(raised.value.__cause__)


def test_a_database_that_is_not_there_yet_may_be_tried_again(
    table: Folder, monkeypatch: pytest.MonkeyPatch, postgres: str
) -> None:
    monkeypatch.setenv("TEST_RDS_URL", postgres.replace("/test_", "/nodb_"))

    with pytest.raises(RetryableError, match="does not exist"):
        table.run("p")


def test_a_variable_that_is_not_set_is_named(
    table: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TEST_RDS_URL")

    with pytest.raises(EtlError, match=r"env\.TEST_RDS_URL"):
        table.run("p")
