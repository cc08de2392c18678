"""The pages of `etl report`: their links, what they show of tables and runs, what they hide."""

from __future__ import annotations

import re

import duckdb

from etl_framework.report.chart import Point, chart
from tests.conftest import Folder
from tests.report.conftest import EVIL, Page, report, sound


def test_the_pages(days: Folder) -> None:
    pages = report(days)

    sound(pages)
    for page in pages.values():
        assert "<script>alert" not in page.file.read_text(), page.file
    wall = pages["index.html"]
    assert EVIL in wall.text
    assert "9 published, 1 failed, 1 missing" in wall.text
    assert "2024-06-26 failed: R330 no file matches" in wall.text
    (failed,) = (p for p in pages.values() if "R330 no file" in p.text and p is not wall)
    assert failed.file.parent.name == "runs" and "failed" in failed.text


def test_a_kpi_over_time(days: Folder) -> None:
    """What the chart draws is what the table holds; the last value is unlike those before."""
    kpi = report(days)["kpis/orders.totals.html"]

    rows = days.query("SELECT orders, amount FROM totals ORDER BY etl_interval_start")
    values = [*(float(row[0]) for row in rows), *(float(row[1]) for row in rows)]
    assert kpi.values == values and len(rows) == 9
    assert "unlike its past" in kpi.text
    assert re.search(r"amount\s+100\b", kpi.text)
    assert "SUM(amount) AS amount" in kpi.text


def test_the_rows_of_a_run_add_up(days: Folder) -> None:
    run = next(p for name, p in report(days).items() if "runs/orders-20240620" in name)

    assert "orders2101" in run.text  # read, could not be read, quarantined, kept
    assert "1 row" in run.text and "1 rows" not in run.text
    assert "etl quarantine replay orders" in run.text


def test_what_was_taken_out_by_rule_and_day(days: Folder) -> None:
    text = report(days)["quarantine.html"].text

    assert "couldnotberead:order_id1000000000" in re.sub(r"\s", "", text)


def test_sensitive_values_are_masked(days: Folder) -> None:
    file = days.root / "pipelines/orders.yml"
    text = file.read_text().replace(f"description: '{EVIL}'", "sensitive: true")
    file.write_text(
        text.replace(
            "- {name: customer, type: varchar(20)}\n",
            "- {name: customer, type: varchar(20), sensitive: true}\n",
        )
    )
    pages = report(days)

    assert all("ada" not in page.text for page in pages.values())
    assert "***" in pages["kpis/orders.totals.html"].text


def test_no_page_shows_a_sensitive_date_or_a_value_in_an_error(days: Folder) -> None:
    """Not as the time of a chart, either."""
    file = days.root / "pipelines/orders.yml"
    file.write_text(file.read_text()
        .replace("strategy: append", "strategy: append, interval_column: false")
        .replace("- {name: orders, type: integer}", "- {name: born, type: date, sensitive: true}\n"
                 "      - {name: orders, type: integer}"))  # fmt: skip
    template = days.root / "sql_templates/orders/totals.sql"
    text = template.read_text()
    template.write_text(
        text.replace("customer,", "customer, CAST(MIN(ordered_at) AS DATE) AS born,", 1)
    )
    days.change("DROP TABLE totals; DELETE FROM etl_ledger")
    for number in (28, 29):
        done = days.etl("run", "orders", "--date", f"2024-06-{number}")
        assert done.returncode == 0, done.stderr
    assert report(days)["kpis/orders.totals.html"].values == []

    template.write_text(text.replace("customer,", "customer, NULL AS born,", 1).replace(
        "COUNT(*)", "SUM(CAST(customer AS integer))"))  # fmt: skip
    done = days.etl("run", "orders", "--date", "2024-06-29")
    assert "Could not convert string 'ada'" in done.stderr
    pages = report(days)
    assert "Could not convert string *** to" in pages["index.html"].text
    assert not any("'ada'" in page.text for page in pages.values())


def test_numbers_that_are_none_and_very_large_ones(days: Folder) -> None:
    file = days.root / "pipelines/orders.yml"
    file.write_text(file.read_text().replace('type: "decimal(12,2)"', "type: double precision"))
    days.change("ALTER TABLE totals ALTER amount TYPE DOUBLE")
    for number, value in ((24, "inf"), (25, "nan"), (28, "1e300")):
        days.change(
            f"UPDATE totals SET amount = '{value}' "
            f"WHERE CAST(etl_interval_start AS DATE) = DATE '2024-06-{number}'"
        )
    kpi = report(days)["kpis/orders.totals.html"]
    assert (
        kpi.values == [1.0] * 9 + [2.0, 2.1, 2.2, 2.3, 2.7, 1e300, 100.0] and "1e+300" in kpi.text
    )


def test_up_to_a_day_in_the_time_zone_of_the_pipeline(days: Folder) -> None:
    file = days.root / "pipelines/orders.yml"
    file.write_text("timezone: Europe/Berlin\n" + file.read_text())
    days.change("DELETE FROM totals; DELETE FROM etl_ledger")
    for number in (21, 22, 23):
        assert days.etl("run", "orders", "--date", f"2024-06-{number}").returncode == 0
    done = days.etl("report", "--to", "2024-06-22")
    kpi = Page(days.root / "report/kpis/orders.totals.html")

    assert done.returncode == 0 and len(kpi.values) == 4
    assert "2024-06-21: 1" in kpi.text and "2024-06-22: 1" in kpi.text
    assert "2024-06-23" not in kpi.text and "2024-06-20" not in kpi.text


def test_pages_stay_until_new_ones_are_made(days: Folder) -> None:
    """If the warehouse is in use, and if a file of the project is broken."""
    before = {name: page.text for name, page in report(days).items()}
    with duckdb.connect(str(days.root / ".etl/warehouse.duckdb")):
        told = days.etl("report")
        looked = days.etl("status")
    assert (told.returncode, looked.returncode) == (1, 2)
    assert "R310" in told.stderr and "R310" in looked.stderr
    days.write("pipelines/wrong.yml", "bogus: [")
    for command in ("report", "status"):
        broken = days.etl(command)
        assert broken.returncode == 2 and "pipelines/wrong.yml:2:" in broken.stderr

    root = days.root / "report"
    after = {str(file.relative_to(root)): Page(file).text for file in root.rglob("*.html")}
    assert after == before
    assert [path.name for path in days.root.glob(".report*")] == []


def test_before_the_first_run_and_with_broken_files(orders: Folder) -> None:
    pages = report(orders)
    assert "never run" in pages["index.html"].text
    assert "nothing has been published yet" in pages["kpis/orders.totals.html"].text

    template = orders.root / "sql_templates/orders/totals.sql"
    template.write_text("SELECT")
    assert "kpis/orders.totals.html" in report(orders)


def test_a_pipeline_without_a_kpi(days: Folder) -> None:
    file = days.root / "pipelines/orders.yml"
    file.write_text(file.read_text().partition("kpis:")[0])
    pages = report(days)

    sound(pages)
    assert "no KPI from orders" in pages["index.html"].text
    assert re.search(r"Feeds\s*no KPI", pages["sources/orders.orders.html"].text)


def test_a_record_that_is_broken_and_pages_of_runs_that_are_gone(days: Folder) -> None:
    first = report(days)
    file = sorted((days.root / ".etl/staging/orders/history").glob("*.json"))[0]
    file.write_text("{")

    again = report(days)
    assert len(again) == len(first) - 1
    assert "9 published" in again["index.html"].text


def test_another_folder_is_left_alone(days: Folder) -> None:
    days.write("lake/style.css", "")
    done = days.etl("report", "--output", "lake")

    assert done.returncode == 2 and "other files than a report" in done.stderr
    nowhere = days.etl("report", "--output", "/proc/nowhere")
    assert nowhere.returncode == 2 and "cannot be written" in nowhere.stderr
    assert (days.root / "lake/orders/2024-06-20.csv").exists()


def test_a_flat_line_and_a_short_past() -> None:
    flat = chart("x", [Point(str(n), 5.0) for n in range(9)])
    assert not flat.unusual and {y for _, y, _ in flat.dots} == {45.0}
    assert chart("x", [Point("a", 1.0), Point("b", 900.0)]).band is None


def test_ten_thousand_values() -> None:
    """The line keeps its ends, its lowest and its highest value."""
    points = [Point(str(n), float(n % 97)) for n in range(10_000)]
    points[5000] = Point("5000", -40.0)
    drawn = chart("x", points)

    assert len(drawn.dots) < 400 and drawn.count == 10_000
    assert drawn.dots[0][2] is points[0] and drawn.last is points[-1]
    assert points[5000] in [point for _, _, point in drawn.dots]


def test_hostile_texts(days: Folder) -> None:
    """Of descriptions, owners, conditions, names of files, values: all stay texts."""
    hostile = "<img src=x onerror=alert(1)>\" ' & ../../etc \N{MUSICAL NOTE} {{ 7 * 7 }}"
    quoted = hostile.replace("'", "''")
    more = f"""description: '{quoted}'
    checks:
      - type: expression
        expression: "customer <> '<img src=x onerror=alert(2)>'"
        severity: warning
    max_rejected"""
    file = days.root / "pipelines/orders.yml"
    text = file.read_text().replace(EVIL, quoted).replace("max_rejected", more, 1)
    file.write_text(text.replace("{{ interval.date }}.csv", "{{ interval.date }}*.csv"))
    name = "2024-06-29-<img onerror=x> & 'ö.csv"
    header = "order_id,customer,amount,ordered_at"
    row = '3,"<img onerror=x>",5,2024-06-29 08:00:00'
    days.write(f"lake/orders/{name}", f"{header}\n{row}\n")
    done = days.etl("run", "orders", "--date", "2024-06-29")
    assert done.returncode == 0, done.stderr
    pages = report(days)

    sound(pages)
    assert all("<img" not in page.file.read_text() for page in pages.values())
    assert hostile in pages["index.html"].text
    assert "<img onerror=x>" in pages["kpis/orders.totals.html"].text
    assert any(name in page.text for page in pages.values())
    assert all(re.fullmatch(r"[\w./-]+", name) for name in pages)
