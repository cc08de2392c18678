"""The page about sensitive columns: where they flow, masked or not."""

from __future__ import annotations

import re

from tests.conftest import TOTALS, Folder
from tests.report.conftest import report, sound


def mark(days: Folder, sql: str = TOTALS) -> None:
    """Make the source's customer sensitive."""
    file = days.root / "pipelines/orders.yml"
    column = "- {name: customer, type: varchar(20)}"
    file.write_text(file.read_text().replace(column, column.replace("}", ", sensitive: true}")))
    days.write("sql_templates/orders/totals.sql", sql)


def test_under_its_own_name_it_is_masked(days: Folder) -> None:
    mark(days)
    pages = report(days)
    html = pages["sensitive.html"].file.read_text()

    sound(pages)
    assert "orders.customer</a></th>" in html and "totals.customer</a></td>" in html
    assert ">shown<" not in html
    assert all("ada" not in page.text for page in pages.values())


def test_under_another_name_it_is_shown(days: Folder) -> None:
    mark(days, TOTALS.replace("COUNT(*)", "COUNT(DISTINCT customer)"))
    html = report(days)["sensitive.html"].file.read_text()

    assert re.search(r'totals\.orders</a> <span class="tag fail">shown</span>', html)


def test_sql_with_errors(days: Folder) -> None:
    mark(days, "SELECT")
    pages = report(days)

    sound(pages)
    assert "orders.customer</a></th>" in pages["sensitive.html"].file.read_text()


def test_no_sensitive_column(days: Folder) -> None:
    assert "No column is marked" in report(days)["sensitive.html"].text
