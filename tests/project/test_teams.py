"""A project of three teams: folders, defaults, templates, macros, params, policies, selection."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from etl_framework.project.project import load_project
from tests.cli.conftest import Etl, etl
from tests.conftest import Folder

__all__ = ["etl"]
TEAMS = Path(__file__).parents[1] / "cases/teams"


@pytest.fixture
def orders(tmp_path: Path) -> Folder:
    shutil.copytree(TEAMS, tmp_path / "teams")
    return Folder(tmp_path / "teams")


def edited(folder: Folder, path: str, was: str, now: str) -> None:
    file = folder.root / path
    text = file.read_text()
    assert was in text
    file.write_text(text.replace(was, now, 1))


def test_it_is_clean_and_its_tests_pass(orders: Folder, etl: Etl) -> None:
    assert etl("lint").stdout == ""
    assert etl("lint").stdout == "", "from the cache"
    assert etl("test").returncode == 0
    assert [model.name for model in load_project(orders.root).models] == [
        "revenue", "orders", "clicks", "views",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("selectors", "found"),
    [
        ("owner:web", "clicks views"),
        ("path:pipelines/shop+", "orders revenue"),
        ("tag:shop tag:events", "clicks orders views"),
        ("+finance", ""),
        ("+owner:finance", "orders revenue"),
        ("source:orders,owner:shop", "orders"),
        ("tag:all --exclude owner:web", "orders revenue"),
        ("by_country+", "orders.by_country revenue"),
    ],
)
def test_selection(orders: Folder, etl: Etl, selectors: str, found: str) -> None:
    done = etl("ls", *selectors.split())
    assert done.stdout.split() == found.split(), done.stderr


def test_everything_runs_side_by_side(orders: Folder, etl: Etl) -> None:
    done = etl("run", "*", "--jobs", "2")
    assert done.returncode == 0, done.stderr
    assert orders.query("SELECT country, share FROM shop_by_country ORDER BY 1") == [
        ("at", pytest.approx(0.75)), ("de", pytest.approx(0.25)),
    ]  # fmt: skip
    assert orders.query("SELECT page, n FROM web_clicks ORDER BY 1") == [("cart", 1), ("home", 2)]
    assert orders.query("SELECT page, n FROM web_views") == [("home", 2)]
    assert orders.query("SELECT orders, amount FROM finance_revenue") == [(3, 60)]


def test_values_by_environment_and_by_run(orders: Folder, etl: Etl) -> None:
    assert etl("run", "orders", "revenue", "--env", "vienna").returncode == 0
    assert orders.query("SELECT country FROM shop_by_country") == [("at",)]
    assert orders.query("SELECT orders FROM finance_revenue") == [(2,)]
    assert etl("run", "orders+", "--env", "vienna", "--var", "country=de").returncode == 0
    assert orders.query("SELECT country FROM shop_by_country") == [("de",)]
    assert etl("run", "orders", "--var", "country=fr").returncode == 2


def test_what_stands_where(orders: Folder, etl: Etl) -> None:
    told = etl("explain", "orders", "--settings").stdout
    for value, place in (
        ("shop", "pipelines/shop/defaults.yml:1"),
        ("5", "pipelines/shop/defaults.yml:2"),
        ("2024-06-25", "pipelines/defaults.yml:2"),
    ):
        assert any(value in line and place in line for line in told.splitlines()), (value, told)
    expanded = etl("compile", "--expanded", "views").stdout
    assert "- name: seconds" in expanded and "least: 2" in expanded and "owner: web" in expanded


def change(path: str, was: str, now: str) -> Callable[[Folder], None]:
    return lambda folder: edited(folder, path, was, now)


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (change("pipelines/web/defaults.yml", "owner: web", "ownr: web"),
         "pipelines/web/defaults.yml:1:1: E202 unknown key 'ownr'"),
        (change("pipelines/shop/defaults.yml", "retries: 5", "retries: many"),
         "pipelines/shop/defaults.yml:2:10: E204"),
        (change("pipelines/web/events.yml", "least: 2", "least: two"),
         "pipelines/web/events.yml:6:12: E328 'least': 'two' is not an integer"),
        (change("pipelines/web/events.yml", "type: integer", "type: integr"),
         "pipelines/web/events.yml:7:34: E204 unknown column type 'integr'"),
        (change("pipeline_templates/events.yml", "type: csv", "type: cvs"),
         "pipeline_templates/events.yml:11:13: E201 unknown source type 'cvs'"),
        (change("sql_templates/macros/shares.sql", "NULLIF(", "NULIF("),
         "sql_templates/macros/shares.sql:3:45: E416"),
        (change("pipelines/shop/orders.yml", "table: shop_", "table: "),
         "pipelines/shop/orders.yml:18:44: P"),
        (change("pipelines/finance/revenue.yml", "orders.by_country", "orders.by_contry"),
         "pipelines/finance/revenue.yml:3:9: E502 there is no KPI 'orders.by_contry'"),
        (change("pipelines/shop/orders.yml", "params:", "after: [revenue.revenue]\nparams:"),
         "E503 these pipelines wait for one another"),
        (change("environments.yml", "country: at", "country: fr"),
         "environments.yml:10:23: E326 for 'orders', 'fr' is none of de, at, all"),
        (change("policies.yml", "path:pipelines/shop", "path:pipelines/shp"),
         "policies.yml:5:14: E605"),
        (change("dags/web.py", "pipelines/web\"", "pipelines/wb\""), "dags/web.py:5:11: E501"),
        (change("pipelines/web/events.yml", "source: views", "source: clicks"),
         "E307 the table 'web_clicks' is already written by clicks.clicks_by_page"),
    ],
)  # fmt: skip
def test_mistakes(orders: Folder, etl: Etl, make: Callable[[Folder], None], told: str) -> None:
    make(orders)
    done = etl("lint")
    assert told in done.stdout, done.stdout
    assert done.returncode == 1
    problems = json.loads(etl("lint", "--format", "json").stdout)
    assert all(problem["line"] for problem in problems)
