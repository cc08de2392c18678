"""The values of a KPI's table on its page, by every way to the database."""

from __future__ import annotations

import pytest

from tests.conftest import Folder
from tests.report.conftest import report
from tests.runs.test_places import brought, write_pipeline, write_rows

WAYS = ("duckdb", "postgres", "redshift", "data api")


@pytest.fixture(params=WAYS)
def two_days(folder: Folder, request: pytest.FixtureRequest) -> Folder:
    """A project whose KPI has rows of two days."""
    brought(folder, request)
    write_pipeline(folder)
    template = folder.root / "sql_templates/sales/by_who.sql"
    pipeline = folder.root / "pipelines/sales.yml"
    sql = template.read_text().replace("SELECT who,", "SELECT who, MAX(id) AS last_id,")
    template.write_text(sql)
    amount = '      - {name: amount, type: "decimal(18,2)"}'
    last_id = "      - {name: last_id, type: integer}\n"
    pipeline.write_text(pipeline.read_text().replace(amount, last_id + amount))
    write_rows(folder, "1,ann,10.50", "2,bob,4.00")
    write_rows(folder, "3,ann,7.25", "4,bob,5.00", "9,cy,1.00", day="2024-06-26")
    for day in ("2024-06-25", "2024-06-26"):
        done = folder.etl("run", "sales", "--date", day)
        assert done.returncode == 0, done.stderr
    return folder


def test_charts_and_rows(two_days: Folder) -> None:
    page = report(two_days)["kpis/sales.by_who.html"]

    rows, ids, amount = page.values[:2], page.values[2:4], page.values[4:]
    assert rows == [2, 3]
    assert "distinct last_id" in page.text, "a sum of ids says nothing"
    assert ids == [2, 3]
    assert "mean of amount" in page.text
    assert amount == pytest.approx([7.25, 13.25 / 3], abs=0.01)  # Redshift cuts at the scale
    assert "10.50" in page.text
    assert "From 2024-06-25 to 2024-06-26" in page.text
