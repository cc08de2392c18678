"""`etl show`: targets, the ledger, rejected rows, and names that nothing has."""

from __future__ import annotations

import csv
import io
import json

import pytest

from tests.conftest import Folder

pytestmark = pytest.mark.slow
DAY = ("--date", "2024-06-25")


@pytest.fixture
def done(orders: Folder) -> Folder:
    """The small project with one bad row, after its run."""
    with (orders.root / "lake/orders/1.csv").open("a") as file:
        file.write("four,eve,1.00,2024-06-25 11:00:00\n")
    orders.run("orders")
    return orders


def show(folder: Folder, *arguments: str) -> str:
    shown = folder.etl("show", *arguments)
    assert shown.returncode == 0, shown.stderr
    return shown.stdout


def test_a_target_as_a_table(done: Folder) -> None:
    assert show(done, "totals").splitlines() == [
        "customer  orders  amount",
        "--------  ------  ------",
        "ada            2   15.75",
        "bob            1   20.00",
    ]


def test_a_target_as_csv(done: Folder) -> None:
    text = show(done, "totals", "--format", "csv", "--order-by", "-amount")

    assert list(csv.reader(io.StringIO(text))) == [
        ["customer", "orders", "amount"], ["bob", "1", "20.00"], ["ada", "2", "15.75"]
    ]  # fmt: skip


def test_a_target_as_json(done: Folder) -> None:
    rows = json.loads(show(done, "totals", "--format", "json", "--limit", "1"))

    assert rows == [{"customer": "ada", "orders": 2, "amount": "15.75"}]


def test_the_ledger(done: Folder) -> None:
    (row,) = json.loads(show(done, "ledger", "--format", "json"))

    assert (row["pipeline"], row["environment"]) == ("orders", "local")
    assert row["sources"] == [{"source": "orders", "read": 4, "kept": 3, "quarantined": 1}]
    assert row["targets"] == [{"table": "totals", "strategy": "replace", "rows": 2}]
    assert {check["status"] for check in row["checks"]} == {"pass"}


def test_a_ledger_that_somebody_changed(done: Folder) -> None:
    import duckdb

    with duckdb.connect(str(done.root / ".etl/warehouse.duckdb")) as connection:
        connection.execute("UPDATE etl_ledger SET checks = left(checks, 20)")

    shown = done.etl("show", "ledger")

    assert shown.returncode == 1
    assert shown.stderr.startswith("R340 a row of etl_ledger was changed by hand")
    assert done.etl("run", "orders", *DAY).returncode == 0
    assert json.loads(show(done, "ledger", "--format", "json"))


def test_rejected_rows(done: Folder) -> None:
    (row,) = json.loads(show(done, "quarantine.orders", "--format", "json"))

    assert (row["file"].rpartition("/")[2], row["line"], row["name"]) == ("1.csv", 5, "order_id")
    assert row["row"] == "four,eve,1.00,2024-06-25 11:00:00"
    assert row["reason"]


def test_no_rejected_rows(orders: Folder) -> None:
    orders.run("orders")

    assert json.loads(show(orders, "quarantine.orders", "--format", "json")) == []


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        pytest.param(["total"], "did you mean 'totals'?", id="a target"),
        pytest.param(["quarantine.order"], "did you mean 'orders'?", id="a source"),
        pytest.param(["legder"], "did you mean 'ledger'?", id="the ledger"),
        pytest.param(["totals", "--order-by", "-amont"], "did you mean 'amount'?", id="a column"),
        pytest.param(["totals", "--env", "locl"], "did you mean 'local'?", id="an environment"),
        pytest.param(["totals", "--format", "xml"], "'table', 'csv', 'json'", id="a format"),
    ],
)
def test_unknown_names(done: Folder, arguments: list[str], hint: str) -> None:
    shown = done.etl("show", *arguments)

    assert shown.returncode == 2
    assert hint in shown.stderr
    assert "Traceback" not in shown.stderr


@pytest.mark.parametrize("name", ["totals", "ledger"])
def test_before_any_run(orders: Folder, name: str) -> None:
    shown = orders.etl("show", name)

    assert shown.returncode == 1
    assert "there is no warehouse yet" in shown.stderr
    assert "run a pipeline first" in shown.stderr
    assert not (orders.root / ".etl").exists()


def test_lists_of_the_ledger_are_json_in_csv_too(orders: Folder) -> None:
    orders.run("orders")

    shown = orders.etl("show", "ledger", "--format", "csv").stdout

    (row,) = csv.DictReader(io.StringIO(shown))
    assert json.loads(row["sources"]) == [
        {"source": "orders", "read": 3, "kept": 3, "quarantined": 0}
    ]


def test_a_kpi_by_its_name_alone_or_with_its_pipelines(done: Folder) -> None:
    """Two pipelines may each have a KPI of one name: neither stands in for the other."""
    other = (done.root / "pipelines/orders.yml").read_text()
    other = other.replace("name: orders", "name: returns", 1).replace("table: totals", "table: t2")
    done.write("pipelines/returns.yml", other)

    ambiguous = done.etl("show", "totals")
    assert show(done, "orders.totals").splitlines()[2].startswith("ada")
    missing = done.etl("show", "returns.totals")
    table = done.etl("show", "t2")

    assert (ambiguous.returncode, "write orders.totals or returns.totals" in ambiguous.stderr) == (
        2,
        True,
    )
    assert "'t2' has not been made yet" in missing.stderr
    assert "'t2' has not been made yet" in table.stderr
