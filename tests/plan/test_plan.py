"""The plan: steps named after the YAML, in order, with what they need; it touches nothing."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import FrozenInstanceError
from datetime import date

import pytest

from etl_framework.errors import ConfigError, PlanError
from etl_framework.plan.plan import Plan, build_plan
from etl_framework.project.project import load_project
from tests.conftest import ORDERS, REPOSITORY, Folder


@pytest.fixture(scope="module")
def music() -> Plan:
    """The plan of the repository's own pipeline."""
    project = load_project(REPOSITORY)
    model = project.pipeline("music_streaming").model
    assert model is not None
    interval = next(model.cut().intervals_from(date(2024, 6, 25)))
    return build_plan(project, "music_streaming", None, interval)


def test_the_steps_of_music_streaming(music: Plan) -> None:
    assert [(step.name, step.kind, set(step.needs)) for step in music.steps] == [
        ("extract.users", "extract", set()),
        ("check.users", "check", {"extract.users"}),
        ("extract.tracks", "extract", set()),
        ("check.tracks", "check", {"extract.tracks"}),
        ("extract.streams", "extract", set()),
        ("check.streams", "check", {"extract.streams", "check.tracks", "check.users"}),
        ("transform.listens", "transform", {"check.streams"}),
        ("transform.plays", "transform", {"transform.listens"}),
        ("kpi.kpis_genre", "kpi", {"transform.plays", "check.tracks"}),
        ("check.kpis_genre", "check", {"kpi.kpis_genre", "transform.listens"}),
        ("kpi.kpis_hourly", "kpi", {"transform.plays", "transform.listens", "check.tracks"}),
        ("check.kpis_hourly", "check", {"kpi.kpis_hourly"}),
        ("publish", "publish", {"check.users", "check.tracks", "check.streams",
         "transform.listens", "transform.plays", "check.kpis_genre", "check.kpis_hourly"}),
    ]  # fmt: skip


def test_each_step_comes_after_what_it_needs(music: Plan) -> None:
    seen: set[str] = set()
    for step in music.steps:
        assert seen.issuperset(step.needs)
        assert {name for _, name in step.inputs} <= set(step.needs)
        seen.add(step.name)


def test_each_step_knows_its_place(music: Plan) -> None:
    text = (REPOSITORY / "pipelines/music_streaming.yml").read_text(encoding="utf-8").split("\n")
    for step in music.steps[:-1]:
        path, line, column = step.place
        assert path == "pipelines/music_streaming.yml"
        assert text[line - 1][column - 1 :].startswith(f"{step.relation}:")


def test_a_plan_does_not_change(music: Plan) -> None:
    with pytest.raises(FrozenInstanceError):
        music.steps[0].name = "x"  # type: ignore[misc]
    with pytest.raises(FrozenInstanceError):
        music.interval = None  # type: ignore[misc,assignment]


def test_an_unknown_step(music: Plan) -> None:
    assert music.step("publish").kind == "publish"
    with pytest.raises(PlanError, match="has no step 'nope'"):
        music.step("nope")


def test_a_parent_may_be_declared_after_its_child(orders: Folder) -> None:
    child = "    checks: [{type: relationships, column: customer, to: customers.name}]\n"
    parent = """  customers:
    type: csv
    connection: lake
    path: customers/*.csv
    columns: [{name: name, type: varchar(20), primary_key: true}]
"""
    text = ORDERS.replace("kpis:\n", child + parent + "kpis:\n")
    orders.write("pipelines/orders.yml", text)
    steps = orders.plan("orders").steps
    names = [step.name for step in steps]

    assert names.index("check.customers") < names.index("check.orders")
    assert set(steps[names.index("check.orders")].needs) == {"extract.orders", "check.customers"}


def test_dependencies_are_those_of_the_sql(orders: Folder) -> None:
    assert orders.plan("orders").step("kpi.totals").needs == ("check.orders",)

    orders.write("sql_templates/orders/totals.sql",
                 "SELECT 'a' AS customer, 1 AS orders, 1.0 AS amount")  # fmt: skip
    assert orders.plan("orders").step("kpi.totals").needs == ()


def test_checks_that_wait_for_one_another(orders: Folder) -> None:
    checks = "    checks: [{type: relationships, column: customer, to: totals.customer}]\n"
    orders.write("pipelines/orders.yml", ORDERS.replace("kpis:\n", checks + "kpis:\n"))

    with pytest.raises(PlanError, match="wait for one another"):
        orders.plan("orders")


def test_mistakes_of_the_file_and_of_sql_are_errors(orders: Folder) -> None:
    orders.write("sql_templates/orders/totals.sql", "SELECT nope FROM orders")
    with pytest.raises(PlanError, match=r"totals.sql:1:8: E413 unknown column 'nope'"):
        orders.plan("orders")

    orders.write("pipelines/orders.yml", ORDERS + "ownr: me\n")
    with pytest.raises(ConfigError, match="unknown key 'ownr'"):
        orders.plan("orders")


BLOCKED = """
import os, socket, sys
from datetime import date
from pathlib import Path

def refuse(event, arguments):
    if event.startswith(("socket.", "subprocess.", "os.system", "os.exec")):
        raise RuntimeError(event)

from etl_framework.project.project import load_project
from etl_framework.lint.linter import Linter
from etl_framework.plan.plan import build_plan
import duckdb, sqlglot, sqlglot.optimizer

class Secretive(dict):
    def __getitem__(self, key):
        if "SECRET" in key: raise RuntimeError(key)
        return super().__getitem__(key)

os.environ = Secretive(os.environ)
sys.addaudithook(refuse)
project = load_project(Path())
assert not Linter(project.root).look()
model = project.pipeline("orders").model
plan = build_plan(project, "orders", None, next(model.cut().intervals_from(date(2024, 6, 25))))
print(len(plan.steps))
"""


def test_nothing_is_connected_and_no_secret_is_read(orders: Folder) -> None:
    text = (orders.root / "environments.yml").read_text(encoding="utf-8")
    orders.write("environments.yml", text.replace("TEST_RDS_URL", "SECRET_URL"))
    rds = ORDERS.replace("type: csv", "type: postgres").replace("lake", "rds")
    rds = rds.replace("path: orders/*.csv", "table: orders")
    orders.write("pipelines/orders.yml", rds)
    before = sorted(orders.root.rglob("*"))

    done = subprocess.run(
        [sys.executable, "-c", BLOCKED], cwd=orders.root, capture_output=True, text=True,
        check=False, timeout=60, env={"PYTHONPATH": str(REPOSITORY)},
    )  # fmt: skip

    assert (done.stdout, done.stderr) == ("5\n", "")
    assert sorted(orders.root.rglob("*")) == before
