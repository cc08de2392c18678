"""`etl test`: what it prints, and its exit codes."""

from __future__ import annotations

import json
import textwrap

import pytest

from tests.cli.conftest import Etl
from tests.conftest import ORDERS, Folder

TESTS = """
tests:
  - name: counts
    given: {orders: [{customer: ada, amount: 2.5}, {customer: ada}, {customer: bob}]}
    expect:
      - {customer: ada, orders: 2, amount: 2.50}
      - {customer: bob, orders: BOB, amount: null}
"""


@pytest.fixture
def tested(orders: Folder) -> Folder:
    return with_tests(orders, "1")


def with_tests(folder: Folder, bob: str) -> Folder:
    """The small project whose test expects so many orders of bob."""
    tests = textwrap.indent(TESTS.replace("BOB", bob), "    ")
    folder.write("pipelines/orders.yml", ORDERS + tests)
    return folder


def test_tests_that_pass(tested: Folder, etl: Etl) -> None:
    done = etl("test")

    assert done.returncode == 0
    assert done.stdout.startswith("✓ orders.totals counts  ")
    assert done.stderr == "1 passed, 0 failed\n"


def test_a_difference_is_readable(orders: Folder, etl: Etl) -> None:
    with_tests(orders, "2")
    done = etl("test", "orders.totals")

    assert done.returncode == 1
    assert done.stderr == "0 passed, 1 failed\n"
    assert done.stdout.splitlines() == [
        "✗ orders.totals counts  pipelines/orders.yml:24:9",
        "              customer  orders  amount",
        "    --------  --------  ------  ------  ---------------",
        "    expected  bob            2  NULL",
        "    found     bob            1  NULL    differs: orders",
    ]


def test_for_machines(orders: Folder, etl: Etl) -> None:
    with_tests(orders, "2")
    (found,) = json.loads(etl("test", "--format", "json").stdout)

    assert (found["relation"], found["test"], found["passed"]) == ("totals", "counts", False)
    assert (found["path"], found["line"]) == ("pipelines/orders.yml", 24)
    assert found["differences"] == [
        {
            "expected": {"customer": "bob", "orders": 2, "amount": None},
            "found": {"customer": "bob", "orders": 1, "amount": None},
        }
    ]


def test_a_column_that_does_not_exist_is_named_with_its_place(tested: Folder, etl: Etl) -> None:
    file = tested.root / "pipelines/orders.yml"
    file.write_text(file.read_text().replace("{customer: bob}]", "{custmer: bob}]"))
    done = etl("test")

    assert done.returncode == 2
    assert "pipelines/orders.yml:25:74: E311 'orders' has no column 'custmer'" in done.stderr
    assert "did you mean 'customer'?" in done.stderr


@pytest.mark.parametrize(
    ("name", "words"),
    [
        pytest.param("ordrs", "did you mean 'orders'?", id="a pipeline"),
        pytest.param("orders.totls", "did you mean 'totals'?", id="a relation"),
    ],
)
def test_a_mistyped_name_is_no_success(tested: Folder, etl: Etl, name: str, words: str) -> None:
    done = etl("test", name)

    assert done.returncode == 2
    assert words in done.stderr


def test_a_relation_by_its_name_alone(tested: Folder, etl: Etl) -> None:
    assert etl("test", "totals").stderr == "1 passed, 0 failed\n"


def test_a_table_for_machines_is_whole_and_one_for_people_says_what_it_leaves_out(
    orders: Folder, etl: Etl
) -> None:
    lines = "".join(f"{number},c{number},1,\n" for number in range(30))
    orders.write("lake/orders/1.csv", f"order_id,customer,amount,ordered_at\n{lines}")
    orders.run("orders")

    assert len(etl("show", "totals", "--format", "csv").stdout.splitlines()) == 31
    assert len(json.loads(etl("show", "totals", "--format", "json").stdout)) == 30
    shown = etl("show", "totals")
    assert "the first 20 rows; --limit 0 prints all" in shown.stderr
    assert len(shown.stdout.splitlines()) == 22
    assert etl("show", "totals", "--limit", "0").stderr == ""
