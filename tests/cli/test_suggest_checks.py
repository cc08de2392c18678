"""`etl suggest-checks`: what it prints can be pasted, is clean, and is kept by the rows it saw."""

from __future__ import annotations

import json

import pytest
import yaml

from tests.cli.conftest import Etl
from tests.conftest import Folder

pytestmark = pytest.mark.slow
DAY = ("--date", "2024-06-25")
PIPELINE = """
    name: shop
    schedule: "@daily"
    sources:
      products:
        type: csv
        connection: lake
        path: products.csv
        columns:
          - {name: product_id, type: integer, primary_key: true}
          - {name: code, type: varchar(8)}
      sales:
        type: csv
        connection: lake
        path: sales.csv
        columns:
          - {name: sale_id, type: integer}
          - {name: product_id, type: integer}
          - {name: channel, type: varchar(10)}
          - {name: amount, type: "decimal(10,2)"}
          - {name: note, type: varchar(50)}
          - {name: mail, type: varchar(50), sensitive: true}
          - {name: sold_at, type: timestamp}
    """


@pytest.fixture
def shop(orders: Folder, etl: Etl) -> Folder:
    """A hundred sales; two of a product that is not known, ten without a note."""
    (orders.root / "pipelines/orders.yml").unlink()
    (orders.root / "sql_templates/orders/totals.sql").unlink()
    orders.write("pipelines/shop.yml", PIPELINE)
    products = "".join(f"{n},AB{n:04}\n" for n in range(40))
    orders.write("lake/products.csv", "product_id,code\n" + products)
    notes = ["" if n % 10 == 0 else f"{'x' * (n % 7 + 1)}-{n % 30 + 10}" for n in range(100)]
    sales = "".join(
        f"{n},{n % 40 if n > 1 else 999},{('web', 'shop')[n % 2]},{n % 17}.25,"
        f"{notes[n]},eve{n}@example.com,2024-06-25 10:00:{n % 60:02}\n"
        for n in range(100)
    )
    header = "sale_id,product_id,channel,amount,note,mail,sold_at\n"
    orders.write("lake/sales.csv", header + sales)
    assert etl("run", "shop", *DAY).returncode == 0
    return orders


def suggested(etl: Etl, relation: str) -> list[dict[str, object]]:
    found = etl("suggest-checks", relation)
    assert found.returncode == 0, found.stderr
    return yaml.safe_load(found.stdout)["checks"]


def test_each_kind_that_suits(shop: Folder, etl: Etl) -> None:
    assert suggested(etl, "sales") == [
        {"type": "row_count", "min": 50},
        {
            "type": "not_null",
            "columns": ["sale_id", "product_id", "channel", "amount", "mail", "sold_at"],
        },
        {"type": "unique", "columns": ["sale_id"]},
        {
            "type": "relationships", "column": "product_id", "to": "products.product_id",
            "error_if": ">3%",
        },
        {"type": "accepted_values", "column": "channel", "values": ["shop", "web"]},
        {"type": "accepted_range", "column": "amount", "min": 0.25, "max": 16.25},
        {"type": "null_rate", "column": "note", "max": "15%"},
        {"type": "length", "column": "note", "min": 4, "max": 10},
        {"type": "unique", "columns": ["mail"]},
        {"type": "freshness", "column": "sold_at", "max_age": "15h"},
    ]  # fmt: skip
    assert {"type": "pattern", "column": "code", "pattern": "^[0-9A-Z]{6}$"} in suggested(
        etl, "products"
    )


def test_the_observed_rates_stand_behind_and_nothing_sensitive(shop: Folder, etl: Etl) -> None:
    text = etl("suggest-checks", "shop.sales").stdout

    assert "2 of 100 are not there" in text and "10 of 100 empty, 10.00%" in text
    assert "@" not in text and "example" not in text


def test_keys_of_another_type_relate_to_nothing(shop: Folder, etl: Etl) -> None:
    file = shop.root / "pipelines/shop.yml"
    text = file.read_text()
    file.write_text(
        text.replace("product_id, type: integer, pri", "product_id, type: varchar(9), pri")
    )
    assert etl("run", "shop", *DAY).returncode == 0

    assert "relationships" not in {each["type"] for each in suggested(etl, "sales")}


def test_pasted_they_are_clean_kept_and_not_suggested_again(shop: Folder, etl: Etl) -> None:
    file = shop.root / "pipelines/shop.yml"
    for relation in ("sales", "products"):
        block = etl("suggest-checks", relation).stdout
        text = file.read_text()
        following = text.index("  sales:") if relation == "products" else len(text)
        file.write_text(text[:following] + block + text[following:])

    assert json.loads(etl("lint", "--ignore", "W303", "--format", "json").stdout) == []
    ran = etl("run", "shop", *DAY)
    assert ran.returncode == 0, ran.stderr
    assert "nothing to add" in etl("suggest-checks", "sales").stderr


def test_what_was_never_run_cannot_be_looked_at(orders: Folder, etl: Etl) -> None:
    found = etl("suggest-checks", "orders")

    assert found.returncode == 1 and "run it first: etl run orders" in found.stderr
