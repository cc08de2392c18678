"""How many rows a command prints: csv and json all of them, and a table that is cut says so."""

from __future__ import annotations

import csv
import json

import pytest

from tests.cli.conftest import Etl
from tests.conftest import Folder

MANY = 30
COMMANDS = [
    pytest.param(["show", "totals"], 20, id="show"),
    pytest.param(["preview", "totals"], 10, id="preview"),
    pytest.param(["sql", "SELECT * FROM totals"], 20, id="sql"),
    pytest.param(["quarantine", "show", "orders"], 20, id="quarantine show"),
    pytest.param(["quarantine", "show", "orders", "--values"], 20, id="their values"),
]


@pytest.fixture(autouse=True)
def _filled(orders: Folder) -> None:
    """The project has run over many customers, and over as many rows that do not parse."""
    lines = [f"{i},c{i},1.00,2024-06-25 08:00:00\nx{i},c,1.00," for i in range(MANY)]
    orders.write("lake/orders/1.csv", "\n".join(["order_id,customer,amount,ordered_at", *lines]))
    orders.run("orders")


@pytest.mark.parametrize(("command", "rows"), COMMANDS)
def test_a_table_is_cut_and_says_so(etl: Etl, command: list[str], rows: int) -> None:
    done = etl(*command)

    assert (done.returncode, len(done.stdout.splitlines())) == (0, rows + 2)
    assert f"the first {rows} rows; --limit 0 prints all\n" in done.stderr


@pytest.mark.parametrize(("command", "rows"), COMMANDS)
def test_csv_and_json_are_whole(etl: Etl, command: list[str], rows: int) -> None:
    as_csv, as_json = (etl(*command, "--format", format_) for format_ in ("csv", "json"))

    assert len(list(csv.reader(as_csv.stdout.splitlines()))) == MANY + 1
    assert len(json.loads(as_json.stdout)) == MANY
    assert "the first" not in as_csv.stderr + as_json.stderr


@pytest.mark.parametrize(("command", "rows"), COMMANDS)
def test_a_limit_counts_for_every_format(etl: Etl, command: list[str], rows: int) -> None:
    cut = etl(*command, "--format", "json", "--limit", "1")
    whole = etl(*command, "--limit", "0")

    assert len(json.loads(cut.stdout)) == 1
    assert "the first row; --limit 0 prints all\n" in cut.stderr
    assert len(whole.stdout.splitlines()) == MANY + 2
    assert "the first" not in whole.stderr


def test_as_many_rows_as_are_wanted_are_not_cut(etl: Etl) -> None:
    done = etl("show", "totals", "--limit", str(MANY))

    assert len(done.stdout.splitlines()) == MANY + 2
    assert "the first" not in done.stderr
