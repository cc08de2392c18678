"""A row of a table that does not fit is rejected with its key and a reason, up to max_rejected."""

from __future__ import annotations

import json
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest

from etl_framework.errors import CheckFailedError
from etl_framework.project.project import load_project
from etl_framework.quarantine.rows import Quarantine, Rejected, Selection
from tests.conftest import Folder
from tests.sources.postgres.test_source import ReadTable, execute, read_table

__all__ = ["read_table"]
ALL = "max_rejected: '100%'"


@pytest.mark.parametrize(
    ("held", "value", "declared"),
    [
        pytest.param("timestamp", "infinity", "timestamp", id="an infinite timestamp"),
        pytest.param("timestamptz", "-infinity", "timestamptz", id="an infinite timestamptz"),
        pytest.param("timestamp", "0044-03-15 BC", "timestamp", id="a timestamp before Christ"),
        pytest.param("date", "0044-03-15 BC", "date", id="a date before Christ"),
        pytest.param("date", "infinity", "date", id="an infinite date"),
        pytest.param("date", "infinity", "timestamp", id="an infinite date as timestamp"),
        pytest.param("date", "20000-01-01", "date", id="a date with a year of five digits"),
        pytest.param("bigint", "2147483648", "integer", id="an integer out of range"),
        pytest.param("integer", "-32769", "smallint", id="a smallint out of range"),
        pytest.param("integer", "1234567", "decimal(8,2)", id="an integer as a short decimal"),
        pytest.param("numeric", "1.005", "decimal(10,2)", id="more digits behind the point"),
        pytest.param("numeric", "12345678901.00", "decimal(10,2)", id="more digits before it"),
        pytest.param("numeric", "123456789.1", "decimal(10,2)", id="one digit more before it"),
        pytest.param("numeric", "NaN", "decimal(10,2)", id="a numeric that is no number"),
        pytest.param("numeric", "-Infinity", "decimal(10,2)", id="an infinite numeric"),
        pytest.param("numeric(10,2)", "NaN", "decimal(10,2)", id="no number in the same type"),
        pytest.param("numeric", "1.5", "integer", id="a fraction as integer"),
        pytest.param("numeric", "NaN", "bigint", id="no number as integer"),
        pytest.param("text", "éééééé", "varchar(9)", id="a text of more bytes than declared"),
        pytest.param("varchar(6)", "éééééé", "varchar(9)", id="a short varchar of many bytes"),
        pytest.param("char(9)", "a", "varchar(8)", id="a char with its blanks"),
        pytest.param("uuid", "0" * 32, "varchar(35)", id="a uuid"),
        pytest.param("inet", "10.0.0.1", "varchar(7)", id="an address"),
    ],
)
def test_a_value_that_does_not_fit_rejects_its_row(
    read_table: ReadTable, held: str, value: str, declared: str
) -> None:
    sql = f"CREATE TABLE t (k int, v {held}); INSERT INTO t VALUES (1, '{value}'), (2, NULL)"
    reading = read_table(sql, ("k integer", f"v {declared}"), ALL)

    assert reading.kept == [(2, None)]
    ((rejected),) = reading.rejected
    assert (rejected.column, rejected.name) == (2, "v")
    assert f"does not fit {declared}" in rejected.reason
    assert json.loads(rejected.row)["k"] == "1"


@pytest.mark.parametrize(
    ("held", "value", "declared", "kept"),
    [
        ("numeric", "1.00", "integer", 1), ("numeric", "1.500", "decimal(10,2)", Decimal("1.50")),
        ("numeric", "99999999.99", "decimal(10,2)", Decimal("99999999.99")),
        ("numeric", "0.0100" + "0" * 40, "decimal(10,4)", Decimal("0.0100")),
        ("numeric(12,-2)", "12300", "decimal(14,0)", Decimal(12300)),
        ("bigint", "-2147483648", "integer", -(2**31)), ("boolean", "true", "varchar(1)", "t"),
        ("inet", "10.0.0.1", "varchar(8)", "10.0.0.1"), ("char(3)", "a", "varchar(3)", "a"),
        ("timestamp", "9999-12-31 23:59:59.999999", "timestamp",
         datetime(9999, 12, 31, 23, 59, 59, 999999)),
        ("date", "0001-01-01", "timestamp", datetime(1, 1, 1)),
        ("text", "ééé", "varchar(6)", "ééé"),
    ],
)  # fmt: skip
def test_a_value_at_the_edge_fits(
    read_table: ReadTable, held: str, value: str, declared: str, kept: Any
) -> None:
    sql = f"CREATE TABLE t (v {held}); INSERT INTO t VALUES ('{value}')"

    assert read_table(sql, (f"v {declared}",)).kept == [(kept,)]


PIPELINE = """
name: p
schedule: "@daily"
sources:
  t:
    type: postgres
    connection: rds
    table: t
    max_rejected: "50%"
    columns:
      - {name: id, type: integer, primary_key: true}
      - {name: at, type: timestamp}
      - {name: v, type: "decimal(10,2)"}
      - {name: tags, type: varchar(99)}
"""
ROWS = """
CREATE TABLE t (id int PRIMARY KEY, at timestamp, v numeric, tags jsonb);
INSERT INTO t VALUES (1, '2024-01-01', 1, NULL), (2, 'infinity', 2.50, '{"a": [1, 2.0]}'),
                     (3, '2024-01-03', 'NaN', NULL), (4, NULL, NULL, '{}')
"""


@pytest.fixture
def table(folder: Folder, postgres: str, monkeypatch: pytest.MonkeyPatch) -> Folder:
    monkeypatch.setenv("TEST_RDS_URL", postgres)
    folder.write("pipelines/p.yml", PIPELINE)
    execute(postgres, ROWS)
    return folder


def quarantined(folder: Folder) -> list[Rejected]:
    return list(Quarantine(load_project(folder.root), None, "t").rows(Selection()))


def test_a_rejected_row_has_its_key_its_values_and_what_to_do(table: Folder) -> None:
    counts = table.run("p")["extract.t"].counts
    second, third = sorted(quarantined(table), key=lambda row: row.row)

    assert counts == {"read": 4, "kept": 2, "rejected": 2}
    assert (second.key, second.rule, second.file) == ({"id": "2"}, "parse", None)
    assert second.values == {
        "id": "2", "at": "infinity", "v": "2.50", "tags": '{"a": [1, 2.0]}',
    }  # fmt: skip
    assert 'leave it out with where: isfinite("at")' in second.reason
    assert (third.key, third.name) == ({"id": "3"}, "v")
    assert "where: \"v\" <> 'NaN'" in third.reason
    assert len({second.id, third.id}) == 2


def test_more_than_max_rejected_stops_the_run(table: Folder, postgres: str) -> None:
    execute(postgres, "UPDATE t SET at = '-infinity'")

    with pytest.raises(CheckFailedError, match=r"4 of 4 rows of 't' were rejected"):
        table.run("p")


def test_ids_stay_the_same_when_the_rows_are_read_again(table: Folder, postgres: str) -> None:
    table.run("p")
    ids = {row.id for row in quarantined(table)}
    execute(postgres, "INSERT INTO t VALUES (5, now(), 1, NULL)")
    table.run("p")

    assert {row.id for row in quarantined(table)} == ids


def test_a_corrected_row_takes_its_place(table: Folder, postgres: str) -> None:
    table.run("p")
    (row,) = (row for row in quarantined(table) if row.key == {"id": "2"})
    table.write("fix.csv", f"etl_id,id,at,v\n{row.id},2,2024-01-02 00:00:00,2.50\n")
    command = ("quarantine", "replay", "t", "--with", "fix.csv")
    replayed = table.etl(*command, env={"TEST_RDS_URL": postgres})

    assert replayed.returncode == 0, replayed.stderr
    assert table.run("p")["extract.t"].counts == {"read": 4, "kept": 3, "rejected": 1}


def test_row_level_security_that_hides_rows_is_told(
    table: Folder, postgres: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = f"reader_{abs(hash(postgres))}"
    execute(
        postgres,
        f"CREATE ROLE {name} LOGIN; GRANT SELECT ON t TO {name}; "
        "ALTER TABLE t ENABLE ROW LEVEL SECURITY; CREATE POLICY hiding ON t USING (id IN (1, 4))",
    )
    try:
        owner = table.run("p")["extract.t"]
        monkeypatch.setenv("TEST_RDS_URL", postgres.replace("postgres:@", f"{name}:@"))
        result = table.run("p", fresh=True)["extract.t"]
    finally:
        execute(postgres, f"DROP POLICY hiding ON t; REVOKE ALL ON t FROM {name}; DROP ROLE {name}")

    assert [check.check for check in owner.checks] == []
    ((check),) = result.checks
    assert (check.check, check.status) == ("row_security", "warning")
    assert name in check.note
    assert result.counts["read"] == 2


def test_nothing_is_lost_in_a_large_table(read_table: ReadTable, postgres: str) -> None:
    sql = (
        "CREATE TABLE t AS SELECT i AS k, CASE WHEN i % 100 = 0 THEN 'infinity'::timestamp "
        "ELSE '2024-01-01'::timestamp END AS at FROM generate_series(1, 200000) AS i"
    )
    reading = read_table(sql, ("k integer", "at timestamp"), ALL)

    assert (len(reading.kept), len(reading.rejected)) == (198_000, 2_000)
