"""What the numbers on a KPI's page are made of."""

from __future__ import annotations

import re
import shutil

from tests.conftest import Folder
from tests.report.conftest import EVIL, report, sound

PAGE = "kpis/orders.totals.html"


def test_each_number_taken_apart(days: Folder) -> None:
    pages = report(days, "--explain")

    sound(pages)
    text, html = pages[PAGE].text, pages[PAGE].file.read_text()
    assert "The rows of [2024-06-29 00:00, 2024-06-30 00:00)" in text
    rows = [re.findall(r"<td[^>]*>(.*?)</td>", row) for row in re.findall(r"<tr>.*</tr>", html)]
    assert ["KPI", "totals", "1", "1"] in rows
    assert ["source", "orders", "1", "1"] in rows
    assert "etl explain totals --where customer=ada --date 2024-06-29" in text
    assert "What the numbers are made of" not in report(days)[PAGE].text


def test_rows_that_were_taken_out(days: Folder) -> None:
    """Of the first day, which has one that could not be read."""
    pages = report(days, "--explain", "--to", "2024-06-20")

    assert "orders: could not be read" in pages[PAGE].text


def test_values_that_look_like_markup_or_a_command(days: Folder) -> None:
    evil = f"{EVIL[:14]}'; rm"
    rows = f'order_id,customer,amount,ordered_at\n1,"{evil}",2,2024-06-29 08:00:00\n'
    days.write("lake/orders/2024-06-29.csv", rows)
    assert days.etl("run", "orders", "--date", "2024-06-29").returncode == 0
    pages = report(days, "--explain")

    sound(pages)
    assert "<script>alert" not in pages[PAGE].file.read_text()
    assert evil in pages[PAGE].text


def test_sensitive_values_stay_hidden(days: Folder) -> None:
    file = days.root / "pipelines/orders.yml"
    file.write_text(file.read_text().replace("varchar(20)}", "varchar(20), sensitive: true}"))
    assert days.etl("run", "orders", "--date", "2024-06-29").returncode == 0
    page = report(days, "--explain")[PAGE]

    assert "What the numbers are made of" in page.text
    assert "ada" not in page.file.read_text()


def test_a_staging_that_is_gone_or_sql_that_cannot_be_traced(days: Folder) -> None:
    days.write(
        "sql_templates/orders/totals.sql",
        "SELECT customer, COUNT(*) AS orders, SUM(amount) AS amount FROM orders"
        " WHERE amount > (SELECT MIN(amount) - 1 FROM orders) GROUP BY customer",
    )
    assert "What the numbers are made of" in report(days, "--explain")[PAGE].text
    shutil.rmtree(days.root / ".etl/staging/orders")
    page = report(days, "--explain")[PAGE]
    assert "staging has no run of it" in page.text or "nothing has been published" in page.text
