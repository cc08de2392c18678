"""The page of a source: rows, rejected rows by rule, files, when they came, columns, freshness."""

from __future__ import annotations

import os
import re
import shutil
from datetime import UTC, datetime, timedelta

import pytest

from etl_framework.devstack.stack import Stack
from etl_framework.report.sources import age
from tests.conftest import Folder, bucket, in_the_cluster
from tests.report.conftest import EVIL, report, sound

PAGE = "sources/orders.orders.html"


def words(text: str) -> str:
    return re.sub(r"\s+", " ", text)


def test_rows_of_each_data_interval(days: Folder) -> None:
    pages = report(days)
    text = words(pages[PAGE].text)

    sound(pages)
    assert "Data interval read could not be read: order_id kept files Newest file" in re.sub(
        "(?<=[a-z])(?=could|kept|files|Newest)|(?<=interval)(?=read)", " ", text)  # fmt: skip
    assert "2024-06-202111" in text  # read, could not be read, kept, files
    assert "2024-06-291011" in text
    assert "2024-06-26" not in pages[PAGE].text  # its file is missing
    assert "rows taken out 1" in text and "could not be read: order_id" in text
    assert "etl quarantine show orders.orders" in text
    assert "sources/orders.orders.html" in pages["index.html"].links
    assert "sources/orders.orders.html" in pages["quarantine.html"].links


def test_when_files_came_and_how_long_they_may_take(days: Folder) -> None:
    file = days.root / "pipelines/orders.yml"
    file.write_text(file.read_text().replace("max_rejected", "wait: 6h\n    max_rejected", 1))
    for number, hours in ((20, 2), (21, 9)):
        came = datetime(2024, 6, number + 1, tzinfo=UTC) + timedelta(hours=hours)
        os.utime(days.root / f"lake/orders/2024-06-{number}.csv", (came.timestamp(),) * 2)
        assert days.etl("run", "orders", "--fresh", "--date", f"2024-06-{number}").returncode == 0
    page = report(days)[PAGE]
    text = words(page.text)

    assert "2024-06-21 02:00 UTC</td>" in page.file.read_text()
    assert '2024-06-22 09:00 UTC <span class="tag fail">late</span>' in page.file.read_text()
    assert "May take 6h from the end of the data interval" in re.sub("(?<=take)(?=6h)", " ", text)
    assert 'class="limit"' in page.file.read_text()
    assert "hours from the interval's end to the newest file" in text


def test_a_rerun_that_reuses_the_rows_keeps_the_files(days: Folder) -> None:
    assert days.etl("run", "orders", "--date", "2024-06-20").returncode == 0

    assert "2024-06-202111" in words(report(days)[PAGE].text)


def test_columns_that_are_not_declared_and_the_newest_row(days: Folder) -> None:
    file = days.root / "pipelines/orders.yml"
    file.write_text(file.read_text().replace(
        "max_rejected", "on_new_column: warn\n    checks:\n"
        "      - {type: freshness, column: ordered_at, max_age: 2d}\n    max_rejected", 1,
    ))  # fmt: skip
    (days.root / "lake/orders/2024-06-29.csv").write_text(
        f"order_id,customer,amount,ordered_at,{EVIL}\n1,ada,1,2024-06-29 08:00:00,x\n"
    )
    assert days.etl("run", "orders", "--date", "2024-06-29").returncode == 0
    page = report(days)[PAGE]

    assert f"2024-06-29: not declared: {EVIL}" in page.text
    assert "2024-06-29: newest 2024-06-29 08:00:00" in page.text
    assert "<script>alert" not in page.file.read_text()


@pytest.mark.parametrize("engine", ["duckdb", "redshift"])
def test_from_a_bucket_into_redshift(days: Folder, stack: Stack, engine: str) -> None:
    """Files tell when they were written; what moved most is read from the cluster, too."""
    in_the_cluster(days, engine)
    file = days.root / "pipelines/orders.yml"
    file.write_text(file.read_text().replace("strategy: append", "strategy: snapshot"))
    shutil.rmtree(days.root / ".etl")
    for number in (28, 29):
        name = f"orders/2024-06-{number}.csv"
        rows = f"1,ada,{number},2024-06-{number} 08:00:00\nx,bo,1,2024-06-{number} 08:00:00\n"
        bucket().write(name, f"order_id,customer,amount,ordered_at\n{rows}".encode())
        done = days.etl("run", "orders", "--date", f"2024-06-{number}")
        assert done.returncode == 0, done.stderr
    pages = report(days)
    today = f"{datetime.now(UTC):%Y-%m-%d}"

    sound(pages)
    assert f"{today} " in words(pages[PAGE].text)
    assert "minute" in pages[PAGE].text
    assert "etl quarantine replay orders.orders" in pages["quarantine.html"].text
    assert "ada" in pages["kpis/orders.totals.html"].text
    assert "+3.6%" in pages["kpis/orders.totals.html"].text


def test_before_the_first_run(orders: Folder) -> None:
    pages = report(orders)

    sound(pages)
    assert "It has not been read yet" in pages[PAGE].text


@pytest.mark.parametrize(
    ("span", "text"),
    [
        pytest.param(timedelta(days=3, hours=5), "3 days", id="days"),
        pytest.param(timedelta(hours=1), "1 hour", id="one hour"),
        pytest.param(timedelta(seconds=5), "less than a minute", id="seconds"),
        pytest.param(timedelta(hours=-2), "-2 hours", id="before"),
    ],
)
def test_an_age(span: timedelta, text: str) -> None:
    assert age(span) == text
