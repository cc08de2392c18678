"""Checks that pass and fail by turns, on the page of all checks."""

from __future__ import annotations

from tests.conftest import Folder
from tests.report.conftest import report, sound

CHECKED = """checks:
      - {type: accepted_range, column: amount, max: 2.15, severity: warning}
      - {type: accepted_range, column: amount, max: 999, severity: warning, name: calm}
    max_rejected"""


def test_a_check_that_turns(days: Folder) -> None:
    file = days.root / "pipelines/orders.yml"
    file.write_text(file.read_text().replace("max_rejected", CHECKED, 1))
    for number in (20, 22, 21, 23, 20):  # up to 2.1 it passes
        done = days.etl("run", "orders", "--date", f"2024-06-{number}")
        assert done.returncode == 0, done.stderr
    pages = report(days)
    page = pages["checks.html"]

    sound(pages)
    flaky = page.text.partition("What has no check")[2].partition("What has no check")[0]
    assert "orders.orders: accepted_range amount, turned 4 times in 5 runs" in flaky
    assert "calm" not in flaky


def test_none(days: Folder) -> None:
    assert "None has turned three times" in report(days)["checks.html"].text
