"""`etl new` and `etl init`: what they write is right at once, and nothing is half written."""

from __future__ import annotations

import csv
import os
import pty
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Etl
from tests.conftest import ORDERS, REPOSITORY, Folder

FILE = "pipelines/orders.yml"


def files(root: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(root)): path.read_bytes()
        for path in root.rglob("*")
        if path.is_file() and ".etl" not in path.parts
    }


def clean(etl: Etl, *tested: str) -> None:
    """Lint finds nothing, and the tests pass."""
    assert etl("lint").stdout == ""
    done = etl("test", *tested)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 passed" in done.stderr


def test_a_kpi(orders: Folder, etl: Etl) -> None:
    done = etl("new", "kpi", "orders.by_customer", "--from", "orders", "--by", "customer")

    assert done.stdout.split() == [FILE, "sql_templates/orders/by_customer.sql"]
    assert (orders.root / FILE).read_text().startswith(ORDERS.strip())
    clean(etl, "orders.by_customer")
    shown = etl("preview", "by_customer", "--date", "2024-06-25", "--format", "csv").stdout
    assert shown == "customer,rows\nada,2\nbob,1\n"


def test_a_kpi_without_options_says_what_was_chosen(orders: Folder, etl: Etl) -> None:
    done = etl("new", "kpi", "orders.by_something")

    assert "it reads orders and groups by " in done.stderr
    assert "--from orders" in done.stderr and "--by " in done.stderr


@pytest.mark.parametrize(
    "column",
    [
        "{name: at, type: timestamp}",
        "{name: day, type: date}",
        "{name: yes_or_no, type: boolean}",
        '{name: ratio, type: "decimal(3,3)"}',
        '{name: big, type: "decimal(38,0)"}',
        "{name: size, type: float}",
        "{name: zone, type: timestamptz}",
        "{name: code, type: char(1)}",
        "{name: order, type: integer}",
        "{name: Mixed, type: varchar(9)}",
        '{name: "on", type: date}',
        "{name: rows, type: bigint}",
        "{name: user, type: varchar(3)}",
        "{name: _x, type: smallint}",
    ],
)
def test_a_kpi_by_any_column(orders: Folder, etl: Etl, column: str) -> None:
    orders.write(FILE, ORDERS.replace("- {name: ordered_at, type: timestamp}", f"- {column}"))
    name = column.split("name: ")[1].split(",")[0].strip('"')

    done = etl("new", "kpi", "orders.more", "--from", "orders", "--by", name)

    assert done.returncode == 0, done.stderr
    clean(etl, "orders.more")


def test_a_kpi_of_a_transform_whose_columns_are_not_declared(orders: Folder, etl: Etl) -> None:
    orders.write(FILE, ORDERS.replace("kpis:", "transforms:\n  big: {sql: orders/big.sql}\nkpis:"))
    orders.write("sql_templates/orders/big.sql", "SELECT customer, amount * 2 AS twice FROM orders")

    etl("new", "kpi", "orders.of_big", "--by", "twice")

    assert "FROM big" in (orders.root / "sql_templates/orders/of_big.sql").read_text()
    clean(etl, "orders.of_big")


def test_a_kpi_in_a_file_of_windows(orders: Folder, etl: Etl) -> None:
    before = b"\xef\xbb\xbf" + ORDERS.strip().replace("\n", "\r\n").encode()
    (orders.root / FILE).write_bytes(before)

    etl("new", "kpi", "orders.more")

    after = (orders.root / FILE).read_bytes()
    assert after.startswith(before)
    assert b"\n" not in after.replace(b"\r\n", b"")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        pytest.param(["orders.totals"], "has a 'totals' already", id="a name that is taken"),
        pytest.param(["orders.Totals"], "'Totals' is no name", id="no name"),
        pytest.param(["orders.../x"], "is no name", id="a path"),
        pytest.param(["ordrs.more"], "did you mean 'orders'?", id="no such pipeline"),
        pytest.param(["more"], "write music_streaming.more", id="no pipeline"),
        pytest.param([], "give NAME", id="nothing, and nobody to ask"),
        pytest.param(
            ["orders.more", "--from", "oders"], "did you mean 'orders'?", id="no relation"
        ),
        pytest.param(
            ["orders.more", "--by", "custmer"], "did you mean 'customer'?", id="no column"
        ),
        pytest.param(["orders.there"], "there.sql is there already", id="a template is there"),
    ],
)
def test_a_kpi_that_cannot_be(orders: Folder, etl: Etl, arguments: list[str], words: str) -> None:
    orders.write("sql_templates/orders/there.sql", "SELECT 1")
    before = files(orders.root)

    done = etl("new", "kpi", *arguments)

    assert (done.returncode, done.stdout) == (2, "")
    assert words in done.stderr
    assert files(orders.root) == before


def test_a_table_that_another_pipeline_writes(orders: Folder, etl: Etl) -> None:
    etl("new", "pipeline", "shop")

    done = etl("new", "kpi", "orders.shop_customers")

    assert "'shop' writes the table 'shop_customers' already" in done.stderr


def test_a_folder_that_takes_no_file(orders: Folder, etl: Etl) -> None:
    (orders.root / "sql_templates/orders").rename(orders.root / "sql_templates/aside")
    orders.write("sql_templates/orders", "a file where a folder should be")
    orders.write(FILE, ORDERS.replace("sql: orders/", "sql: aside/"))
    before = files(orders.root)

    done = etl("new", "kpi", "orders.more")

    assert (done.returncode, "nothing was written" in done.stderr) == (2, True)
    assert files(orders.root) == before


def test_a_write_that_fails_in_the_middle(
    orders: Folder, etl: Etl, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = files(orders.root)
    replace = Path.replace

    def full(self: Path, target: Path) -> Path:
        if target.name == "orders.yml":
            raise OSError(28, "No space left on device", str(target))
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", full)
    done = etl("new", "kpi", "orders.more")

    assert "No space left on device; nothing was written" in done.stderr
    assert files(orders.root) == before


def test_a_source_as_its_files_are(orders: Folder, etl: Etl) -> None:
    orders.write("lake/people/1.csv", "id;name;born\n1;ada;1815-12-10\n2;bob;1990-01-01\n")

    done = etl("new", "source", "orders.people", "--connection", "lake", "--from", "people/*.csv")

    assert done.returncode == 0, done.stderr
    text = (orders.root / FILE).read_text()
    assert 'delimiter: ";"' in text
    assert "- {name: born, type: date}" in text
    assert text.index("people:") < text.index("kpis:")
    assert "E" not in etl("lint").stdout.replace("W", ""), "that nothing reads it is a warning"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        pytest.param(
            ["--connection", "lke", "--from", "x"], "did you mean 'lake'?", id="no connection"
        ),
        pytest.param(
            ["--connection", "lake", "--from", "x/*.csv"], "no file matches", id="no file"
        ),
        pytest.param(["--connection", "lake", "--from", "../*.csv"], "leads out", id="out of it"),
        pytest.param(
            ["--connection", "warehouse", "--from", "x"], "neither tables", id="no source"
        ),
        pytest.param(["--connection", "lake"], "give --from", id="nothing to read"),
    ],
)
def test_a_source_that_cannot_be(
    orders: Folder, etl: Etl, arguments: list[str], words: str
) -> None:
    before = files(orders.root)

    done = etl("new", "source", "orders.more", *arguments)

    assert done.returncode in (1, 2)
    assert words in done.stderr
    assert files(orders.root) == before


@pytest.mark.slow
def test_what_is_not_given_is_asked_for(orders: Folder) -> None:
    terminal, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "etl_framework", "new", "kpi"],
        cwd=orders.root,
        stdin=theirs,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
    )
    os.close(theirs)
    os.write(terminal, b"orders.asked\n\ncustmer\ncustomer\n")
    try:
        out, err = process.communicate(timeout=60)
    finally:
        process.kill()
        os.close(terminal)

    assert out.split() == [FILE, "sql_templates/orders/asked.sql"], err
    assert "it reads (orders) [orders]:" in err
    assert "'custmer' is not one of" in err
    assert "GROUP BY customer" in (orders.root / "sql_templates/orders/asked.sql").read_text()


def test_a_new_project_runs(tmp_path: Path, etl: Etl, monkeypatch: pytest.MonkeyPatch) -> None:
    made = tmp_path / "shop"
    done = etl("init", str(made))
    assert {str(made / path) for path in files(made)} == set(done.stdout.split())
    monkeypatch.chdir(made)

    clean(etl)
    assert etl("preview", "orders_customers", "--date", "2024-06-25").returncode == 0
    assert etl("run", "orders", "--date", "2024-06-25").returncode == 0
    Folder(made).write("lake/orders/2024-06-26.csv", "order_id,customer,amount\n10,zoe,5.00\n")
    for day in ("2024-06-26", "2024-06-25"):
        assert etl("run", "orders", "--date", day, "--fresh").returncode == 0
    shown = etl("show", "orders_customers", "--format", "csv").stdout
    assert [row[:4] for row in csv.reader(shown.splitlines())] == [
        ["day", "customer", "orders", "amount"],
        ["2024-06-25", "ada", "2", "19.75"],
        ["2024-06-25", "grace", "1", "20.00"],
        ["2024-06-26", "zoe", "1", "5.00"],
    ]


@pytest.mark.parametrize("holds", ["notes.txt", ".etl/x", "pipelines/a.yml"])
def test_a_folder_that_holds_something_is_left_alone(tmp_path: Path, etl: Etl, holds: str) -> None:
    made = Folder(tmp_path / "shop")
    made.write(holds, "")

    done = etl("init", str(made.root))

    assert (done.returncode, "is not empty; nothing was written" in done.stderr) == (2, True)
    assert [path.name for path in made.root.iterdir()] == [holds.split("/")[0]]


def test_an_empty_repository_takes_a_project(tmp_path: Path, etl: Etl) -> None:
    (tmp_path / "shop/.git").mkdir(parents=True)

    assert etl("init", str(tmp_path / "shop")).returncode == 0
    shutil.rmtree(tmp_path / "shop")


def test_a_file_is_no_folder(tmp_path: Path, etl: Etl) -> None:
    (tmp_path / "shop").write_text("")

    assert etl("init", str(tmp_path / "shop")).returncode == 2
