"""A disk that is full while a run spills and stages; with room again, the same run goes on."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import Folder

pytestmark = pytest.mark.slow
HEAD = "order_id,customer,amount,ordered_at\n"
ROWS = 300_000


@pytest.fixture
def small_disk(orders: Folder) -> Iterator[Path]:
    """`.etl` on a disk of its own, of three megabytes."""
    disk = orders.root / ".etl"
    disk.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(disk)]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("only root may mount a disk")
    yield disk
    subprocess.run(["umount", "-l", str(disk)], check=True)


def test_a_full_disk(orders: Folder, small_disk: Path) -> None:
    lines = (f"{n},c{n * 7919 % ROWS},{n % 100}.25,2024-06-25 08:00:00\n" for n in range(ROWS))
    (orders.root / "lake/orders/1.csv").write_text(HEAD + "".join(lines))

    full = orders.etl("run", "orders", "--date", "2024-06-25")

    assert full.returncode == 1, full.stderr
    assert "pipelines/orders.yml:" in full.stderr
    assert "No space left" in full.stderr or "not enough" in full.stderr.lower(), full.stderr
    assert "Traceback" not in full.stderr

    subprocess.run(["mount", "-o", "remount,size=500m", str(small_disk)], check=True)
    again = orders.etl("run", "orders", "--date", "2024-06-25")
    assert again.returncode == 0, again.stderr
    assert orders.query("SELECT COUNT(*), SUM(orders) FROM totals") == [(ROWS, ROWS)]
    assert not list(small_disk.rglob("staging.spill/*/*/"))
