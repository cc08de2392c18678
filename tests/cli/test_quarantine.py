"""`etl quarantine`: rejected rows are listed, shown, corrected and sent again, or dropped."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import pytest

from tests.cli.conftest import Etl
from tests.conftest import Folder

DAY = ("--date", "2024-06-25")
BAD = """
order_id,customer,amount,ordered_at
four,eve,1.00,2024-06-25 11:00:00
5,fay,-2.00,2024-06-25 12:00:00
6,"gus
the 2nd",,2024-06-25 13:00:00
"""


@pytest.fixture
def dirty(orders: Folder, etl: Etl) -> Folder:
    """The small project after a run: one row that does not parse, two that break a check."""
    file = orders.root / "pipelines/orders.yml"
    text = file.read_text().replace(
        "kpis:",
        "    checks:\n"
        "      - {type: accepted_range, column: amount, min: 0, on_fail: quarantine}\n"
        "      - {type: not_null, columns: [amount], on_fail: quarantine}\nkpis:",
    )
    file.write_text(text)
    orders.write("lake/orders/2.csv", BAD)
    assert etl("run", "orders", *DAY).returncode == 0
    return orders


def shown(etl: Etl, *options: str) -> list[dict[str, Any]]:
    found = etl("quarantine", "show", "orders", "--format", "json", *options)
    assert found.returncode == 0, found.stderr
    return json.loads(found.stdout)


def totals(folder: Folder) -> list[tuple[Any, ...]]:
    return folder.query("SELECT customer, orders, CAST(amount AS VARCHAR) FROM totals ORDER BY 1")


def correct(folder: Folder, etl: Etl, **changes: dict[str, str]) -> list[str]:
    """Write the file that corrects rows, each by its rule's first word; the arguments to use it."""
    listed = etl("quarantine", "show", "orders", "--values", "--format", "csv", "--limit", "0")
    rows = list(csv.DictReader(io.StringIO(listed.stdout)))
    for row in rows:
        row.update(changes.get(row["etl_rule"].split()[0], {}))
    out = io.StringIO()
    writer = csv.DictWriter(out, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    file = folder.root / "fix.csv"
    file.write_text(out.getvalue())
    return ["--with", str(file)]


def correct_all(folder: Folder, etl: Etl) -> list[str]:
    """The arguments of a replay with a correction of every rejected row."""
    return correct(
        folder, etl, parse={"order_id": "4"}, accepted_range={"amount": "2"},
        not_null={"amount": "3.5", "customer": "gus"},
    )  # fmt: skip


def test_every_rejected_row_is_shown_with_its_file_line_and_form(dirty: Folder, etl: Etl) -> None:
    rows = shown(etl)

    assert [(row["rule"], row["file"], row["line"], row["row"]) for row in rows] == [
        ("parse", "orders/2.csv", 2, "four,eve,1.00,2024-06-25 11:00:00"),
        ("accepted_range amount", "orders/2.csv", 3, "5,fay,-2.00,2024-06-25 12:00:00"),
        ("not_null amount", "orders/2.csv", 4, '6,"gus\nthe 2nd",,2024-06-25 13:00:00'),
    ]
    assert len({row["id"] for row in rows}) == 3
    assert {row["state"] for row in rows} == {"open"}


@pytest.mark.parametrize(
    ("options", "lines"),
    [
        (("--rule", "parse"), [2]),
        (("--limit", "2"), [2, 3]),
        (("--date", "2024-06-24"), []),
        (DAY, [2, 3, 4]),
    ],
)
def test_some_of_them(dirty: Folder, etl: Etl, options: tuple[str, ...], lines: list[int]) -> None:
    assert [row["line"] for row in shown(etl, *options)] == lines
    first = shown(etl)[0]
    assert shown(etl, "--id", first["id"]) == [first]


def test_the_list_counts_them(dirty: Folder, etl: Etl) -> None:
    listed = json.loads(etl("quarantine", "list", "--format", "json").stdout)

    assert [(row["source"], row["rule"], row["open"]) for row in listed] == [
        ("orders", "accepted_range amount", 1), ("orders", "not_null amount", 1),
        ("orders", "parse", 1),
    ]  # fmt: skip


def test_corrected_rows_take_the_place_of_rejected_ones_and_twice_is_once(
    dirty: Folder, etl: Etl
) -> None:
    fix = correct_all(dirty, etl)
    for _ in range(2):
        replayed = etl("quarantine", "replay", "orders", *fix)

        assert replayed.returncode == 0, replayed.stderr
        assert totals(dirty) == [
            ("ada", 2, "15.75"), ("bob", 1, "20.00"), ("eve", 1, "1.00"), ("fay", 1, "2.00"),
            ("gus", 1, "3.50"),
        ]  # fmt: skip
        assert shown(etl) == []
        (entry,) = json.loads(etl("show", "ledger", "--format", "json").stdout)
        assert entry["sources"] == [{"source": "orders", "read": 6, "kept": 6, "quarantined": 0}]
        fix = []


def test_rows_of_a_file_in_the_archive_are_corrected_once(dirty: Folder, etl: Etl) -> None:
    file = dirty.root / "pipelines/orders.yml"
    text = file.read_text().replace("orders/*.csv", "orders/*.csv\n    archive: processed/")
    file.write_text(text)
    assert etl("run", "orders", *DAY).returncode == 0
    assert not list((dirty.root / "lake/orders").iterdir())
    fix = correct_all(dirty, etl)

    for _ in range(2):
        replayed = etl("quarantine", "replay", "orders", *fix)
        assert replayed.returncode == 0, replayed.stderr
        assert [row[0] for row in totals(dirty)] == ["ada", "bob", "eve", "fay", "gus"]
        assert shown(etl) == []


def test_a_correction_that_breaks_a_rule_leaves_the_row_where_it_was(
    dirty: Folder, etl: Etl
) -> None:
    ids = {row["line"]: row["id"] for row in shown(etl)}
    fix = correct(
        dirty, etl, parse={"order_id": "4", "amount": "-7"}, accepted_range={"amount": "-8"}
    )

    assert etl("quarantine", "replay", "orders", *fix).returncode == 0

    rows = shown(etl)
    assert {row["line"]: row["id"] for row in rows} == ids
    assert [(row["line"], row["rule"], row["state"]) for row in rows] == [
        (2, "accepted_range amount", "corrected"), (3, "accepted_range amount", "corrected"),
        (4, "not_null amount", "open"),
    ]  # fmt: skip
    assert rows[0]["row"] == "four,eve,1.00,2024-06-25 11:00:00"

    again = correct(dirty, etl, accepted_range={"amount": "7"})
    assert etl("quarantine", "replay", "orders", *again).returncode == 0

    assert [row["line"] for row in shown(etl)] == [4]
    assert ("eve", 1, "7.00") in totals(dirty)


def test_a_file_that_changes_nothing_runs_nothing(dirty: Folder, etl: Etl) -> None:
    replayed = etl("quarantine", "replay", "orders", *correct(dirty, etl))

    assert replayed.returncode == 0 and replayed.stdout == ""
    assert "differs from what was rejected" in replayed.stderr


def test_a_list_that_is_cut_says_so(dirty: Folder, etl: Etl) -> None:
    assert "--limit 0" in etl("quarantine", "show", "orders", "--limit", "2").stderr
    assert etl("quarantine", "show", "orders", "--limit", "3").stderr == ""


def test_rows_that_are_valid_now_need_no_correction(dirty: Folder, etl: Etl) -> None:
    file = dirty.root / "pipelines/orders.yml"
    file.write_text(file.read_text().replace("min: 0", "min: -5"))

    assert etl("quarantine", "replay", "orders").returncode == 0

    assert [row["line"] for row in shown(etl)] == [2, 4]
    assert ("fay", 1, "-2.00") in totals(dirty)


def test_dropped_rows_stay_out_and_are_no_longer_open(dirty: Folder, etl: Etl) -> None:
    assert "1 rejected rows" in etl("quarantine", "drop", "orders", "--rule", "parse").stderr
    assert "0 rejected rows" in etl("quarantine", "drop", "orders", "--rule", "parse").stderr
    assert "2 rejected rows" in etl("quarantine", "drop", "orders", "--all").stderr

    assert {row["state"] for row in shown(etl)} == {"dropped"}
    assert "nothing to replay" in etl("quarantine", "replay", "orders").stderr


def test_drop_needs_to_know_which(dirty: Folder, etl: Etl) -> None:
    found = etl("quarantine", "drop", "orders")

    assert found.returncode == 2 and "--all" in found.stderr


@pytest.mark.slow
@pytest.mark.parametrize(
    ("text", "problems"),
    [
        ("order_id\n4\n", ["fix.csv:1:1: R100 the first line names no column 'etl_id'"]),
        ("etl_id,amont\nx,4\n", ["fix.csv:1:2:", "did you mean 'amount'?"]),
        ("etl_id,amount\nx,4\ny,5\n", ["fix.csv:2:1:", "fix.csv:3:1:", "has the id 'y'"]),
        ("etl_id,amount\nID,four\n", ["fix.csv:2:2:", '"four" is not a valid decimal(10,2)']),
        ("etl_id,amount\nID,4.005\n", ["fix.csv:2:2:", "does not fit decimal(10,2) exactly"]),
        ("etl_id,order_id,amount\nID,7,4,9\n", ["fix.csv:2:1:", "has 4 values, the header 3"]),
        ("etl_id,amount\nID,4\nID,5\n", ["fix.csv:3:1:", "a second line"]),
    ],
)
def test_corrections_that_cannot_be_change_nothing(
    dirty: Folder, etl: Etl, text: str, problems: list[str]
) -> None:
    before = shown(etl)
    fix = dirty.write("fix.csv", text.replace("ID", before[1]["id"]))

    found = etl("quarantine", "replay", "orders", "--with", fix.name)

    assert found.returncode == 2
    for problem in problems:
        assert problem in found.stderr
    assert shown(etl) == before


def test_what_was_appended_is_replayed(dirty: Folder, etl: Etl) -> None:
    file = dirty.root / "pipelines/orders.yml"
    file.write_text(file.read_text().replace("table: totals", "table: added, strategy: append"))
    assert etl("run", "orders", *DAY).returncode == 0
    assert dirty.query("SELECT COUNT(*) FROM added") == [(2,)]

    fix = correct_all(dirty, etl)
    for _ in range(2):
        assert etl("quarantine", "replay", "orders", *fix).returncode == 0
        assert dirty.query("SELECT COUNT(*) FROM added") == [(5,)]


def test_what_was_appended_without_its_interval_cannot_be_replayed(dirty: Folder, etl: Etl) -> None:
    file = dirty.root / "pipelines/orders.yml"
    without = "table: added, strategy: append, interval_column: false"
    file.write_text(file.read_text().replace("table: totals", without))
    assert etl("run", "orders", *DAY).returncode == 0

    found = etl("quarantine", "replay", "orders")

    assert found.returncode == 2 and "appended to 'added'" in found.stderr


def test_sensitive_values_are_shown_only_when_asked_for(dirty: Folder, etl: Etl) -> None:
    file = dirty.root / "pipelines/orders.yml"
    text = file.read_text().replace(
        "varchar(20)}\n      - {name: amount",
        "varchar(20), sensitive: true}\n      - {name: amount",
        1,
    )
    file.write_text(text)

    for found in (
        etl("quarantine", "show", "orders").stdout,
        etl("quarantine", "show", "orders", "--values").stdout,
        etl("show", "quarantine.orders").stdout,
    ):
        assert "***" in found and "eve" not in found and "fay" not in found
    assert "eve" in etl("quarantine", "show", "orders", "--reveal").stdout
    fix = correct(dirty, etl, accepted_range={"amount": "2"})
    assert etl("quarantine", "replay", "orders", *fix).returncode == 0
    assert ("fay", 1, "2.00") in totals(dirty)


def test_an_unknown_source(dirty: Folder, etl: Etl) -> None:
    found = etl("quarantine", "show", "order")

    assert found.returncode == 2 and "did you mean 'orders'?" in found.stderr


def test_rows_with_a_key_and_rows_that_did_not_parse_are_shown_together(
    orders: Folder, etl: Etl
) -> None:
    file = orders.root / "pipelines/orders.yml"
    file.write_text(
        file.read_text()
        .replace("required: true}", "primary_key: true}", 1)
        .replace(
            "kpis:",
            "    checks:\n"
            "      - {type: accepted_range, column: amount, min: 0, on_fail: quarantine}\nkpis:",
        )
    )
    orders.write("lake/orders/2.csv", BAD)
    assert etl("run", "orders", *DAY).returncode == 0

    assert [row["key"] for row in shown(etl)] == [None, {"order_id": "5"}]
