"""Checks of one number, measured over the whole relation; and checks in SQL."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from etl_framework.checks.anomaly import Anomaly, usual
from etl_framework.checks.base import Context
from etl_framework.checks.change import Change
from etl_framework.errors import CheckFailedError
from etl_framework.interval import DataInterval
from tests.checks.conftest import Checked, only
from tests.conftest import Folder, bucket, in_the_cluster

# Per type: options, rows, whether the rule is kept, what was found. Runs are of 2024-06-25.
MEASURES: dict[str, list[tuple[dict[str, Any], str, bool, str]]] = {
    "row_count": [
        ({"min": 2}, "1,,,\n2,,,\n", True, "2 rows; wanted 2 or more"),
        ({"min": 3}, "1,,,\n2,,,\n", False, "2 rows; wanted 3 or more"),
        ({"max": 2}, "1,,,\n2,,,\n", True, "2 rows; wanted 2 or fewer"),
        ({"max": 1}, "1,,,\n2,,,\n", False, "2 rows; wanted 1 or fewer"),
        ({"min": 1, "where": "k = 9"}, "1,,,\n2,,,\n", False, "0 rows; wanted 1 or more"),
        ({"max_change": "1%"}, "1,,,\n", True, "1 rows"),
    ],
    "distinct_count": [
        ({"column": "v", "min": 2}, "1,1,,\n2,2,,\n3,2,,\n", True, "2 different values"),
        ({"column": "v", "min": 3}, "1,1,,\n2,2,,\n3,,,\n", False, "2 different values"),
        ({"column": "v", "max": 1}, "1,1,,\n2,2,,\n", False, "wanted 1 or fewer"),
    ],
    "anomaly": [
        ({"of": "row_count"}, "1,,,\n", True, "1; 0 of 7 runs to judge by"),
        ({"of": "sum", "column": "v"}, "1,,,\n", True, "no value"),
        ({"of": "mean", "column": "v"}, "1,1,,\n2,2,,\n", True, "1.5; 0 of 7"),
        ({"of": "null_rate", "column": "v"}, "1,,,\n2,2,,\n3,1,,\n4,,,\n", True, "0.5; 0 of 7"),
        ({"of": "distinct_count", "column": "v"}, "1,1,,\n2,1,,\n", True, "1; 0 of 7"),
    ],
    "change": [
        ({"max": "20%"}, "1,,,\n", True, "1; nothing to compare with"),
        ({"max": "20%", "of": "sum", "column": "v"}, "1,,,\n", True, "no value"),
    ],
    "freshness": [
        ({"column": "m", "max_age": "1d"}, "1,,,2024-06-25 00:00:00\n", True, "newest 2024-06-25"),
        ({"column": "m", "max_age": "24h"}, "1,,,2024-06-24 23:59:59\n2,,,\n", False, "24h before"),
        ({"column": "m", "max_age": "1w"}, "1,,,\n", False, "newest none"),
    ],
    "sum_equals": [
        ({"column": "v", "to": "parents.k"}, "1,2,,\n2,1,,\n3,,,\n", True, "sum is 3"),
        ({"column": "v", "to": "parents.k"}, "1,4,,\n", False, "sum is 4; parents.k gives 3"),
        ({"column": "v", "to": "parents"}, "1,3,,\n", True, "parents gives 3"),
        ({"column": "v", "to": "parents"}, "1,4,,\n", False, "parents gives 3"),
        ({"column": "v", "to": "parents", "tolerance": 1}, "1,4,,\n", True, "sum is 4"),
        ({"column": "v", "to": "parents.v"}, "1,,,\n", True, "sum is 0; parents.v gives 0"),
    ],
}  # fmt: skip


@pytest.mark.parametrize(
    ("check", "rows", "kept", "words"),
    [
        pytest.param({"type": type_, **options}, rows, kept, words, id=f"{type_} {options} {kept}")
        for type_, cases in MEASURES.items()
        for options, rows, kept, words in cases
    ],
)
def test_what_is_measured(
    checked: Checked, check: dict[str, Any], rows: str, kept: bool, words: str
) -> None:
    result = only(checked([{**check, "severity": "warning"}], rows))

    assert result.status == ("pass" if kept else "warning")
    assert words in result.note
    if not kept:
        with pytest.raises(CheckFailedError) as raised:
            checked([check], rows)
        assert words in str(raised.value)


CHANGE = """    checks:
      - {type: row_count, max_change: "50%", severity: warning}
    columns:"""
HEAD = "order_id,customer,amount,ordered_at\n"


def test_row_count_against_earlier_runs(orders: Folder) -> None:
    file = orders.root / "pipelines/orders.yml"
    text = file.read_text().replace('path: "orders/*.csv"', 'path: "{{ interval.date }}.csv"')
    text = text.replace("path: orders/*.csv", 'path: "{{ interval.date }}.csv"')
    file.write_text(text.replace("    columns:", CHANGE, 1))
    days = {"2024-06-25": 4, "2024-06-26": 5, "2024-06-27": 1, "2024-06-28": 40}
    found = {}
    for day, rows in days.items():
        orders.write(f"lake/{day}.csv", HEAD + "1,ada,5,2024-06-25\n" * rows)
        found[day] = orders.run("orders", day=day)["check.orders"].checks[-1]

    assert [found[day].status for day in days] == ["pass", "pass", "warning", "warning"]
    assert found["2024-06-27"].note == "1 rows; 4 in the runs before, 50% may change"


def test_a_number_against_its_own_past(orders: Folder) -> None:
    """In a table and in the ledger; an odd day among the past does no harm, a rerun neither."""
    file = orders.root / "pipelines/orders.yml"
    text = file.read_text().replace("path: orders/*.csv", 'path: "{{ interval.date }}.csv"')
    checks = """    checks:
      - {type: anomaly}
      - {type: anomaly, of: mean, column: amount, severity: error, sensitivity: 4}
    columns:"""
    file.write_text(text.replace("    columns:", checks, 1))
    found = {}
    for number, rows in enumerate((4, 5, 4, 60, 5, 4, 5, 6, 40), start=1):
        day = f"2024-06-{number:02}"
        amounts = "".join(f"1,ada,{5 + n % 2},2024-06-25\n" for n in range(rows))
        orders.write(f"lake/{day}.csv", HEAD + amounts)
        found[number] = orders.run("orders", day=day)["check.orders"].checks[-2:]

    assert [found[n][0].status for n in range(1, 10)] == ["pass"] * 8 + ["warning"]
    assert found[7][0].note == "5; 6 of 7 runs to judge by"
    assert found[8][0].note == "6; 0.5522 to 9.448 by 7 runs before"
    assert found[9][0].measure == 40
    orders.write("lake/2024-06-10.csv", HEAD + "1,ada,900,2024-06-25\n" * 5)
    with pytest.raises(CheckFailedError, match=r"anomaly mean amount.* 900; "):
        orders.run("orders", day="2024-06-10")


def test_the_same_weekday_is_the_past() -> None:
    """Weekends are unlike other days, and like one another; a constant past allows no change."""
    start = datetime(2024, 6, 29, tzinfo=UTC)  # a Saturday
    past = [(start - timedelta(days=n), 10.0 if n % 7 else 100.0 + n % 2) for n in range(1, 80)]
    context = Context(DataInterval(start, start + timedelta(days=1)), lambda: (), lambda _: past)
    week, every = (Anomaly(type="anomaly", season=season) for season in ("week", "none"))

    assert week.verdict((101,), context)[0] and not week.verdict((10,), context)[0]
    assert not every.verdict((101,), context)[0]
    assert usual([24.0] * 9, 3) == (24.0, 24.0)


@pytest.mark.parametrize(
    ("value", "against", "kept"),
    [
        (12, "previous", True),
        (13, "previous", False),
        (8, "previous", True),
        (7, "previous", False),
        (120, "week", True),
        (121, "week", False),
    ],
)
def test_a_change_since_the_day_or_the_week_before(value: int, against: str, kept: bool) -> None:
    start = datetime(2024, 6, 29, tzinfo=UTC)
    past = [(start - timedelta(days=n), 10.0 if n % 7 else 100.0) for n in range(1, 30)]
    context = Context(DataInterval(start, start + timedelta(days=1)), lambda: (), lambda _: past)
    check = Change(type="change", max="20%", against=against)

    told, words = check.verdict((value,), context)
    assert told is kept
    assert words.endswith("on 2024-06-28, 20% may change" if against == "previous"
                          else "on 2024-06-22, 20% may change")  # fmt: skip


@pytest.mark.parametrize("engine", ["duckdb", "redshift"])
def test_what_a_source_has_read_and_rejected(engine: str, orders: Folder,
                                             request: pytest.FixtureRequest) -> None:  # fmt: skip
    """Rows that could not be read are in no relation, and are counted nevertheless."""
    file = orders.root / "pipelines/orders.yml"
    checks = """    checks:
      - {type: anomaly, of: read}
      - {type: change, of: rejected, max: "10%"}
    columns:"""
    file.write_text(file.read_text().replace("    columns:", checks, 1))
    rows = HEAD + "1,ada,1,2024-06-25\nx,ada,1,2024-06-25\n3,ada,1,2024-06-25\n"
    if engine == "redshift":
        request.getfixturevalue("stack")
        in_the_cluster(orders)
        bucket().write("orders/a.csv", rows.encode())
    else:
        for old in (orders.root / "lake/orders").glob("*"):
            old.unlink()
        orders.write("lake/orders/a.csv", rows)
    found = orders.run("orders")["check.orders"].checks
    assert [check.measure for check in found if check.measure is not None] == [3.0, 1.0]


def test_a_kpi_reads_no_files(orders: Folder) -> None:
    file = orders.root / "pipelines/orders.yml"
    file.write_text(file.read_text().rstrip() + "\n    checks: [{type: anomaly, of: read}]\n")
    told = orders.etl("lint").stdout
    assert "E310 'read' is counted of sources, and 'totals' is none" in told


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"of": "read", "column": "v"}, "'of: read' takes no 'column'"),
        ({"of": "sum"}, "'of: sum' needs a 'column'"),
        ({"column": "v"}, "'of: row_count' takes no 'column'"),
        ({"window": 5}, "'warm_up' is more than 'window'"),
    ],
)
def test_an_anomaly_that_cannot_be_measured(given: dict[str, Any], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        Anomaly(type="anomaly", **given)


SQL = "SELECT t.k, p.v FROM t JOIN parents AS p ON p.k = t.k WHERE t.k < {{ interval.date }}"


def test_a_query_finds_the_rows_that_break_a_rule(checked: Checked, folder: Folder) -> None:
    folder.write("sql_templates/odd.sql", "SELECT k, v FROM t WHERE v > 5\n")
    check = {"type": "sql", "sql": "odd.sql", "name": "v_is_small"}

    assert only(checked([check], "1,1,,\n2,5,,\n")).status == "pass"
    warned = only(checked([{**check, "severity": "warning"}], "1,6,,\n2,7,,\n3,1,,\n"))
    assert (warned.failing, warned.rows, warned.status) == (2, 3, "warning")
    assert {row["v"] for row in warned.examples} == {6, 7}
    with pytest.raises(CheckFailedError, match="'v_is_small' of 't' failed: 1 of 1 rows"):
        checked([check], "1,6,,\n")


def test_such_a_query_may_read_other_relations(checked: Checked, folder: Folder) -> None:
    folder.write(
        "sql_templates/alien.sql",
        "SELECT t.k FROM t LEFT JOIN parents AS p ON p.k = t.k WHERE p.k IS NULL\n",
    )
    check = {"type": "sql", "sql": "alien.sql", "severity": "warning"}

    assert only(checked([check], "1,,,\n3,,,\n4,,,\n")).failing == 2


def test_such_a_query_may_have_parameters(checked: Checked, folder: Folder) -> None:
    folder.write("sql_templates/odd.sql", "SELECT k, v FROM t WHERE v > {{ params.most }}\n")
    check = {"type": "sql", "sql": "odd.sql", "severity": "warning", "params": {"most": 6}}

    assert only(checked([check], "1,6,,\n2,7,,\n")).failing == 1
    assert only(checked([{**check, "params": {"most": 5}}], "1,6,,\n2,7,,\n")).failing == 2


def test_a_parameter_that_is_not_given(orders: Folder) -> None:
    orders.write("sql_templates/odd.sql", "SELECT * FROM orders WHERE amount > {{ params.most }}")
    text = (orders.root / "pipelines/orders.yml").read_text()
    orders.write(
        "pipelines/orders.yml",
        text.replace("    columns:", "    checks: [{type: sql, sql: odd.sql}]\n    columns:", 1),
    )
    assert "sql_templates/odd.sql:1:47: E403 unknown name 'most'" in orders.etl("lint").stdout
