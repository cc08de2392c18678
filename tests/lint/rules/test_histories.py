"""Facts beside rows of today: when that is told, and what says that it is meant."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.lint.test_pages import BASE, linted

PIPELINE, SQL = "pipelines/visits.yml", "sql_templates/visits/by_country.sql"
AS_OF = "{{ as_of('c', 'v.visited_at') }}"
BY_HAND = "v.visited_at >= c.valid_from AND (v.visited_at < c.valid_to OR c.valid_to IS NULL)"
INSIDE = "JOIN (SELECT * FROM customers_history) AS c ON"
MEANT = "table: customers_history\n    may_be_newer: true"
VERSIONS = (
    "      - {name: valid_from, type: timestamptz, primary_key: true}\n"
    "      - {name: valid_to, type: timestamptz}\n"
)


@pytest.mark.parametrize(
    ("changes", "codes"),
    [
        pytest.param({}, [], id="as of the time"),
        pytest.param({AS_OF: BY_HAND}, [], id="in other words"),
        pytest.param({"JOIN customers_history AS c ON": INSIDE}, [], id="through a subquery"),
        pytest.param({f"AND {AS_OF}": f"WHERE {AS_OF}"}, [], id="in WHERE"),
        pytest.param({AS_OF: "c.is_current"}, ["W407", "W422"], id="the current versions"),
        pytest.param({AS_OF: "v.visited_at BETWEEN c.valid_from AND c.valid_to"},
                     ["W407", "W422"], id="both of two versions that meet"),
        pytest.param({AS_OF: "v.visited_at >= c.valid_from"}, ["W407", "W422"], id="no end"),
        pytest.param({AS_OF: "c.is_current", VERSIONS: ""}, ["W421"], id="no history"),
        pytest.param({AS_OF: "c.is_current", VERSIONS: "", "table: customers_history": MEANT},
                     [], id="no history, and it is meant"),
        pytest.param({AS_OF: "c.is_current", VERSIONS: "", "{{ interval.date }}": "*"}, ["E322"],
                     id="facts that are read whole"),
        pytest.param({AS_OF: "c.is_current", VERSIONS: "",
                      "strategy: append": "strategy: replace, rows_of: interval"}, [],
                     id="a table of the newest interval alone"),
        pytest.param({AS_OF: "c.is_current", VERSIONS: "",
                      "table: customers_history": "table: customers_history\n    "
                      "incremental_key: visited_at"}, [], id="a dimension of the interval"),
    ],
)  # fmt: skip
def test_when_it_is_told(tmp_path: Path, changes: dict[str, str], codes: list[str]) -> None:
    root = shutil.copytree(BASE, tmp_path / "project")
    for old, new in changes.items():
        texts = {path: (root / path).read_text() for path in (PIPELINE, SQL)}
        assert any(old in text for text in texts.values())
        for path, text in texts.items():
            (root / path).write_text(text.replace(old, new))

    assert sorted({problem.code for problem in linted(root)}) == codes


WHOLE = """name: later
schedule: "@daily"
start_date: 2024-01-01
catchup: true
sources:
  customers:
    type: postgres
    connection: rds
    table: customers
    columns:
      - {name: customer, type: varchar(20), primary_key: true}
      - {name: country, type: varchar(2)}
      - {name: changed_at, type: timestamp}
kpis:
  kept:
    sql: later/kept.sql
    columns:
      - {name: customer, type: varchar(20)}
      - {name: country, type: varchar(2)}
      - {name: changed_at, type: timestamp}
    target: {connection: warehouse, table: history, strategy: scd2, unique_key: [customer]}
"""
KEYS = "strategy: scd2, unique_key: [customer]"
TABLE = "    table: customers\n"
BY_MOMENT = f"{KEYS}, updated_at: changed_at"


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        pytest.param({}, True, id="a history by the data interval"),
        pytest.param({KEYS: "strategy: snapshot"}, True, id="a snapshot"),
        pytest.param({KEYS: BY_MOMENT + ", on_missing: close"}, True, id="ends of rows"),
        pytest.param({KEYS: BY_MOMENT}, False, id="moments that rows name"),
        pytest.param({KEYS: "strategy: replace"}, False, id="a table of today"),
        pytest.param({"catchup: true": "catchup: false"}, False, id="it moves forward alone"),
        pytest.param({TABLE: TABLE + "    may_be_newer: true\n"}, False, id="it is meant"),
        pytest.param({TABLE: TABLE + "    incremental_key: changed_at\n"}, False,
                     id="rows of the data interval"),
    ],
)  # fmt: skip
def test_rows_of_today_as_those_of_the_past(
    tmp_path: Path, changes: dict[str, str], told: bool
) -> None:
    root, text = shutil.copytree(BASE, tmp_path / "project"), WHOLE
    for old, new in changes.items():
        assert old in text
        text = text.replace(old, new)
    (root / "pipelines/later.yml").write_text(text)
    sql = "SELECT customer, country, changed_at FROM customers\n"
    (root / "sql_templates/later/kept.sql").write_text(sql)

    found = [str(problem) for problem in linted(root) if problem.code == "W423"]
    assert len(found) == told, found
    if told:
        assert "catchup would keep rows of today as those of each past data interval: " in found[0]
