"""Values go from a real PostgreSQL through Parquet into each target, and none changes."""

from __future__ import annotations

from typing import Any

import psycopg2
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from psycopg2.extras import execute_values

from etl_framework.errors import StepError
from tests.conftest import Folder
from tests.exact.values import KINDS, TEXT_ONLY, comparable, rows
from tests.thorough import amount

pytestmark = pytest.mark.slow
COLUMNS = {"k": ("integer", "integer"), **{n: k[:2] for n, k in {**KINDS, **TEXT_ONLY}.items()}}
DECLARED = "".join(
    f'      - {{name: {name}, type: "{type_}"}}\n' for name, (_, type_) in COLUMNS.items()
)
KPI = """
  {name}:
    sql: all.sql
    target: {{connection: {connection}, table: copy_of_t}}
    columns:
{columns}"""
SLOW = settings(
    max_examples=amount(15, 300),
    deadline=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest.fixture
def copied(folder: Folder, postgres: str, monkeypatch: pytest.MonkeyPatch) -> Folder:
    """A pipeline that reads `t` and writes it to a DuckDB and to a PostgreSQL target."""
    monkeypatch.setenv("TEST_RDS_URL", postgres)
    made = ", ".join(f"{name} {type_}" for name, (type_, _) in COLUMNS.items())
    do(postgres, f"CREATE TABLE t ({made})")
    kpis = [
        KPI.format(name=f"to_{connection}", connection=connection, columns=DECLARED)
        for connection in ("warehouse", "rds")
    ]
    (folder.root / "pipelines/p.yml").write_text(
        "name: p\nsources:\n  t:\n    type: postgres\n    connection: rds\n    table: t\n"
        f"    columns:\n{DECLARED}kpis:{''.join(kpis)}"
    )
    folder.write("sql_templates/all.sql", f"SELECT {', '.join(COLUMNS)} FROM t")
    return folder


def do(url: str, sql: str, values: list[tuple[Any, ...]] | None = None) -> list[tuple[Any, ...]]:
    connection = psycopg2.connect(url)
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute("SET TimeZone = 'UTC'")
            if values is None:
                cursor.execute(sql)
            else:
                execute_values(cursor, sql, values)
            return cursor.fetchall() if cursor.description else []
    finally:
        connection.close()


def test_no_value_changes(copied: Folder, postgres: str) -> None:
    # As psycopg2 shows them exactly: a real's shortest text is another double.
    shown = {"c_json": "c_json::text", "c_real": "c_real::double precision"}
    listed = ", ".join(shown.get(name, name) for name in COLUMNS)

    @SLOW
    @given(rows({**KINDS, **TEXT_ONLY}))
    def check(given_rows: list[tuple[Any, ...]]) -> None:
        numbered = [(number, *row) for number, row in enumerate(given_rows)]
        do(postgres, "TRUNCATE t")
        do(postgres, "INSERT INTO t VALUES %s", numbered)

        copied.run("p")

        there = do(postgres, f"SELECT {listed} FROM t ORDER BY k")
        same(do(postgres, f"SELECT {listed} FROM copy_of_t ORDER BY k"), there)
        same(copied.query(f"SELECT {', '.join(COLUMNS)} FROM copy_of_t ORDER BY k"), there)

    check()


def same(found: list[tuple[Any, ...]], wanted: list[tuple[Any, ...]]) -> None:
    assert [comparable(row) for row in found] == [comparable(row) for row in wanted]


@pytest.mark.parametrize(
    ("held", "declared", "hint"),
    [
        ("bytea", "varchar(99)", "bytes, which no type holds"),
        ("integer[]", "varchar(99)", "an array, which no type holds"),
        ("int4range", "varchar(99)", "a range"),
        ("point", "varchar(99)", "a shape"),
        ("bit(4)", "varchar(99)", "a bit string"),
        ("numeric", "double precision", "declare it as decimal(p,s)"),
        ("bigint", "double precision", "declare it as bigint"),
        ("double precision", "real", "declare it as double precision"),
        ("double precision", "decimal(10,2)", "declare it as double precision"),
        ("timestamptz", "timestamp", "declare it as timestamptz"),
        ("timestamp", "timestamptz", "declare it as timestamp"),
        ("timestamp", "date", "declare it as timestamp"),
        ("text", "integer", "declare it as varchar(n)"),
        ("json", "integer", "declare it as varchar(n)"),
        ("interval", "integer", "declare it as varchar(n)"),
        ("boolean", "integer", "declare it as boolean"),
    ],
)
def test_a_type_that_would_change_values_is_refused_before_a_row_is_read(
    folder: Folder, postgres: str, monkeypatch: pytest.MonkeyPatch,
    held: str, declared: str, hint: str,
) -> None:  # fmt: skip
    monkeypatch.setenv("TEST_RDS_URL", postgres)
    do(postgres, f"CREATE TABLE t (k int, amount {held})")
    folder.write(
        "pipelines/p.yml",
        f"""
        name: p
        sources:
          t:
            type: postgres
            connection: rds
            table: t
            columns:
              - {{name: k, type: smallint}}
              - {{name: amount, type: "{declared}"}}
        """,
    )

    with pytest.raises(StepError) as raised:
        folder.run("p")

    assert "column 'amount' is " in str(raised.value) and hint in str(raised.value)


@pytest.mark.parametrize(
    ("held", "value", "declared", "kept"),
    [
        ("uuid", "00000000-0000-0000-0000-00000000000a", "varchar(36)", None),
        ("jsonb", '{"a": 1}', "varchar(99)", None),
        ("inet", "10.0.0.0/8", "varchar(99)", None),
        ("interval", "1 day", "varchar(99)", "P1D"),
        ("time", "10:00:00.5", "varchar(99)", None),
        ("money_like", "1.50", "decimal(10,2)", "1.50"),
        ("colour", "red", "varchar(9)", None),
        ("char(5)", "ab", "varchar(9)", "ab"),
        ("real", "0.1", "double precision", "0.10000000149011612"),
        ("date", "2024-06-25", "timestamp", "2024-06-25 00:00:00"),
        ("numeric(9,0)", "7", "integer", None),
    ],
)
def test_other_types_are_held_as_text_or_exactly(
    folder: Folder, postgres: str, monkeypatch: pytest.MonkeyPatch,
    held: str, value: str, declared: str, kept: str | None,
) -> None:  # fmt: skip
    monkeypatch.setenv("TEST_RDS_URL", postgres)
    do(postgres, "CREATE DOMAIN money_like AS numeric(10,2); CREATE TYPE colour AS ENUM ('red')")
    do(postgres, f"CREATE TABLE t (amount {held}); INSERT INTO t VALUES ('{value}')")
    folder.write(
        "pipelines/p.yml",
        f"""
        name: p
        sources:
          t:
            type: postgres
            connection: rds
            table: t
            columns: [{{name: amount, type: "{declared}"}}]
        kpis:
          k:
            sql: k.sql
            target: {{connection: warehouse, table: k}}
            columns: [{{name: amount, type: "{declared}"}}]
        """,
    )
    folder.write("sql_templates/k.sql", "SELECT amount FROM t")

    folder.run("p")

    assert folder.query("SELECT CAST(amount AS VARCHAR) FROM k") == [(kept or value,)]
