"""`etl run` of several pipelines, and of one KPI."""

from __future__ import annotations

import pytest

from tests.cli.conftest import Etl
from tests.conftest import ORDERS, TOTALS, Folder

DAY = ("--date", "2024-06-25")


@pytest.fixture
def orders(orders: Folder) -> Folder:
    """shop, after it later, and after that last; other stands alone."""
    (orders.root / "pipelines/orders.yml").unlink()
    for name, more in (
        ("shop", ""), ("later", "after: [shop.shop]\n"), ("last", "after: [later.later]\n"),
        ("other", ""),
    ):  # fmt: skip
        text = ORDERS.replace("name: orders\n", f"name: {name}\n{more}")
        text = text.replace("  totals:", f"  {name}:").replace("table: totals", f"table: {name}")
        orders.write(f"pipelines/{name}.yml", text)
    return orders


def tables(folder: Folder) -> set[str]:
    return {
        name
        for (name,) in folder.query("SELECT table_name FROM duckdb_tables()")
        if not name.startswith("etl_")
    }


def test_in_the_order_in_which_they_wait(orders: Folder, etl: Etl) -> None:
    done = etl("run", "shop+1", "other", *DAY)
    assert done.returncode == 0, done.stderr
    titles = [line.split()[0] for line in done.stderr.splitlines() if " in local, " in line]
    assert titles == ["other", "shop", "later"]
    assert "3 pipelines: 3 done" in done.stderr
    assert tables(orders) == {"shop", "later", "other"}


def test_one_that_fails_stops_those_after_it(orders: Folder, etl: Etl) -> None:
    file = orders.root / "pipelines/shop.yml"
    file.write_text(file.read_text().rstrip() + "\n    checks: [{type: row_count, min: 99}]\n")
    done = etl("run", "*", *DAY)

    assert done.returncode == 1
    assert "later is not run: it comes after shop" in done.stderr
    assert "last is not run: it comes after later" in done.stderr
    assert "4 pipelines: 1 done, 1 failed (shop), 2 not run (later, last)" in done.stderr
    assert "R320" in done.stderr
    assert tables(orders) == {"other"}


def test_a_name_that_is_none(orders: Folder, etl: Etl) -> None:
    for wrong in (("shap",), ("shop", "shap"), ("tag:x",)):
        done = etl("run", *wrong, *DAY)
        assert done.returncode == 2
        assert "R100 " in done.stderr
    assert etl("run", *DAY).returncode == 2


def test_one_kpi_with_what_it_needs(orders: Folder, etl: Etl) -> None:
    file = orders.root / "pipelines/shop.yml"
    kpi = (
        file.read_text()
        .partition("kpis:\n")[2]
        .replace("shop", "second")
        .replace("orders/totals.sql", "second.sql")
    )
    file.write_text(file.read_text().rstrip() + "\n" + kpi)
    orders.write("sql_templates/second.sql", TOTALS)
    done = etl("run", "shop", "--select", "second", *DAY)

    assert done.returncode == 0, done.stderr
    assert tables(orders) == {"second"}
    assert "kpi.shop" not in done.stderr
    assert etl("run", "shop", *DAY).returncode == 0
    assert tables(orders) == {"shop", "second"}
    (targets,) = orders.query("SELECT targets FROM etl_ledger")
    assert '"shop"' in targets[0] and '"second"' in targets[0]
    wrong = etl("run", "shop", "--select", "secnd", *DAY)
    assert (wrong.returncode, "did you mean 'second'?" in wrong.stderr) == (2, True)
    both = etl("run", "shop", "other", "--select", "second", *DAY, "--fresh")
    assert both.returncode == 0, both.stderr
    assert "data interval" in both.stderr and "other in" not in both.stderr
    assert etl("run", "shop.second", *DAY).returncode == 0
