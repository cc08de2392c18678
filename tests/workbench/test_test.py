"""Unit tests of SQL in YAML: on rows in memory, with nothing else there."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest

from etl_framework.project.project import load_project
from etl_framework.workbench.test import Verdict, run_tests
from tests.conftest import ORDERS, Folder


def verdicts(folder: Folder, tests: str, relation: str | None = None) -> list[Verdict]:
    """The verdicts of the tests of the KPI `totals`."""
    folder.write("pipelines/orders.yml", ORDERS + textwrap.indent(textwrap.dedent(tests), "    "))
    project = load_project(folder.root)
    assert project.diagnostics() == []
    return list(
        run_tests(project.root, project.pipeline("orders"), {relation} if relation else None)
    )


GIVEN = """
tests:
  - name: sums
    given:
      orders:
        - {order_id: 1, customer: ada, amount: 10.50}
        - {order_id: 2, customer: ada, amount: 0.25}
        - {order_id: 3, amount: 1}
    expect:
"""


@pytest.mark.parametrize(
    ("expect", "passes"),
    [
        pytest.param("""
            - {customer: ada, orders: 2, amount: 10.75}
            - {customer: null, orders: 1, amount: "1.00"}
            """, True, id="as computed"),
        pytest.param("""
            - {customer: null, orders: 1}
            - {customer: ada, orders: 2}
            """, True, id="fewer columns, another order"),
        pytest.param("""
            - {CUSTOMER: null, ORDERS: 1}
            - {CUSTOMER: ada, ORDERS: 2}
            """, True, id="upper case"),
        pytest.param("""
            - {customer: null, orders: 1, amount: 1}
            - {customer: ada, orders: 2, amount: 10.76}
            """, False, id="a cent off"),
        pytest.param("- {customer: ada, orders: 2, amount: 10.75}", False, id="a row too few"),
        pytest.param("""
            - {orders: 1}
            - {orders: 2}
            - {orders: 2}
            """, False, id="a row twice"),
    ],
)  # fmt: skip
def test_a_result_is_compared_with_what_is_expected(
    orders: Folder, expect: str, passes: bool
) -> None:
    tests = GIVEN + textwrap.indent(textwrap.dedent(expect).strip("\n"), " " * 6)
    (verdict,) = verdicts(orders, tests)

    assert verdict.passed is passes, verdict.differences


def test_no_rows_can_be_expected(orders: Folder) -> None:
    nothing, something = verdicts(
        orders,
        """
        tests:
          - {name: nothing, given: {}, expect: []}
          - {name: something, given: {orders: [{order_id: 1}]}, expect: []}
        """,
    )

    assert nothing.passed
    assert [each.actual for each in something.differences] == [(None, 1, None)]


def test_transforms_are_computed_or_given(orders: Folder) -> None:
    orders.write("sql_templates/orders/good.sql", "SELECT * FROM orders WHERE amount > 1\n")
    orders.write("sql_templates/orders/totals.sql", """
        SELECT customer, COUNT(*) AS orders, SUM(amount) AS amount FROM good GROUP BY 1
        """)  # fmt: skip
    transforms = "transforms:\n  good: {sql: orders/good.sql}\nkpis:"
    yaml = ORDERS.replace("kpis:", transforms) + textwrap.indent(textwrap.dedent("""
        tests:
          - name: computed
            given: {orders: [{customer: ada, amount: 1}, {customer: ada, amount: 2}]}
            expect: [{customer: ada, orders: 1}]
          - name: given
            given: {good: [{customer: ada, amount: 1}, {customer: ada, amount: 2}]}
            expect: [{customer: ada, orders: 2}]
        """), "    ")  # fmt: skip
    orders.write("pipelines/orders.yml", yaml)
    project = load_project(orders.root)

    found = list(run_tests(project.root, project.pipeline("orders")))

    assert [verdict.passed for verdict in found] == [True, True]


def test_a_python_transform_is_called(orders: Folder) -> None:
    orders.write("double.py", """
        def twice(orders):
            return orders[["customer"]].assign(amount=orders["amount"] * 2)
        """)  # fmt: skip
    transform = textwrap.indent(textwrap.dedent("""
        transforms:
          doubled:
            python: double:twice
            inputs: [orders]
            columns:
              - {name: customer, type: varchar(20)}
              - {name: amount, type: "decimal(10,2)"}
            tests:
              - name: twice_the_amount
                given: {orders: [{customer: ada, amount: 1.25}]}
                expect: [{customer: ada, amount: 2.50}]
        """), "").strip() + "\nkpis:"  # fmt: skip
    orders.write("pipelines/orders.yml", ORDERS.replace("kpis:", transform))
    project = load_project(orders.root)

    (verdict,) = run_tests(project.root, project.pipeline("orders"))

    assert verdict.passed, verdict.error or verdict.differences


def test_the_data_interval_can_be_chosen(orders: Folder) -> None:
    orders.write("sql_templates/orders/totals.sql", """
        SELECT customer, COUNT(*) AS orders, SUM(amount) AS amount FROM orders
        WHERE ordered_at >= {{ interval.start }} AND ordered_at < {{ interval.end }} GROUP BY 1
        """)  # fmt: skip
    row = "{customer: ada, amount: 1, ordered_at: 2024-06-25 23:59:59}"
    found = verdicts(
        orders,
        f"""
        tests:
          - name: inside
            date: 2024-06-25
            given: {{orders: [{row}]}}
            expect: [{{customer: ada}}]
          - name: a_day_later
            date: 2024-06-26
            given: {{orders: [{row}]}}
            expect: []
        """,
    )

    assert [verdict.passed for verdict in found] == [True, True]


def test_sql_that_breaks_is_a_failure_and_hides_no_other_test(orders: Folder) -> None:
    long, short = verdicts(
        orders,
        """
        tests:
          - name: too_long
            given: {orders: [{customer: a customer of more than twenty letters}]}
            expect: []
          - {name: short, given: {orders: [{customer: ada}]}, expect: [{orders: 1}]}
        """,
    )

    assert long.error == "totals.customer is longer than varchar(20)"
    assert short.passed


def test_nothing_is_connected_to_and_nothing_written(orders: Folder) -> None:
    before = sorted(path for path in orders.root.rglob("*") if "pipelines" not in path.parts)
    verdicts(orders, "tests:\n  - {name: none, given: {}, expect: []}")

    assert sorted(p for p in orders.root.rglob("*") if "pipelines" not in p.parts) == before
    assert not Path(orders.root, ".etl").exists()
