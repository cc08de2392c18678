"""`etl watch` in a process of its own: a save, a mistake, its repair, Ctrl-C."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from queue import Queue
from threading import Thread

import pytest

from tests.cli.test_preview import DAY, FILE, SQL
from tests.conftest import ORDERS, REPOSITORY, TOTALS, Folder

SECONDS = 60


class Watch:
    """A running command that watches, whose lines come as they are written."""

    def __init__(self, folder: Folder, *arguments: str) -> None:
        command = [sys.executable, "-u", "-m", "etl_framework", *arguments]
        self.process = subprocess.Popen(
            command, cwd=folder.root, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        )  # fmt: skip
        self._lines: Queue[str] = Queue()
        self._reader = Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            self._lines.put(line)

    def until(self, words: str) -> str:
        """All that it writes until some words come."""
        said = ""
        while words not in said:
            said += self._lines.get(timeout=SECONDS)
        return said

    def rest(self) -> str:
        """What it still wrote, once it has ended."""
        self._reader.join(timeout=SECONDS)
        return "".join(self._lines.queue)

    def stop(self) -> None:
        """End it, however it stands."""
        self.process.kill()
        self.process.wait()
        self.rest()
        assert self.process.stdout
        self.process.stdout.close()


@pytest.fixture
def watch(orders: Folder) -> Iterator[Watch]:
    running = Watch(orders, "watch", "totals", "--date", DAY)
    yield running
    running.stop()


@pytest.mark.slow
def test_each_save_is_looked_at(orders: Folder, watch: Watch) -> None:
    first = watch.until("totals, data interval")
    assert "0 problems found" in first
    assert "ada" in first

    orders.write(FILE, ORDERS + "kpis2: [")
    wrong = watch.until("problem found")
    assert "E102 YAML syntax" in wrong

    orders.write(FILE, ORDERS)
    watch.until("totals, data interval")

    orders.write("policies.yml", "policies: {who: {type: pipeline_has_owner, reason: at night}}")
    assert "P101 the pipeline has no owner" in watch.until("problem found")
    (orders.root / "policies.yml").unlink()
    watch.until("totals, data interval")

    orders.write(SQL, TOTALS.replace("customer,", "custmer,"))
    assert watch.until("problem").count("E413") == 1

    orders.write(SQL, TOTALS.replace("COUNT(*)", "7 * COUNT(*)"))
    assert "14" in watch.until("totals, data interval")

    tested = """    tests:
      - name: one_order
        given: {orders: [{order_id: 1, customer: ada, amount: 1}]}
        expect: [{customer: ada, orders: 7, amount: 1}]
"""
    orders.write(FILE, ORDERS + tested)
    assert "✓ orders.totals one_order" in watch.until("totals, data interval")
    orders.write(FILE, ORDERS + tested.replace("orders: 7", "orders: 8"))
    assert "✗ orders.totals one_order  pipelines/orders.yml:" in watch.until(
        "totals, data interval"
    )

    (orders.root / FILE).unlink()
    watch.until("no pipeline has a source, transform or KPI 'totals'")


@pytest.mark.slow
def test_ctrl_c_ends_it_at_once(watch: Watch) -> None:
    watch.until("totals, data interval")

    watch.process.send_signal(signal.SIGINT)

    assert watch.process.wait(timeout=SECONDS) == 0
    assert watch.rest().strip() == ""
