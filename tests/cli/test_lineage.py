import json

import pytest

from tests.conftest import Folder


def test_from_the_target_to_the_source_and_back(orders: Folder) -> None:
    up = orders.etl("lineage", "totals.orders").stdout
    assert up.splitlines()[0] == "totals.orders"
    assert "  orders.*" in up.splitlines()

    down = orders.etl("lineage", "orders.order_id", "--down")
    assert down.stdout.startswith("orders.order_id"), down.stderr


def test_a_column_alone_is_that_of_kpis(orders: Folder) -> None:
    assert orders.etl("lineage", "amount").stdout.splitlines()[0] == "totals.amount"
    assert orders.etl("lineage", "order_id").stdout.splitlines()[0] == "orders.order_id"


def test_all_formats_tell_of_every_column(orders: Folder) -> None:
    found = json.loads(orders.etl("lineage", "--format", "json").stdout)
    text = orders.etl("lineage").stdout
    drawn = orders.etl("lineage", "--format", "mermaid").stdout

    assert found
    for each in found:
        assert each["column"] in text
        assert f'"{each["column"].partition(".")[2]}"' in drawn
    assert drawn.startswith("flowchart LR")


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("total", "did you mean 'totals'?"),
        ("totals.order", "'totals' has no column 'order'"),
        ("nowhere.totals", "no pipeline has a source, transform or KPI 'nowhere.totals'"),
    ],
)
def test_a_name_that_is_not_there(orders: Folder, name: str, says: str) -> None:
    done = orders.etl("lineage", name)

    assert done.returncode == 2
    assert says in done.stderr
