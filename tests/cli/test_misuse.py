"""What a newcomer gets wrong: one line, an exit code, and never a trace or a command that hangs."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.cli.conftest import Etl
from tests.conftest import REPOSITORY, Folder


def test_watch_where_there_is_no_project(folder: Folder, etl: Etl) -> None:
    done = etl("watch", "--once", "--project", str(folder.root / ".."))

    assert done.returncode == 2 and "is not a project" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        pytest.param((), 0, id="clean"),
        pytest.param(("nowhere",), 2, id="nothing of that name"),
    ],
)
def test_one_look_has_an_exit_code(
    orders: Folder, etl: Etl, arguments: tuple[str, ...], code: int
) -> None:
    assert etl("watch", "--once", *arguments).returncode == code


def test_one_look_at_what_is_wrong_has_one_too(orders: Folder, etl: Etl) -> None:
    orders.write("sql_templates/orders/totals.sql", "SELECT nothing FROM orders")

    assert etl("watch", "--once").returncode == 1


@pytest.mark.parametrize("path", ["pipelines/pipe.yml", "sql_templates/orders/totals.sql"])
def test_a_named_pipe_is_no_file(orders: Folder, etl: Etl, path: str) -> None:
    (orders.root / path).unlink(missing_ok=True)
    os.mkfifo(orders.root / path)

    done = etl("lint")

    assert done.returncode == 1 and "no file" in done.stdout


def test_a_template_that_is_a_folder(orders: Folder, etl: Etl) -> None:
    (orders.root / "sql_templates/orders/totals.sql").unlink()
    (orders.root / "sql_templates/orders/totals.sql").mkdir()

    assert "E302 the template 'orders/totals.sql' is no file" in etl("lint").stdout


@pytest.mark.parametrize("path", ["", "/etc/passwd", "../elsewhere"])
def test_lint_outside_of_the_project_is_not_clean(orders: Folder, etl: Etl, path: str) -> None:
    done = etl("lint", path)

    assert done.returncode == 2 and "is outside of the project" in done.stderr


def test_a_pattern_that_is_none(orders: Folder, etl: Etl) -> None:
    done = etl("import", "lake", "")

    assert done.returncode == 1 and "is no pattern of files" in done.stderr


def test_a_file_that_lint_does_not_look_at_is_not_clean(orders: Folder, etl: Etl) -> None:
    orders.write("NOTES.md", "x")

    done = etl("lint", "NOTES.md")

    assert done.returncode == 2 and "'NOTES.md' is nothing that lint looks at" in done.stderr


def test_a_project_without_a_name(etl: Etl) -> None:
    done = etl("init", "")

    assert done.returncode == 2 and "give FOLDER a name" in done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="a shell closes it")
def test_a_stdout_that_is_closed(orders: Folder) -> None:
    done = subprocess.run(
        f"{sys.executable} -m etl_framework lint >&-", shell=True,
        cwd=orders.root, stderr=subprocess.PIPE, text=True, check=False,
    )  # fmt: skip

    assert (done.returncode, "Traceback" in done.stderr) == (0, False)
    assert "0 problems found" in done.stderr


def test_days_the_wrong_way_round(orders: Folder, etl: Etl) -> None:
    done = etl("run", "orders", "--from", "2024-06-27", "--to", "2024-06-25")

    assert done.returncode == 2 and "--from 2024-06-27 is after --to 2024-06-25" in done.stderr


def test_a_run_of_days_to_come_ends_with_the_last_that_is_over(orders: Folder, etl: Etl) -> None:
    file = orders.root / "pipelines/orders.yml"
    file.write_text(
        file.read_text().replace("name: orders\n", "name: orders\nstart_date: 2999-01-01\n")
    )
    yesterday = datetime.now(UTC).date() - timedelta(days=1)

    done = etl("run", "orders", "--from", str(yesterday - timedelta(days=1)), "--to", "2999-01-01")

    assert "what is asked for behind it is not over yet" in done.stderr
    assert "2 of 2 data intervals begin before start_date 2999-01-01" in done.stderr
    assert "2 data intervals, one run each" in done.stderr
    assert f"data interval [{yesterday}" not in done.stdout


@pytest.mark.parametrize("command", [("show",), ("drop",)])
def test_a_rule_that_is_not_there(orders: Folder, etl: Etl, command: tuple[str, ...]) -> None:
    done = etl("quarantine", *command, "orders", "--rule", "pars")

    assert done.returncode == 2 and "did you mean 'parse'?" in done.stderr


@pytest.mark.parametrize("command", [("show", "totals"), ("quarantine", "show", "orders")])
def test_fewer_rows_than_none(orders: Folder, etl: Etl, command: tuple[str, ...]) -> None:
    assert etl(*command, "--limit", "-1").returncode == 2


def test_the_beginning_of_codes_lists_them(etl: Etl) -> None:
    done = etl("rule", "E4")

    assert done.returncode == 0
    assert all(line.startswith("E4") for line in done.stdout.splitlines())


def test_a_file_where_a_folder_should_be(orders: Folder, etl: Etl) -> None:
    orders.write(".etl", "x")

    done = etl("run", "orders", "--date", "2024-06-25")

    assert done.returncode == 2 and "Traceback" not in done.stderr
    assert "Not a directory" in done.stderr or "File exists" in done.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no full device")
def test_output_that_cannot_be_written(orders: Folder) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "etl_framework", "lint", "--format", "json"],
            cwd=orders.root, stdout=full, stderr=subprocess.PIPE, text=True, check=False,
            env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        )  # fmt: skip

    assert done.returncode == 2, done.stderr
    assert "No space left" in done.stderr and "Traceback" not in done.stderr
