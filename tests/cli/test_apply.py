"""`etl apply`: what is said before, how it is agreed to, and what is left alone."""

from __future__ import annotations

import io
import sys

import pytest

from tests.cli.conftest import Etl
from tests.conftest import ORDERS, Folder

SMALL = ORDERS.replace("{name: orders, type: integer}", "{name: orders, type: smallint}")


@pytest.fixture
def narrower(orders: Folder) -> Folder:
    """A project with a table whose `orders` is to be a smallint."""
    orders.run("orders")
    orders.write("pipelines/orders.yml", SMALL)
    return orders


def type_of(orders: Folder, column: str) -> str:
    sql = "SELECT data_type FROM duckdb_columns() WHERE table_name = 'totals' AND column_name = "
    return str(orders.query(f"{sql}'{column}'")[0][0])


def test_it_is_said_and_done(narrower: Folder, etl: Etl) -> None:
    rows = sorted(narrower.query("SELECT customer, orders FROM totals"))
    refused = etl("run", "orders", "--date", "2024-06-25", "--fresh")
    assert refused.returncode == 1
    assert "hint: `etl apply orders --env local` converts the values" in refused.stderr

    shown = etl("apply", "orders", "--env", "local", "--dry-run")
    assert shown.returncode == 0
    assert "  orders: integer becomes smallint (rewrites the rows)\n" in shown.stdout
    assert type_of(narrower, "orders") == "INTEGER"

    done = etl("apply", "orders", "--env", "local", "--yes")
    assert (done.returncode, done.stderr) == (0, "done\n")
    assert type_of(narrower, "orders") == "SMALLINT"
    assert sorted(narrower.query("SELECT customer, orders FROM totals")) == rows

    assert etl("run", "orders", "--date", "2024-06-25", "--fresh").returncode == 0
    again = etl("apply", "orders")
    assert (again.returncode, again.stdout) == (0, "totals: as it should be\n")


def test_nothing_is_done_that_nobody_agreed_to(
    narrower: Folder, etl: Etl, monkeypatch: pytest.MonkeyPatch
) -> None:
    silent = etl("apply", "orders")
    assert silent.returncode == 2 and "give --yes" in silent.stderr

    for answer, code, type_ in (("n\n", 1, "INTEGER"), ("y\n", 0, "SMALLINT")):
        answers = io.StringIO(answer)
        monkeypatch.setattr(answers, "isatty", lambda: True)
        monkeypatch.setattr(sys, "stdin", answers)
        asked = etl("apply", "orders")
        assert "make these changes?" in asked.stderr
        assert (asked.returncode, type_of(narrower, "orders")) == (code, type_)


def test_values_in_the_way_have_the_place_of_the_kpi(narrower: Folder, etl: Etl) -> None:
    narrower.change("UPDATE totals SET orders = 70000")

    refused = etl("apply", "orders", "--yes")

    assert refused.returncode == 1 and "Traceback" not in refused.stderr
    assert refused.stderr == (
        "pipelines/orders.yml:15:3: R300 totals.orders: 2 rows have values that smallint does not "
        "hold exactly: 70000\n"
        "  hint: declare a type that holds them, or correct the rows; it is integer now\n"
    )
    assert type_of(narrower, "orders") == "INTEGER"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--drop", "nothing"), "R300 no table has a column 'nothing'"),
        (("--drop", "orders"), "'orders' is a column of the KPI, and is not dropped"),
        (("--drop", "other.remark"), "R300 no table has a column 'other.remark'"),
    ],
)
def test_a_column_that_cannot_go(
    orders: Folder, etl: Etl, arguments: tuple[str, ...], words: str
) -> None:
    orders.run("orders")

    refused = etl("apply", "orders", "--yes", *arguments)

    assert refused.returncode == 1 and words in refused.stderr


def test_a_column_goes_by_its_name_alone(orders: Folder, etl: Etl) -> None:
    orders.run("orders")
    orders.change("ALTER TABLE totals ADD COLUMN remark VARCHAR")
    assert "remark is not of the KPI, and stays" in etl("apply", "orders").stdout

    done = etl("apply", "orders", "--drop", "totals.remark", "--yes")

    assert done.returncode == 0
    assert "remark is dropped, with its values (at once)\n" in done.stdout
    assert not orders.query("SELECT 1 FROM duckdb_columns() WHERE column_name = 'remark'")


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("ordrs",), 2, "did you mean 'orders'?"),
        (("orders", "--select", "totls"), 2, "did you mean 'totals'?"),
        (("orders",), 1, "there is no warehouse yet"),
    ],
)
def test_what_is_not_there(
    orders: Folder, etl: Etl, arguments: tuple[str, ...], code: int, words: str
) -> None:
    told = etl("apply", *arguments)

    assert told.returncode == code and words in told.stderr
    assert not (orders.root / ".etl").exists()
