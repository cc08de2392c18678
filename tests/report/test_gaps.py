"""Columns without a check or a description, KPIs without an owner."""

from __future__ import annotations

import re

from tests.conftest import Folder
from tests.report.conftest import EVIL, Page, report, sound


def row(page: Page, name: str) -> list[str]:
    """What the table says of a relation, as texts."""
    html = page.file.read_text()
    found = re.search(f"<tr><th scope=.row.><a href=[^>]*>{name}</a></th>(.*?)</tr>", html)
    assert found, html
    return [re.sub("<.*?>", "", cell) for cell in re.findall("<td.*?>(.*?)</td>", found[1])]


def test_what_is_open(days: Folder) -> None:
    pages = report(days)
    page = pages["checks.html"]

    sound(pages)
    assert row(page, "orders.orders") == [
        "description", "customer, amount, ordered_at", "order_id, customer, amount, ordered_at"
    ]  # fmt: skip
    assert row(page, "orders.totals") == [
        "description", "customer, orders, amount", "orders, amount"
    ]  # fmt: skip
    assert "Of 7 columns of sources and KPIs, 6 have no check and 6 no description." in page.text


def test_checks_by_condition_and_by_query_look_at_columns(days: Folder) -> None:
    file = days.root / "pipelines/orders.yml"
    file.write_text(file.read_text().replace(f"owner: '{EVIL}'\n", "").replace(
        "max_rejected", "checks:\n"
        "      - {type: expression, expression: amount >= 0, where: customer IS NOT NULL}\n"
        "      - {type: sql, sql: late.sql}\n    max_rejected", 1,
    ))  # fmt: skip
    days.write("sql_templates/late.sql", "SELECT ordered_at FROM orders WHERE ordered_at IS NULL")
    page = report(days)["checks.html"]

    assert row(page, "orders.orders")[1] == "customer"
    assert row(page, "orders.totals")[0] == "owner, description"
