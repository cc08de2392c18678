"""The page of rows that were taken out: what is open, for how long, by rule and data interval."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta

from tests.conftest import Folder
from tests.report.conftest import Page, report, sound


def opened(page: Page) -> list[list[str]]:
    """The rows of the table of what is open, as texts."""
    html = page.file.read_text().partition('aria-label="Open rows"')[2].partition("</table>")[0]
    rows = re.findall("<tr><th scope=.row.>(.*?)</tr>", html)
    return [[re.sub("<.*?>", "", cell) for cell in re.split("</th>|</td>", row) if cell]
            for row in rows]  # fmt: skip


def test_what_is_open_and_how_to_send_it_again(days: Folder) -> None:
    pages = report(days)

    sound(pages)
    ((name, rows, interval, age, command),) = opened(pages["quarantine.html"])
    assert (name, rows, interval) == ("orders.orders", "1", "2024-06-20")
    assert age == "less than a minute" or "minute" in age
    assert command == "etl quarantine replay orders.orders"
    again = report(days, "--env", "local")["quarantine.html"]
    assert opened(again)[0][-1] == "etl quarantine replay orders.orders --env local"
    assert days.etl(*command.split()[1:]).returncode == 0


def test_for_how_long_counts_from_the_first_run(days: Folder) -> None:
    """Also if a later run has taken the same rows out again."""
    first = sorted((days.root / ".etl/staging/orders/history").glob("*20240620T*.json"))[0]
    assert days.etl("run", "orders", "--fresh", "--date", "2024-06-20").returncode == 0
    age(first, timedelta(days=40))

    assert opened(report(days)["quarantine.html"])[0][3] == "40 days"


def age(file, span: timedelta) -> None:
    """Let the steps of a record have started earlier."""
    from etl_framework.storage.seal import sealed

    content = json.loads(file.read_text())
    content.pop("digest")
    for step in content["steps"]:
        step["started"] = (datetime.now(UTC) - span).isoformat(timespec="milliseconds")
    file.write_bytes(sealed(content, indent=1))


def test_what_is_decided_is_not_open(days: Folder) -> None:
    done = days.etl("quarantine", "drop", "orders", "--all")
    assert done.returncode == 0, done.stderr
    text = report(days)["quarantine.html"].text

    assert "No row is open." in text
    assert "could not be read" in text


def test_one_of_two_is_decided(days: Folder) -> None:
    file = days.root / "lake/orders/2024-06-20.csv"
    file.write_text(file.read_text() + "y,bo,1,2024-06-20 00:00:00\n")
    file_of = days.root / "pipelines/orders.yml"
    file_of.write_text(file_of.read_text().replace("50%", "90%"))
    assert days.etl("run", "orders", "--date", "2024-06-20").returncode == 0
    shown = days.etl("quarantine", "show", "orders", "--format", "json")
    first = json.loads(shown.stdout)[0]["id"]
    assert days.etl("quarantine", "drop", "orders", "--id", first).returncode == 0

    assert opened(report(days)["quarantine.html"])[0][1] == "1"


def test_nothing_was_ever_taken_out(orders: Folder) -> None:
    pages = report(orders)

    sound(pages)
    assert "No row is open." in pages["quarantine.html"].text


def test_of_a_source_that_is_gone(days: Folder) -> None:
    """Its history stays on the page; nothing can send its rows again."""
    file = days.root / "pipelines/orders.yml"
    file.write_text(file.read_text().replace("  orders:\n    type: csv", "  sales:\n    type: csv"))
    template = days.root / "sql_templates/orders/totals.sql"
    template.write_text(template.read_text().replace("FROM orders", "FROM sales"))
    pages = report(days)

    sound(pages)
    assert "No row is open." in pages["quarantine.html"].text
    assert "could not be read" in pages["quarantine.html"].text


def test_of_a_pipeline_that_is_gone(days: Folder) -> None:
    (days.root / "pipelines/orders.yml").unlink()
    pages = report(days)

    sound(pages)
    assert "No pipeline yet." in pages["index.html"].text
