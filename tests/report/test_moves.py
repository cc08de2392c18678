"""What moved most in the tables of KPIs since the last data interval."""

from __future__ import annotations

import re

import pytest

from etl_framework.report.moves import SHOWN, Move, ranked
from tests.conftest import Folder, in_postgres
from tests.report.conftest import EVIL, Page, report

NONE = "\N{EN DASH}"
PAGE = "kpis/orders.totals.html"


def snapshots(days: Folder) -> None:
    """Make the table one that keeps a copy of all customers for each data interval."""
    file = days.root / "pipelines/orders.yml"
    file.write_text(file.read_text()
        .replace("strategy: append", "strategy: snapshot")
        .replace("{name: customer, type: varchar(20)", "{name: customer, type: varchar(40)")
        .replace(f"type: varchar(40), description: '{EVIL}'",
                 "type: varchar(40), primary_key: true"))  # fmt: skip
    days.change("DROP TABLE totals; DELETE FROM etl_ledger")  # of DuckDB
    rows = {
        28: [("ada", 10), ("bo", 100), ("cy", 50), ("di", 20)],
        29: [("ada", 11), ("bo", 101), ("cy", 250), (EVIL, 7)],
    }
    for day, amounts in rows.items():
        lines = [f'{n},"{who}",{amount},2024-06-{day} 08:00:00' for n, (who, amount) in
                 enumerate(amounts)]  # fmt: skip
        (days.root / f"lake/orders/2024-06-{day}.csv").write_text(
            "order_id,customer,amount,ordered_at\n" + "\n".join(lines) + "\n"
        )
        done = days.etl("run", "orders", "--date", f"2024-06-{day}")
        assert done.returncode == 0, done.stderr


def moved(page: Page) -> list[list[str]]:
    """The rows of the table, as texts."""
    html = page.file.read_text()
    table = html.partition('aria-label="What moved most"')[2].partition("</table>")[0]
    rows = re.findall("<tr>(.*?)</tr>", table.partition("<tbody>")[2], re.S)
    cells = (re.findall("<td.*?>(.*?)</td>", row) for row in rows)
    return [[re.sub("<.*?>", "", cell).replace(NONE, "-") for cell in row] for row in cells]


def test_what_stands_out_comes_first(days: Folder) -> None:
    snapshots(days)
    page = report(days)[PAGE]

    assert "From 2024-06-28 to 2024-06-29" in page.text
    rows = moved(page)
    assert ["cy", "amount", "50", "250", "+200", "+400.0%"] in rows
    assert rows.index(["cy", "amount", "50", "250", "+200", "+400.0%"]) < rows.index(
        ["bo", "amount", "100", "101", "+1", "+1.0%"]
    )
    assert ["di", "amount", "20", "-", "-20", "gone"] in rows
    assert ["&lt;script&gt;alert(1)&lt;/script&gt;", "amount", "-", "7", "+7", "new"] in rows


def test_in_postgres(days: Folder, postgres: str) -> None:
    in_postgres(days, postgres)
    snapshots(days)

    assert ["cy", "amount", "50", "250", "+200", "+400.0%"] in moved(report(days)[PAGE])


def test_no_sensitive_category_is_named(days: Folder) -> None:
    snapshots(days)
    file = days.root / "pipelines/orders.yml"
    text = file.read_text()
    file.write_text(text.replace("primary_key: true", "primary_key: true, sensitive: true"))
    page = report(days)[PAGE]

    assert "No column of its key names a category that may be shown" in page.text
    assert "ada" not in page.text


def test_a_column_that_is_sensitive_in_the_source_alone(days: Folder) -> None:
    """Its name is hidden in all relations of the pipeline, as in other commands."""
    snapshots(days)
    file = days.root / "pipelines/orders.yml"
    source = "- {name: customer, type: varchar(40)}"
    assert source in file.read_text()
    file.write_text(file.read_text().replace(source, source.replace("}", ", sensitive: true}")))

    assert "ada" not in report(days)[PAGE].text


def test_a_table_that_keeps_one_data_interval(days: Folder) -> None:
    file = days.root / "pipelines/orders.yml"
    file.write_text(file.read_text().replace("strategy: append", "strategy: replace"))

    page = report(days)[PAGE]
    assert "The strategy replace keeps no rows of the data interval before." in page.text


def test_too_many_categories(days: Folder) -> None:
    snapshots(days)
    days.change(
        "INSERT INTO totals BY NAME SELECT 'c' || range AS customer, 1 AS orders, 2 AS amount, "
        "(SELECT max(etl_interval_start) FROM totals) AS etl_interval_start FROM range(6000)"
    )

    assert "more than 2,500 values" in report(days)[PAGE].text


def test_one_data_interval(days: Folder) -> None:
    snapshots(days)
    days.change("DELETE FROM totals WHERE etl_interval_start = "
                "(SELECT max(etl_interval_start) FROM totals)")  # fmt: skip

    assert "none before to compare with" in report(days)[PAGE].text


def test_a_measure_with_large_numbers_does_not_push_others_aside() -> None:
    before = {(name,): (1_000_000, 0.5) for name in "abcdef"}
    now = {(name,): (1_000_000 + 1000 * n, 0.5) for n, name in enumerate("abcdef")}
    now["f",] = (1_005_000, 0.9)

    first = ranked(before, now, ["revenue", "rate"])[0]
    assert first == Move(("f",), "rate", 0.5, 0.9)


def test_what_moved_everywhere_alike_stands_behind() -> None:
    before = {(str(n),): (100,) for n in range(9)}
    now = {(str(n),): (90,) for n in range(8)} | {("8",): (100 - 5,)}

    moves = ranked(before, now, ["sold"])
    assert moves[0].category == ("8",) and len(moves) == 9


def test_not_more_than_a_page_shows() -> None:
    before = {(n,): (0,) for n in range(1000)}
    now = {(n,): (n,) for n in range(1000)}

    assert len(ranked(before, now, ["sold"])) == SHOWN
    assert ranked({}, {}, ["sold"]) == []


@pytest.mark.parametrize(
    ("before", "now", "share"),
    [
        pytest.param(50, 250, "+400.0%", id="more"),
        pytest.param(-50, -75, "-50.0%", id="below zero"),
        pytest.param(0, 5, "from 0", id="from zero"),
        pytest.param(None, 5, "new", id="new"),
        pytest.param(5, None, "gone", id="gone"),
    ],
)
def test_in_percent(before: float | None, now: float | None, share: str) -> None:
    assert Move(("a",), "sold", before, now).share == share


def test_numbers_that_are_none() -> None:
    moves = ranked({("a",): (float("nan"),)}, {("a",): (float("inf"),)}, ["sold"])
    assert moves == []
