"""What failing rows mean: severity, thresholds, quarantine, and all failures in one error."""

from __future__ import annotations

from typing import Any

import pytest

from etl_framework.checks.not_null import NotNull
from etl_framework.errors import CheckFailedError
from tests.checks.conftest import Checked, only

RULE = {"type": "accepted_range", "column": "v", "max": 0}
TABLE = {"type": "unique", "columns": ["v"]}


def rows(good: int, bad: int) -> str:
    return "".join(f"{i},{-i},,\n" for i in range(good)) + "1,7,,\n" * bad


@pytest.mark.parametrize(
    ("options", "bad", "status"),
    [
        pytest.param({}, 0, "pass", id="nothing fails"),
        pytest.param({}, 1, "fail", id="one row is an error"),
        pytest.param({"severity": "warning"}, 10, "warning", id="severity warn never stops"),
        pytest.param({"warn_if": ">2"}, 2, "pass", id="warn_if is not exceeded by equality"),
        pytest.param({"warn_if": ">2"}, 3, "warning", id="warn_if exceeded"),
        pytest.param(
            {"error_if": ">2"}, 2, "warning", id="below error_if failing rows are reported"
        ),
        pytest.param({"error_if": ">2"}, 3, "fail", id="error_if exceeded"),
        pytest.param({"error_if": ">30%"}, 3, "warning", id="a share of rows is not exceeded"),
        pytest.param({"error_if": ">30%"}, 4, "fail", id="a share of rows is exceeded"),
        pytest.param({"warn_if": ">10%", "error_if": ">30%"}, 1, "pass", id="below both"),
        pytest.param({"warn_if": ">10%", "error_if": ">30%"}, 2, "warning", id="between both"),
        pytest.param({"warn_if": ">10%", "error_if": ">30%"}, 4, "fail", id="above both"),
        pytest.param({"severity": "warning", "error_if": ">2"}, 3, "fail", id="error_if wins"),
        pytest.param({"on_fail": "quarantine"}, 10, "quarantine", id="quarantine stops nothing"),
        pytest.param({"on_fail": "quarantine", "error_if": ">2"}, 2, "quarantine", id="within"),
        pytest.param({"on_fail": "quarantine", "error_if": ">2"}, 3, "fail", id="too many of them"),
    ],
)
def test_status(checked: Checked, options: dict[str, Any], bad: int, status: str) -> None:
    check = {**RULE, **options}
    text = rows(10 - bad, bad)

    if status != "fail":
        result = only(checked([check], text))
    else:
        with pytest.raises(CheckFailedError) as raised:
            checked([check], text)
        assert f"{bad} of 10 rows" in str(raised.value)
        (result,) = raised.value.checks

    assert (result.status, result.failing, result.rows) == (status, bad, 10)


def test_a_table_check_is_judged_by_its_share_too(checked: Checked) -> None:
    options = {"error_if": ">50%"}

    assert only(checked([{**TABLE, **options}], rows(5, 6))).status == "warning"
    with pytest.raises(CheckFailedError, match="9 of 10 rows"):
        checked([{**TABLE, **options}], "1,7,,\n" * 10)


def test_every_failing_check_is_in_one_error_at_its_own_line(checked: Checked) -> None:
    checks = [
        {**RULE, "name": "not_positive"},
        {"type": "not_null", "columns": ["w"]},
        {"type": "not_null", "columns": ["v"]},
        TABLE,
    ]

    with pytest.raises(CheckFailedError) as raised:
        checked(checks, rows(2, 2))

    said = [found.message for found in raised.value.diagnostics]
    assert [text.split("'")[1] for text in said] == ["not_positive", "not_null w", "unique v"]
    lines = [found.line for found in raised.value.diagnostics]
    assert lines == sorted(set(lines)) and all(lines)
    assert [found.status for found in raised.value.checks] == ["fail", "fail", "pass", "fail"]


def test_quarantined_rows_are_taken_out_before_table_checks_and_add_up(checked: Checked) -> None:
    quarantine = {**RULE, "on_fail": "quarantine"}

    result = checked([TABLE, quarantine], rows(3, 2) + "9,,,\n")

    assert result.counts == {"rows": 6, "kept": 4, "quarantined": 2}
    assert [(found.status, found.failing) for found in result.checks] == [
        ("pass", 0), ("quarantine", 2),
    ]  # fmt: skip


def test_a_row_that_breaks_two_rules_is_quarantined_once(checked: Checked) -> None:
    checks = [
        {**RULE, "on_fail": "quarantine"},
        {"type": "not_null", "columns": ["w"], "on_fail": "quarantine"},
    ]

    result = checked(checks, "1,7,,\n2,-1,x,\n3,7,x,\n")

    assert result.counts == {"rows": 3, "kept": 1, "quarantined": 2}
    assert [found.failing for found in result.checks] == [2, 1]


def test_columns_imply_their_checks(checked: Checked) -> None:
    implied = {"k": {"primary_key": True}, "v": {"required": True}}

    result = checked([], "1,1,,\n2,,,\n", implied)
    assert [(found.check, found.status) for found in result.checks] == [
        ("required", "quarantine"), ("primary_key k", "pass"),
    ]  # fmt: skip
    assert result.counts["quarantined"] == 1
    with pytest.raises(CheckFailedError, match="'primary_key k' of 't' failed: 1 of 2 rows"):
        checked([], "1,1,,\n1,2,,\n", implied)


def test_the_word_that_files_wrote_first_still_means_the_same(checked: Checked) -> None:
    """`warn` is an alias of `warning`."""
    found = only(checked([{**TABLE, "severity": "warn"}], rows(5, 6)))

    assert found.status == "warning"
    assert NotNull(type="not_null", columns=["k"], severity="warn").severity == "warning"
