"""Every kind of check counts the rows that break it, and no others."""

from __future__ import annotations

from typing import Any

import pytest

from etl_framework.checks.base import Check
from etl_framework.project import models
from tests.checks.conftest import Checked, only
from tests.checks.test_measures import MEASURES

CASES = {
    "not_null": [
        ({"columns": ["v"]}, "1,1,,\n2,,,\n3,,,\n", 2, "empty values"),
        ({"columns": ["v", "w"]}, "1,,,\n2,1,,\n3,1,x,\n", 2, "a row counts once"),
    ],
    "unique": [
        ({"columns": ["v"]}, "1,1,,\n2,1,,\n3,1,,\n4,2,,\n", 2, "repeats after the first"),
        ({"columns": ["v"]}, "1,,,\n2,,,\n3,1,,\n", 0, "empty values are not alike"),
        ({"columns": ["v", "w"]}, "1,1,x,\n2,1,y,\n3,1,x,\n4,1,,\n5,1,,\n", 1, "two columns"),
    ],
    "primary_key": [
        ({"columns": ["v"]}, "1,1,,\n2,1,,\n3,1,,\n4,2,,\n", 2, "repeats after the first"),
        ({"columns": ["v"]}, "1,,,\n2,,,\n3,1,,\n", 2, "empty values all count"),
        ({"columns": ["v", "w"]}, "1,1,x,\n2,1,y,\n3,1,x,\n4,1,,\n", 2, "two columns"),
    ],
    "accepted_values": [
        ({"column": "w", "values": ["x", "it's"]}, "1,,x,\n2,,y,\n3,,,\n4,,it's,\n", 1, "texts"),
        ({"column": "v", "values": [1, 2]}, "1,1,,\n2,3,,\n3,,,\n4,4,,\n", 2, "numbers"),
    ],
    "accepted_range": [
        ({"column": "v", "min": 1}, "1,0,,\n2,1,,\n3,,,\n4,2,,\n", 1, "a lower bound"),
        ({"column": "v", "max": 1}, "1,0,,\n2,1,,\n3,,,\n4,2,,\n", 1, "an upper bound"),
        ({"column": "v", "min": 0, "max": 1}, "1,-1,,\n2,0,,\n3,1,,\n4,2,,\n", 2, "both bounds"),
        (
            {"column": "m", "min": "2024-06-25"},
            "1,,,2024-06-24 23:59:59\n2,,,2024-06-25\n3,,,\n", 1, "moments",
        ),
    ],
    "pattern": [
        ({"column": "w", "pattern": "^a.c$"}, "1,,abc,\n2,,abcd,\n3,,,\n4,,ABC,\n", 2, "tied"),
        ({"column": "w", "pattern": "b"}, "1,,abc,\n2,,acd,\n3,,,\n", 1, "somewhere in it"),
        ({"column": "w", "pattern": r"^\d+$"}, "1,,12,\n2,,d,\n3,,\\d,\n", 2, "a backslash"),
        ({"column": "w", "pattern": "'"}, "1,,it's,\n2,,its,\n", 1, "a quote in it"),
    ],
    "length": [
        ({"column": "w", "min": 2}, "1,,a,\n2,,ab,\n3,,,\n", 1, "too short"),
        ({"column": "w", "max": 2}, "1,,ab,\n2,,abc,\n3,,,\n", 1, "too long"),
        ({"column": "w", "min": 2, "max": 2}, "1,,é,\n2,,éé,\n3,,ééé,\n", 2, "characters"),
    ],
    "expression": [
        ({"expression": "v > k"}, "1,2,,\n2,2,,\n3,,,\n", 1, "two columns"),
        ({"expression": "v = 1 OR w = 'x'"}, "1,1,,\n2,2,x,\n3,2,y,\n", 1, "an OR in it"),
    ],
    "null_rate": [
        ({"column": "v", "max": "0%"}, "1,,,\n2,1,,\n3,,,\n", 2, "empty values"),
        ({"column": "w", "max": 1}, "1,,,\n2,1,x,\n3,,,\n", 2, "more than a number"),
    ],
    "relationships": [
        ({"column": "v", "to": "parents.k"}, "1,1,,\n2,3,,\n3,,,\n4,2,,\n", 1, "an unknown key"),
        ({"column": "v", "to": "parents.v"}, "1,1,,\n2,,,\n", 1, "no parents with a value at all"),
    ],
}  # fmt: skip


@pytest.mark.parametrize(
    ("check", "rows", "failing"),
    [
        pytest.param({"type": type_, **options}, rows, failing, id=f"{type_}: {words}")
        for type_, cases in CASES.items()
        for options, rows, failing, words in cases
    ],
)
def test_the_rows_that_break_the_rule_are_counted(
    checked: Checked, check: dict[str, Any], rows: str, failing: int
) -> None:
    result = only(checked([{**check, "severity": "warning"}], rows))

    assert (result.failing, result.rows) == (failing, rows.count("\n"))
    assert result.status == ("warning" if failing else "pass")


def test_every_registered_check_has_a_case_here() -> None:
    def below(kind: type[Check]) -> set[type[Check]]:
        found = kind.__subclasses__()
        return set(found).union(*map(below, found))

    types = {kind.model_fields["type"] for kind in below(Check) if "type" in kind.model_fields}

    assert models.Pipeline  # importing the models is what finds the plug-ins
    assert {str(field.annotation).split("'")[1] for field in types} == {*CASES, *MEASURES, "sql"}


@pytest.mark.parametrize("type_", sorted(CASES))
def test_where_narrows_the_rows_that_are_checked(checked: Checked, type_: str) -> None:
    options, rows, failing, _ = CASES[type_][0]
    check = {"type": type_, **options, "severity": "warning"}

    assert only(checked([{**check, "where": "k < 0 OR k IS NULL"}], rows)).failing == 0
    assert only(checked([{**check, "where": "k < 0 OR k > 0"}], rows)).failing == failing
