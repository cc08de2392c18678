"""What runs took: seconds by their records, and what Redshift remembers of their statements."""

from __future__ import annotations

import re
from contextlib import closing

import pytest

from etl_framework.connections.redshift.connection import Redshift
from etl_framework.devstack.stack import Stack
from etl_framework.project.project import load_project
from etl_framework.report.costs import size
from etl_framework.run.history import records
from tests.conftest import ROWS, Folder, bucket, in_the_cluster
from tests.report.conftest import report, sound
from tests.targets.places import REDSHIFT

# For what nobody can tell.
DASH = "\N{EN DASH}"
ROW = re.compile(r'<tr><th scope="row">orders</th>(.*?)</tr>')


def cells(folder: Folder) -> list[str]:
    """What the first page says of the pipeline `orders`, below its heading."""
    pages = report(folder)
    sound(pages)
    html = pages["index.html"].file.read_text().partition('id="costs"')[2]
    found = ROW.search(html)
    return re.findall("<td>(.*?)</td>", found[1]) if found else []


@pytest.mark.parametrize(
    ("count", "said"),
    [
        pytest.param(None, "", id="nobody can tell"),
        pytest.param(0, "0 B", id="nothing"),
        pytest.param(999, "999 B", id="bytes"),
        pytest.param(1_500_000_000, "1.5 GB", id="gigabytes"),
        pytest.param(2_500_000_000_000_000, "2,500.0 TB", id="no larger unit"),
    ],
)
def test_size(count: int | None, said: str) -> None:
    assert size(count) == said


def test_seconds_are_those_of_all_steps(days: Folder) -> None:
    staging = load_project(days.root).workspace(None).staging
    steps = [step for record in records(staging, "orders") for step in record.steps]
    seconds = sum(step.seconds for step in steps)

    assert cells(days) == ["10", f"{seconds:.2f}"]  # DuckDB tells nothing


def test_a_pipeline_that_never_ran_has_no_costs(orders: Folder) -> None:
    assert cells(orders) == []


@pytest.mark.slow
def test_what_redshift_tells(orders: Folder, stack: Stack) -> None:
    in_the_cluster(orders, "redshift")
    bucket().write("orders/1.csv", ROWS.encode())
    orders.run("orders")

    runs, _, statements, seconds, scanned, spilled = cells(orders)
    assert (runs, scanned, spilled) == ("1", DASH, DASH)  # the stand-in counts no bytes
    assert 10 < int(statements) < 200
    assert float(seconds) > 0

    with closing(Redshift(**REDSHIFT).open_session(orders.root)) as session:
        # What a cluster tells besides: two steps of one query of the pipeline, one of another's.
        session.run("SET query_group TO 'etl:orders_daily:publish'")
        session.run("SELECT 1 AS of_another_pipeline")
        (ours,), (other,) = (
            session.run(f"SELECT MAX(query_id) FROM sys_query_history WHERE {which}").rows[0]
            for which in (
                "LEFT(query_label, 11) = 'etl:orders:'",
                "query_text LIKE '%of_another_pipeline'",
            )
        )
        for query, step, size_ in (
            (ours, "scan", 1_500_000),
            (ours, "sort", 700_000),
            (other, "scan", 9),
        ):
            session.run(
                "INSERT INTO redshift.query_steps VALUES (?, ?, GETDATE(), ?, 2, 1)",
                (query, step, size_),
            )
    assert cells(orders)[2] == statements
    assert cells(orders)[4:] == ["1.5 MB", "6.3 MB"]
