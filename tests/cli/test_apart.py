"""`etl explain --where`: one number taken apart."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.cli.conftest import Etl
from tests.conftest import ORDERS, Folder, in_postgres

ROWS = """\
order_id,customer,amount,ordered_at
1,ada,1.00,2024-06-25 08:00:00
2,bob,2.00,2024-06-25 09:00:00
3,ada,4.00,2024-06-25 10:00:00
4,ada,oops,2024-06-25 11:00:00
5,ada,-8.00,2024-06-25 12:00:00
6,bob,-9.00,2024-06-25 12:00:00
"""
CHECKED = ORDERS.replace('max_rejected: "50%"', 'max_rejected: "90%"').replace(
    "kpis:\n",
    """\
    checks:
      - {type: accepted_range, column: amount, min: 0, on_fail: quarantine}
kpis:
""",
)


@pytest.fixture
def sold(orders: Folder) -> Folder:
    """Orders of which one cannot be read, and two break a check."""
    for file in (orders.root / "lake/orders").glob("*.csv"):
        file.unlink()
    orders.write("pipelines/orders.yml", CHECKED)
    orders.write("lake/orders/a.csv", ROWS)
    return orders


def apart(etl: Etl, *where: str, of: str = "totals") -> dict[str, Any]:
    asked = [part for condition in where for part in ("--where", condition)]
    done = etl("explain", of, *asked, "--format", "json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_a_number_with_all_that_made_it(sold: Folder, etl: Etl) -> None:
    assert etl("run", "orders", "--date", "2024-06-25").returncode == 0

    told = apart(etl, "customer=ada")
    assert told["published"] == told["rows"]
    assert told["rows"][0]["orders"] == 2
    assert told["run"]["how"] == "etl run"
    steps = {step["name"]: (step["kind"], step["rows"], step["of_it"]) for step in told["steps"]}
    assert steps == {"totals": ("kpi", 2, 1), "orders": ("source", 3, 2)}
    assert {(out["rule"], out["rows"]) for out in told["taken_out"]} == {
        ("could not be read", 1),
        ("accepted_range amount", 1),
    }
    places = [(row["file"], row["line"]) for row in told["samples"]["orders"]]
    assert places == [("orders/a.csv", 2), ("orders/a.csv", 4)]

    text = etl("explain", "totals", "--where", "customer=ada").stdout
    assert "the table totals has the same\npublished 20" in text
    assert "orders  could not be read         1\n" in text


def test_a_table_that_has_another_number(sold: Folder, etl: Etl) -> None:
    etl("run", "orders", "--date", "2024-06-25")
    sold.change("UPDATE totals SET orders = 7 WHERE customer = 'ada'")

    assert apart(etl, "customer=ada")["published"][0]["orders"] == 7
    assert (
        "the table totals has\n  customer"
        in etl("explain", "totals", "--where", "customer=ada").stdout
    )
    sold.change("DELETE FROM totals WHERE customer = 'ada'")
    assert "totals has no such row" in etl("explain", "totals", "--where", "customer=ada").stdout


def test_before_any_run(sold: Folder, etl: Etl) -> None:
    told = apart(etl, "customer=bob")
    assert (told["run"], told["published"]) == (None, None)
    assert told["steps"][-1]["of_it"] == 1
    text = etl("explain", "totals", "--where", "customer=bob").stdout
    assert "its table totals cannot be read" in text


def test_a_warehouse_elsewhere(sold: Folder, etl: Etl, postgres: str) -> None:
    in_postgres(sold, postgres)
    etl("run", "orders", "--date", "2024-06-25")

    told = apart(etl, "customer=ada", "orders=2")
    assert told["published"] == told["rows"]


@pytest.mark.parametrize(
    ("where", "said"),
    [
        ("customer=adda", "no row of totals has customer = adda"),
        ("customer=adda", "did you mean 'ada'?"),
        ("customer=", "no row of totals has customer = no value"),
        ("costumer=ada", "totals has no column 'costumer'\n  hint: did you mean 'customer'?"),
        ("orders=many", "'many' is no integer, which totals.orders has"),
        ("customer", "'customer' is not COLUMN=VALUE"),
    ],
)
def test_what_is_not_there(sold: Folder, etl: Etl, where: str, said: str) -> None:
    etl("run", "orders", "--date", "2024-06-25")
    done = etl("explain", "totals", "--where", where)

    assert done.returncode in (1, 2)
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_sensitive_values_stay_hidden(sold: Folder, etl: Etl) -> None:
    file = sold.root / "pipelines/orders.yml"
    text = file.read_text()
    file.write_text(text.replace("name: customer,", "name: customer, sensitive: true,"))
    etl("run", "orders", "--date", "2024-06-25")

    done = etl("explain", "totals", "--where", "orders=2")
    assert done.returncode == 0, done.stderr
    assert "ada" not in done.stdout
    assert "***" in done.stdout
    wrong = etl("explain", "totals", "--where", "customer=adda")
    assert "did you mean" not in wrong.stderr
