"""The embedded engine: bounded memory, sessions apart, refusals in readable words."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pyarrow
import pytest

from etl_framework.engines.duckdb.session import Database
from etl_framework.errors import PlanError
from etl_framework.sql.planner import describe
from etl_framework.storage.parquet import see, write

SCHEMA = {"orders": {"customer": "VARCHAR", "amount": "DECIMAL(10,2)", "moment": "TIMESTAMP"}}


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Database]:
    """An engine of 64 MB and one thread, in Vienna."""
    made = Database("64MB", 1, tmp_path / "spill", "Europe/Vienna", [tmp_path / "open"])
    (tmp_path / "open").mkdir()
    yield made
    made.close()


def test_describe_gives_names_and_types_without_data() -> None:
    query = "SELECT customer, SUM(amount) AS total, COUNT(*) AS n FROM orders GROUP BY customer"

    assert describe(query, SCHEMA) == [
        ("customer", "VARCHAR"), ("total", "DECIMAL(38,2)"), ("n", "BIGINT"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("query", "said"),
    [
        pytest.param("SELECT amont FROM orders", "amont", id="a column that is not there"),
        pytest.param("SELECT 1 FROM nowhere", "nowhere", id="a table that is not there"),
        pytest.param("SELECT amount + moment FROM orders", "+", id="types that do not add"),
        pytest.param("SELECT FROM WHERE", "syntax error", id="no SQL"),
        pytest.param("SELECT * FROM read_csv('/etc/passwd')", "/etc/passwd", id="a file"),
    ],
)
def test_describe_refuses_in_one_readable_line(query: str, said: str) -> None:
    with pytest.raises(PlanError) as raised:
        describe(query, SCHEMA)

    text = raised.value.diagnostics[0].message
    assert said in text
    assert "\n" not in text and "Error: " not in text and "LINE 1" not in text


def test_describe_leaves_no_table_behind() -> None:
    describe("SELECT 1 AS one FROM orders", SCHEMA)

    with pytest.raises(PlanError, match="orders"):
        describe("SELECT 1 AS one FROM orders", {})


def test_memory_threads_and_time_zone_are_set_in_every_session(engine: Database) -> None:
    for session in (engine.session(), engine.session()):
        row = session.execute(
            "SELECT current_setting('memory_limit'), current_setting('threads'), "
            "current_setting('TimeZone')"
        ).fetchone()
        assert row == ("61.0 MiB", 1, "Europe/Vienna")


@pytest.mark.slow
def test_what_does_not_fit_into_memory_goes_to_the_spill_folder(
    engine: Database, tmp_path: Path
) -> None:
    sql = "SELECT md5(i::varchar) AS h, i FROM range(1000000) t(i) ORDER BY h"

    assert write(engine.session(), sql, tmp_path / "open") == 1_000_000


def test_sessions_do_not_see_each_others_views(engine: Database, tmp_path: Path) -> None:
    one, other = engine.session(), engine.session()
    write(one, "SELECT 1 AS k", tmp_path / "open")
    see(one, "orders", [str(tmp_path / "open" / "0.parquet")])

    assert one.execute("SELECT k FROM orders").fetchall() == [(1,)]
    with pytest.raises(duckdb.CatalogException):
        other.execute("SELECT k FROM orders")


@pytest.mark.parametrize("name", ["a'b.parquet", "a b.parquet", "a[1].parquet"])
def test_a_relation_may_lie_under_any_name(engine: Database, tmp_path: Path, name: str) -> None:
    session = engine.session()
    write(session, "SELECT 1 AS k", tmp_path / "open")
    (tmp_path / "open" / "0.parquet").rename(tmp_path / "open" / name)
    write(session, "SELECT 2 AS k", tmp_path / "open")
    (tmp_path / "open" / "0.parquet").rename(tmp_path / "open" / "a1.parquet")

    see(session, "orders", [str(tmp_path / "open" / name)])

    assert session.execute("SELECT k FROM orders").fetchall() == [(1,)]


def test_the_engine_reads_no_python_variable(engine: Database) -> None:
    orders = pyarrow.table({"k": [1]})

    assert orders.num_rows == 1
    with pytest.raises(duckdb.CatalogException):
        engine.session().execute("SELECT * FROM orders")


@pytest.mark.parametrize(
    "query",
    [
        "SELECT * FROM read_text('{outside}/secret.csv')",
        "SELECT * FROM '{outside}/secret.csv'",
        "SELECT * FROM read_csv('{open}/../secret.csv')",
        "SELECT * FROM glob('{outside}/*')",
        "COPY (SELECT 1) TO '{outside}/made.csv'",
        "ATTACH '{outside}/made.duckdb'",
        "SELECT getenv('HOME')",
        "INSTALL httpfs",
        "SET enable_external_access = true",
    ],
)
def test_sql_reaches_no_file_beyond_the_folders_of_the_run(
    engine: Database, tmp_path: Path, query: str
) -> None:
    (tmp_path / "open" / "a.csv").write_text("a\n1\n")
    (tmp_path / "secret.csv").write_text("a\nsecret\n")
    filled = query.format(outside=tmp_path, open=tmp_path / "open")
    session = engine.session()

    assert session.execute(f"FROM read_csv('{tmp_path}/open/a.csv')").fetchall() == [(1,)]
    with pytest.raises(duckdb.Error) as raised:
        session.execute(filled).fetchall()
    assert "secret\n" not in str(raised.value)
    assert not (tmp_path / "made.csv").exists()
