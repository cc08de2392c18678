"""Outputs with values of persons leave staging when they are as old as the environment says."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from etl_framework.devstack.stack import Stack
from tests.conftest import Folder, in_the_cluster
from tests.personal.conftest import SHOP, everything, salted, to_s3
from tests.personal.test_forget import DAY, PLAIN

LIMIT = "    retention: {email: 30d, free text: 7d}\n"


def retained(folder: Folder, retention: str = LIMIT) -> None:
    file = folder.root / "environments.yml"
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace("  local:\n", f"  local:\n{retention}"), encoding="utf-8")


def older(folder: Folder, days: float) -> None:
    """Let all files of staging be older."""
    then = time.time() - days * 86400
    for file in (folder.root / ".etl/staging").rglob("*"):
        os.utime(file, (then, then))


def steps(folder: Folder) -> list[str]:
    return sorted({Path(n).parts[-2] for n in everything(folder) if n.endswith("/result.json")})


ALL = ["check.customers", "check.people", "check.visits", "extract.customers", "extract.visits",
       "kpi.people"]  # fmt: skip


@pytest.mark.parametrize(
    ("days", "left"),
    [(6, ALL), (8, ["check.people", "check.visits", "extract.visits", "kpi.people"]),
     (31, ["check.visits", "extract.visits"])],
    ids=["young", "older than free text may be", "older than an email may be"],
)  # fmt: skip
def test_what_is_too_old_goes(shop: Folder, days: int, left: list[str]) -> None:
    """The customers have notes; people have emails; visits tell of nobody."""
    text = PLAIN.replace("{name: customer_id, type: integer, sensitive: id}",
                         "{name: customer_id, type: integer}")  # fmt: skip
    shop.write("pipelines/shop.yml", text)
    retained(shop)
    shop.run("shop")
    assert steps(shop) == ALL
    older(shop, days)

    out = shop.etl("clean")

    assert out.returncode == 0, out.stderr
    assert steps(shop) == left
    assert ("as `retention` says" in out.stderr) == (left != ALL)
    again = shop.etl("run", "shop", *DAY)
    assert again.returncode == 0, again.stderr


def test_masked_values_stay(shop: Folder) -> None:
    shop.write("pipelines/shop.yml", SHOP)
    retained(shop, "    retention: {email: 1d, name: 1d, id: 1d, free text: 1d, other: 1d}\n")
    shop.run("shop")
    older(shop, 100)

    assert shop.etl("clean").returncode == 0
    assert steps(shop) == ALL


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["duckdb", "redshift"])
def test_in_s3_and_in_the_cluster(shop: Folder, stack: Stack, engine: str) -> None:
    shop.write("pipelines/shop.yml", PLAIN)
    in_the_cluster(shop, engine)
    salted(shop)
    retained(shop, "    retention: {email: 1s}\n")
    to_s3(shop)
    run = shop.etl("run", "shop", *DAY)
    assert run.returncode == 0, run.stderr
    time.sleep(1.1)

    out = shop.etl("clean")

    assert out.returncode == 0, out.stderr
    # What tells of ids alone stays.
    there = {name for name in everything(shop) if "result.json" in name and ".etl" not in name}
    assert {Path(name).parts[-2] for name in there} == {"check.visits", "extract.visits"}


def test_a_kind_that_nobody_knows(shop: Folder) -> None:
    retained(shop, "    retention: {mail: 30d}\n")

    out = shop.etl("lint")

    assert out.returncode == 1
    assert "environments.yml:4:23: E204 'mail' is not allowed" in out.stdout
    assert "did you mean 'email'?" in out.stdout
