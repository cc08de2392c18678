"""`etl repro`: the step of a run that failed, again on this machine."""

from __future__ import annotations

import json
import subprocess
from typing import Any

import duckdb
import pytest

from etl_framework.devstack.stack import Stack
from tests.cli.conftest import Etl
from tests.conftest import Folder, bucket, in_the_cluster

HEAD = "order_id,customer,amount,ordered_at\n"
ROWS = HEAD + "1,ada,1.00,2024-06-25 08:00:00\n2,bob,-2.00,2024-06-25 09:00:00\n"
CHECK = "    checks: [{type: accepted_range, column: amount, min: 0}]\n"


@pytest.fixture
def broken(orders: Folder) -> Folder:
    """A KPI that breaks a check, in a repository."""
    for file in (orders.root / "lake/orders").glob("*.csv"):
        file.unlink()
    orders.write("lake/orders/a.csv", ROWS)
    file = orders.root / "pipelines/orders.yml"
    file.write_text(file.read_text().rstrip() + "\n" + CHECK)
    orders.write(".gitignore", ".etl/\n")
    git(orders, "init", "-q")
    commit(orders)
    return orders


def git(folder: Folder, *arguments: str) -> None:
    who = ("-c", "user.name=t", "-c", "user.email=t@example.com")
    subprocess.run(["git", *who, *arguments], cwd=folder.root, check=True, capture_output=True)


def commit(folder: Folder) -> None:
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "as it is")


def failed(etl: Etl) -> str:
    """The name of a run that fails."""
    assert etl("run", "orders", "--date", "2024-06-25").returncode == 1
    return newest(etl)


def newest(etl: Etl) -> str:
    return json.loads(etl("show", "runs", "--format", "json").stdout)[0]["run"]


def view(folder: Folder, sql: str) -> list[Any]:
    (database,) = (folder.root / ".etl/repro").glob("*/repro.duckdb")
    with duckdb.connect(str(database), read_only=True) as connection:
        return connection.execute(sql).fetchall()


def test_it_fails_as_it_did(broken: Folder, etl: Etl) -> None:
    run = failed(etl)
    warehouse = (broken.root / ".etl/warehouse.duckdb").exists()
    (broken.root / "lake/orders/a.csv").unlink()  # what the run had read is enough

    done = etl("repro", run[:17])
    assert done.returncode == 1, done.stderr
    assert (
        "check.totals fails again: check 'accepted_range amount' of 'totals' failed" in done.stdout
    )
    assert "pipelines/orders.yml:" in done.stdout
    assert view(broken, "SELECT customer, amount < 0 FROM totals ORDER BY 1") == [
        ("ada", False),
        ("bob", True),
    ]
    assert view(broken, "SELECT COUNT(*) FROM orders") == [(2,)]
    assert (broken.root / ".etl/warehouse.duckdb").exists() == warehouse
    assert newest(etl) == run


def test_the_files_are_those_of_the_commit(broken: Folder, etl: Etl) -> None:
    run = failed(etl)
    file = broken.root / "pipelines/orders.yml"
    file.write_text(file.read_text().replace(CHECK, ""))
    commit(broken)
    assert etl("run", "orders", "--date", "2024-06-25").returncode == 0

    done = etl("repro", run)
    assert "the files are those of commit " in done.stdout
    assert "check.totals fails again" in done.stdout


def test_an_output_that_a_later_run_has_made_anew(broken: Folder, etl: Etl) -> None:
    run = failed(etl)
    etl("run", "orders", "--date", "2024-06-25", "--fresh")
    told = etl("repro", run).stdout
    assert "- kpi.totals was done again by a later run, and is as that has left it" in told
    assert "done again by a later run" not in etl("repro", newest(etl)).stdout


def test_files_that_were_not_committed(broken: Folder, etl: Etl) -> None:
    file = broken.root / "pipelines/orders.yml"
    file.write_text(file.read_text().replace("min: 0", "min: 1"))

    assert "in what nobody knows" in etl("repro", failed(etl)).stdout


def test_what_was_mended_passes(broken: Folder, etl: Etl) -> None:
    broken.write("lake/orders/a.csv", "order_id\n1\n")
    run = failed(etl)
    broken.write("lake/orders/a.csv", ROWS)

    done = etl("repro", run)
    assert done.returncode == 0
    assert "- the source is read as it is now" in done.stdout
    assert "extract.orders passes here: 2 read" in done.stdout
    assert view(broken, "SELECT COUNT(*) FROM orders") == [(2,)]


def test_another_step(broken: Folder, etl: Etl) -> None:
    run = failed(etl)
    done = etl("repro", run, "--step", "kpi.totals")
    assert done.returncode == 0
    assert "kpi.totals passes here: 2 rows" in done.stdout
    assert "its SQL: .etl/repro/" in done.stdout
    assert "SUM(" in next((broken.root / ".etl/repro").glob("*/kpi.totals.sql")).read_text()
    assert "the run has no step 'kpi.total'" in etl("repro", run, "--step", "kpi.total").stderr


def test_a_run_whose_staging_is_in_s3(broken: Folder, etl: Etl, stack: Stack) -> None:
    in_the_cluster(broken, "duckdb")
    commit(broken)
    bucket().write("orders/a.csv", ROWS.encode())
    done = etl("repro", failed(etl))
    assert "check.totals fails again" in done.stdout, done.stderr
    assert view(broken, "SELECT COUNT(*) FROM totals") == [(2,)]


def test_rows_that_are_in_the_cluster(broken: Folder, etl: Etl, stack: Stack) -> None:
    in_the_cluster(broken)
    commit(broken)
    bucket().write("orders/a.csv", ROWS.encode())
    done = etl("repro", failed(etl))
    assert done.returncode == 1
    assert "- the rows of kpi.totals are in the cluster, in " in done.stdout
    assert "which has not finished" in done.stdout


def test_a_run_that_nobody_knows(broken: Folder, etl: Etl) -> None:
    failed(etl)
    failed(etl)
    for name, told in (
        ("19990101", "there is no run '19990101'\n  hint: etl show runs lists them"),
        ("2", "2 runs begin with '2'"),
    ):
        done = etl("repro", name)
        assert done.returncode == 2
        assert told in done.stderr


def test_a_run_that_did_not_fail_and_one_whose_staging_is_gone(broken: Folder, etl: Etl) -> None:
    broken.write("lake/orders/a.csv", ROWS.replace("-2.00", "2.00"))
    assert etl("run", "orders", "--date", "2024-06-25").returncode == 0
    run = newest(etl)
    assert "no step of the run has failed" in etl("repro", run).stderr

    done = etl("repro", run, "--step", "publish")
    assert done.returncode == 1
    assert "- nothing is published from here" in done.stdout
    assert view(broken, "SELECT COUNT(*) FROM totals") == [(2,)]
    for folder in (broken.root / ".etl/staging/orders").glob("2024*"):
        for step in folder.glob("*.orders"):
            (step / "result.json").unlink()
    told = etl("repro", run, "--step", "kpi.totals")
    assert "- nothing of extract.orders is in staging any more" in told.stdout
    assert told.returncode == 1
