"""Checks of one number, measured over the whole relation; and checks in SQL."""

from __future__ import annotations

from typing import Any

import pytest

from etl_framework.errors import CheckFailedError
from tests.checks.conftest import Checked, only
from tests.conftest import Folder

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
