"""Selectors on the commands that take several pipelines."""

from __future__ import annotations

import json

import pytest

from tests.cli.conftest import Etl
from tests.cli.test_diff import commit
from tests.cli.test_several import DAY, orders
from tests.conftest import Folder

__all__ = ["orders"]


def test_plans(orders: Folder, etl: Etl) -> None:
    told = etl("plan", "shop", "other", "--no-sql", *DAY).stdout
    titles = [line.split()[0] for line in told.splitlines() if " in local, data interval" in line]
    assert titles == ["other", "shop"]
    steps = json.loads(etl("plan", "+later", "--format", "json", *DAY).stdout)
    assert [step["pipeline"] for step in steps if step["kind"] == "publish"] == ["shop", "later"]
    alone = json.loads(etl("plan", "shop.shop", "--format", "json", *DAY).stdout)
    assert [step["step"] for step in alone][-3:] == [
        "kpi.shop",
        "check.shop",
        "publish",
    ]
    assert etl("plan", "nothing").returncode == 2


def test_compiled_forms(orders: Folder, etl: Etl) -> None:
    yaml = pytest.importorskip("yaml")
    documents = list(yaml.safe_load_all(etl("compile", "*", "--exclude", "last").stdout))
    assert [next(iter(document)) for document in documents] == ["other", "shop", "later"]


def test_lint(orders: Folder, etl: Etl) -> None:
    for name in ("shop", "other"):
        file = orders.root / f"pipelines/{name}.yml"
        file.write_text(file.read_text().replace("name: ", "ownr: x\nname: ", 1))
    assert "pipelines/other.yml" in etl("lint").stdout
    told = etl("lint", "+later").stdout
    assert ("pipelines/shop.yml" in told, "pipelines/other.yml" in told) == (True, False)
    assert "pipelines/shop.yml" not in etl("lint", "--exclude", "shop").stdout
    assert etl("lint", "tag:nothing").returncode == 2
    assert etl("lint", "pipelines/shop.yml", "--exclude", "other").returncode == 2


def test_differences(orders: Folder, etl: Etl) -> None:
    orders.write(".gitignore", ".etl/\n")
    commit(orders)
    for name in ("shop", "other"):
        file = orders.root / f"pipelines/{name}.yml"
        changed = file.read_text().replace("orders/totals.sql", "changed.sql")
        file.write_text(changed)
    old = (orders.root / "sql_templates/orders/totals.sql").read_text()
    orders.write("sql_templates/changed.sql", old.replace("SUM(amount)", "2 * SUM(amount)"))
    assert [d["kpi"] for d in json.loads(etl("diff", "--format", "json").stdout)] == [
        "other",
        "shop",
    ]
    for given in (("shop",), ("+later",), ("shop.shop",), ("--exclude", "other")):
        found = json.loads(etl("diff", *given, "--format", "json").stdout)
        assert [difference["kpi"] for difference in found] == ["shop"], given
    (orders.root / "pipelines/other.yml").unlink()
    found = json.loads(etl("diff", "other", "--format", "json").stdout)
    assert [(d["kpi"], d["why"]) for d in found] == [("other", "removed")]
    assert etl("diff", "othr").returncode == 2


def test_state_and_report(orders: Folder, etl: Etl) -> None:
    assert etl("run", "shop", "other", *DAY).returncode == 0
    rows = json.loads(etl("status", "+later", "--to", "2024-06-25", "--format", "json").stdout)
    assert [row["pipeline"] for row in rows] == ["shop", "later"]
    assert etl("report", "+later", "--to", "2024-06-25").returncode == 0
    assert not (orders.root / "report/kpis/other.other.html").exists()
    assert (orders.root / "report/kpis/shop.shop.html").exists()


def test_previews(orders: Folder, etl: Etl) -> None:
    told = etl("preview", "later", *DAY)
    assert "later, data interval" in told.stderr, told.stderr
    told = etl("preview", "shop.shop", "other", *DAY)
    assert told.stderr.count(", data interval") == 2
    assert etl("preview", "shop.shop", "other", "--format", "csv").returncode == 2
