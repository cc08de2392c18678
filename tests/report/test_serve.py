"""`etl report --serve` in a process of its own: runs and saves are seen, and Ctrl-C ends it."""

from __future__ import annotations

import re
import shutil
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from subprocess import PIPE

import duckdb
import pytest

from etl_framework.errors import RetryableError
from etl_framework.project.project import load_project
from etl_framework.report.tables import Tables
from tests.airflow.browser import browser
from tests.cli.test_watch import Watch
from tests.conftest import ORDERS, Folder

pytestmark = pytest.mark.slow
FILE = "pipelines/orders.yml"


def address(served: Watch) -> str:
    """Where it serves, once it does."""
    found = re.search(r"http://127\.0\.0\.1:\d+/", served.until("Ctrl-C ends it"))
    assert found
    return found[0]


@pytest.fixture
def served(orders: Folder) -> Iterator[Watch]:
    running = Watch(orders, "report", "--serve", "--port", "0", "--to", "2024-06-25")
    yield running
    running.stop()


def page(url: str, name: str = "") -> str:
    with urllib.request.urlopen(url + name, timeout=10) as answer:
        return str(answer.read().decode())


def test_it_follows_runs_and_files(orders: Folder, served: Watch) -> None:
    url = address(served)
    assert "never run" in page(url)

    assert orders.etl("run", "orders", "--date", "2024-06-25").returncode == 0
    while "1 published" not in page(url):
        served.until("made anew")  # fails if it is not made anew once more
    kpi = page(url, "kpis/orders.totals.html")
    assert "ada" in kpi

    orders.write(FILE, ORDERS + "kpis2: [")
    assert "E102 YAML syntax" in served.until("E102 YAML syntax")
    assert "ada" in page(url, "kpis/orders.totals.html"), "the pages stay"
    orders.write(FILE, "description: What was ordered.\n" + ORDERS)
    served.until("made anew")
    assert "What was ordered." in page(url)


def test_a_warehouse_that_a_run_has_open_is_read_later(orders: Folder, served: Watch) -> None:
    url = address(served)
    (orders.root / ".etl").mkdir(exist_ok=True)
    with duckdb.connect(str(orders.root / ".etl/warehouse.duckdb")) as run:
        orders.write(FILE, "description: What was ordered.\n" + ORDERS)
        served.until("another process may have it open")
        run.execute("CREATE TABLE totals AS SELECT 'eve' AS customer, 1 AS orders, 2 AS amount")
    while "eve" not in page(url, "kpis/orders.totals.html"):
        served.until("made anew")


def test_what_a_report_could_not_read_is_known(orders: Folder) -> None:
    """A run may open the file after its records were read."""
    file = orders.root / ".etl/warehouse.duckdb"
    file.parent.mkdir(exist_ok=True)
    hold = "import duckdb, sys; d = duckdb.connect(sys.argv[1]); print(1, flush=True); input()"
    command = [sys.executable, "-c", hold, str(file)]
    with closing(Tables(load_project(orders.root).workspace(None))) as tables:
        with subprocess.Popen(command, stdin=PIPE, stdout=PIPE) as other:
            assert other.stdout and other.stdout.readline()
            with pytest.raises(RetryableError), tables.warehouse("warehouse"):
                pass
            other.communicate(b"\n")
        assert not tables.whole
        with tables.warehouse("warehouse") as warehouse:
            assert warehouse.table_columns("totals") == {}
    assert Tables(load_project(orders.root).workspace(None)).whole


def test_what_is_written_has_nothing_of_the_server(orders: Folder, served: Watch) -> None:
    url = address(served)
    written = (orders.root / "report/index.html").read_text()

    assert "location.reload" in page(url)
    assert "location.reload" not in written and "/-/version" not in written
    assert (orders.root / "report/style.css").read_text() == page(url, "style.css")


def test_ctrl_c(served: Watch) -> None:
    port = int(address(served).rstrip("/").rpartition(":")[2])
    served.process.send_signal(signal.SIGINT)

    assert served.process.wait(30) == 0
    assert "Traceback" not in served.rest()
    with pytest.raises(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port)):
        pass


def test_a_port_that_is_taken_and_files_with_mistakes(orders: Folder, served: Watch) -> None:
    port = address(served).rstrip("/").rpartition(":")[2]
    done = orders.etl("report", "--serve", "--port", port)
    assert done.returncode == 2
    assert f"nothing can be served on port {port}" in done.stderr and "--port" in done.stderr

    orders.write(FILE, ORDERS + "kpis2: [")
    done = orders.etl("report", "--serve", "--port", "0", "--to", "2024-06-25")
    assert done.returncode == 2 and "E102 YAML syntax" in done.stderr


@pytest.mark.skipif(shutil.which("chromium") is None, reason="there is no Chromium")
def test_a_page_that_is_open_loads_itself_again(
    orders: Folder, served: Watch, tmp_path: Path
) -> None:
    url = address(served)
    with browser(tmp_path / "browser") as page:
        assert page
        page.open(url)
        page.wait_for("document.body.innerText.includes('never run')")
        assert orders.etl("run", "orders", "--date", "2024-06-25").returncode == 0
        page.wait_for("document.body.innerText.includes('1 published')")
