"""The lineage on the pages of KPIs and sources: boxes, links, the columns of a column."""

from __future__ import annotations

import json
import re

from etl_framework.report.lineage import short
from tests.conftest import Folder
from tests.report.conftest import EVIL, Page, report, sound

# Reads the table of the first, and comes after it.
NEXT = """
name: weekly
schedule: "@daily"
start_date: 2024-06-20
after: [orders.totals]
sources:
  sums:
    type: postgres
    connection: warehouse
    table: totals
    columns:
      - {name: customer, type: varchar(20)}
      - {name: amount, type: "decimal(12,2)"}
kpis:
  best:
    sql: best.sql
    target: {connection: warehouse, table: best}
    columns:
      - {name: customer, type: varchar(20), primary_key: true}
      - {name: buyers, type: bigint}
"""


def boxes(page: Page) -> list[str]:
    return re.findall('data-box="[^"]+" data-kind="[^"]+"><title>([^<]+)', page.file.read_text())


def of_column(page: Page, column: str) -> dict[str, list[str]]:
    """What belongs to a column, by box: its first column, and the text for all."""
    found = re.search(f"id=\"column-{column}\" data-boxes='([^']+)'", page.file.read_text())
    assert found
    places = boxes(page)
    return {places[int(place)]: columns for place, columns in json.loads(found[1]).items()}


def test_a_kpi_and_its_source(days: Folder) -> None:
    pages = report(days)
    kpi, source = pages["kpis/orders.totals.html"], pages["sources/orders.orders.html"]

    sound(pages)
    assert boxes(kpi) == boxes(source) == ["orders.orders", "orders.totals"]
    assert "../sources/orders.orders.html" in kpi.links
    assert "../kpis/orders.totals.html#column-amount" in source.links
    assert of_column(kpi, "amount") == {
        "orders.totals": ["amount", "amount"], "orders.orders": ["amount", "amount"]
    }  # fmt: skip
    assert of_column(kpi, "orders")["orders.orders"] == ["*", "rows"]
    assert "Made of" in kpi.text and "orders.rows" in kpi.text


def test_through_another_pipeline_that_reads_the_table(days: Folder) -> None:
    days.write("pipelines/weekly.yml", NEXT)
    days.write("sql_templates/best.sql", "SELECT customer, COUNT(*) AS buyers FROM sums GROUP BY 1")
    pages = report(days)

    sound(pages)
    best = pages["kpis/weekly.best.html"]
    assert boxes(best) == ["orders.orders", "orders.totals", "weekly.sums", "weekly.best"]
    assert set(of_column(best, "customer")) == set(boxes(best))
    totals = pages["kpis/orders.totals.html"]
    assert re.search(r"Read by\s*weekly\.sums, weekly", totals.text)
    assert "../index.html#pipeline-weekly" in totals.links

    alone = report(days, "--pipeline", "orders")
    sound(alone)
    assert re.search(r"Read by\s*weekly\s", alone["kpis/orders.totals.html"].text)


def test_who_reads_a_kpi_outside_the_pipelines(days: Folder) -> None:
    file = days.root / "pipelines/orders.yml"
    file.write_text(file.read_text().replace("    target:", f"""    exposures:
      - {{name: "{EVIL}", url: "https://bi.example/?a=1&b='2'", owner: finance}}
      - {{name: nightly mail}}
    target:"""))  # fmt: skip
    pages = report(days)
    kpi = pages["kpis/orders.totals.html"]

    sound(pages)
    assert "<script>alert" not in kpi.file.read_text()
    assert kpi.links.count("https://bi.example/?a=1&b='2'") == 2
    assert f"{EVIL} (finance), nightly mail" in kpi.text
    assert len(boxes(pages["sources/orders.orders.html"])) == 4


def test_an_address_that_is_none(days: Folder) -> None:
    file = days.root / "pipelines/orders.yml"
    exposures = "    exposures: [{name: x, url: 'javascript:alert(1)'}]\n    target:"
    file.write_text(file.read_text().replace("    target:", exposures))

    assert "is not a valid url" in days.etl("lint").stdout


def test_sql_with_errors_has_a_sentence_instead(days: Folder) -> None:
    days.write("sql_templates/orders/totals.sql", "SELECT")
    pages = report(days)

    sound(pages)
    assert "nobody can tell what it is made of" in pages["kpis/orders.totals.html"].text
    assert "nobody can tell what is made of it" in pages["sources/orders.orders.html"].text


def test_two_hundred_columns_made_of_all_in_python(days: Folder) -> None:
    """A page of a bearable size, though every column is made of two hundred."""
    names = [f"c{number:03}" for number in range(200)]
    listed = "".join(f"      - {{name: {name}, type: integer}}\n" for name in names)
    days.write(
        "pipelines/wide.yml",
        f"""
name: wide
sources:
  raw:
    type: csv
    connection: lake
    path: wide.csv
    columns:
{listed}transforms:
  made:
    python: wide_code:made
    inputs: [raw]
    columns:
{listed}kpis:
  wide:
    sql: wide.sql
    target: {{connection: warehouse, table: wide}}
    columns:
{listed}""",
    )
    days.write("wide_code.py", "def made(raw):\n    return raw\n")
    days.write("sql_templates/wide.sql", f"SELECT {', '.join(names)} FROM made")
    page = report(days, "--pipeline", "wide")["kpis/wide.wide.html"]

    assert "and 192 more" in page.text
    assert of_column(page, "c007")["wide.raw"] == ["c000", "c000, c001 +198"]
    assert page.file.stat().st_size < 400_000


def test_a_text_fits_into_a_box() -> None:
    assert short("listens") == "listens"
    assert len(short("x" * 63)) == 22
