"""`defaults.yml`: what pipelines of a folder have in common."""

from __future__ import annotations

import json

import pytest
import yaml

from etl_framework.lint.linter import Linter
from etl_framework.project.models import Pipeline
from etl_framework.project.project import load_project
from tests.cli.conftest import Etl, etl
from tests.conftest import ORDERS, REPOSITORY, Folder

__all__ = ["etl"]
PATH = "pipelines/shop/eu/orders.yml"
# Without what the defaults of its folders say.
SHORT = ORDERS.replace('schedule: "@daily"\n', "").replace(
    "{connection: warehouse, table: totals}", "{table: totals}"
).replace('    max_rejected: "50%"\n', "").replace("    connection: lake\n", "")  # fmt: skip
FIRST = """
schedule: "@daily"
owner: everyone
tags: [all]
retries: 7
source: {connection: lake, max_rejected: "50%"}
target: {connection: warehouse}
"""
NEAR = "owner: shop\ntags: [eu]\n"


@pytest.fixture
def shop(orders: Folder) -> Folder:
    (orders.root / "pipelines/orders.yml").unlink()
    orders.write(PATH, SHORT)
    orders.write("pipelines/defaults.yml", FIRST)
    orders.write("pipelines/shop/defaults.yml", NEAR)
    orders.write("dags/orders.py", 'load_dag("orders", globals())\n')
    return orders


def model(folder: Folder) -> Pipeline:
    found = load_project(folder.root).pipeline("orders").model
    assert found
    return found


def said(folder: Folder) -> list[str]:
    return [str(problem) for problem in Linter(folder.root).look() if problem.code != "W501"]


def test_the_nearest_wins_and_lists_are_added(shop: Folder) -> None:
    assert said(shop) == []
    found = model(shop)
    assert (found.owner, found.schedule, found.retries) == ("shop", "@daily", 7)
    assert found.tags == ["eu", "all"]
    assert found.kpis["totals"].target.connection == "warehouse"
    assert str(found.sources["orders"].max_rejected) == "50%"

    shop.write(
        PATH, SHORT.replace("name: orders\n", "name: orders\nowner: me\ntags: [mine, all]\n")
    )
    found = model(shop)
    assert (found.owner, found.tags) == ("me", ["mine", "all", "eu"])


def test_a_run(shop: Folder, etl: Etl) -> None:
    done = etl("run", "orders", "--date", "2024-06-25")
    assert done.returncode == 0, done.stderr
    assert shop.query("SELECT COUNT(*) FROM totals") == [(2,)]
    (shop.root / "pipelines/defaults.yml").unlink()
    done = etl("run", "orders", "--date", "2024-06-25")
    assert done.returncode == 2
    assert f"{PATH}:3:3: E203 the key 'connection' is missing" in done.stderr


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("retries: many", "1:10: E204 'retries' should be "),
        ("owner: x\nschedule: sometimes", "2:11: E204 "),
        ("retires: 3", "1:1: E202 unknown key 'retires'\n  hint: did you mean 'retries'?"),
        ("kpis: {}", "1:1: E202 'kpis' is of one pipeline, and no default"),
        ("source: {max_rejectd: 1%}", "1:10: E202 no source has a key 'max_rejectd'\n  hint: did"),
        ("source: {max_rejected: much}", "1:24: E204 "),
        ("target: {strategy: replce}", "1:20: E204 "),
        ("check: {severity: bad}", "1:19: E204 "),
        ("notify: [{type: slack, events: [never]}]", "1:33: E204 "),
        ("tags: [1, 2]\nowner: [", "E102 YAML syntax"),
        ("- a list", "1:1: E204 the file is not a mapping"),
        ("source: [a]", "1:9: E204 'source' is no mapping"),
    ],
)
def test_what_is_wrong_is_told_where_it_stands(shop: Folder, text: str, told: str) -> None:
    checks = "    checks: [{type: not_null, columns: [amount]}]\n    columns:\n"
    shop.write(PATH, SHORT.replace("    columns:\n", checks, 1))
    shop.write("pipelines/shop/defaults.yml", text)
    found = said(shop)
    assert len(found) == 1, found
    assert found[0].startswith("pipelines/shop/defaults.yml:")
    assert told in found[0]


def test_a_default_is_taken_by_blocks_that_have_the_key(shop: Folder) -> None:
    """`encoding` is of files alone; a check that says itself is left as it is."""
    defaults = "source: {encoding: latin-1}\ncheck: {severity: warning}\n"
    shop.write("pipelines/shop/defaults.yml", defaults)
    checks = "[{type: row_count, min: 1}, {type: not_null, columns: [amount], severity: error}]"
    columns = "columns: [{name: id, type: integer}]"
    users = f"  users: {{type: postgres, connection: rds, table: users, {columns}}}\n"
    csv = "  orders:\n    type: csv\n"
    text = SHORT.replace(csv, f"{users}{csv}    checks: {checks}\n")
    shop.write(PATH, text)
    source = model(shop).sources["orders"]
    assert source.encoding == "latin-1"  # type: ignore[attr-defined]
    assert [check.severity for check in source.checks] == ["warning", "error"]


def test_lint_sees_each_change(shop: Folder) -> None:
    """Also of a file that was not there when it looked last."""
    linter = Linter(shop.root)
    assert not [p for p in linter.look() if p.code != "W501"]
    new = shop.write("pipelines/shop/eu/defaults.yml", "retries: x\n")
    assert [p.path for p in linter.look() if p.code != "W501"] == ["pipelines/shop/eu/defaults.yml"]
    new.unlink()
    assert not [p for p in linter.look() if p.code != "W501"]


def test_airflow_makes_the_dag_anew(shop: Folder) -> None:
    assert shop.etl("compile", "orders", "--keep").returncode == 0
    (kept,) = (shop.root / ".etl/compiled").glob("orders.*")
    content = json.loads(kept.read_text().partition("\n")[2] or kept.read_text())
    assert "pipelines/shop/defaults.yml" in str(content)
    assert "pipelines/shop/eu/defaults.yml" in str(content)


def test_what_is_set_and_where(shop: Folder, etl: Etl) -> None:
    done = etl("explain", "orders", "--settings", "--format", "json")
    assert done.returncode == 0, done.stderr
    told = {row["setting"]: (row["value"], row["stands in"]) for row in json.loads(done.stdout)}
    assert told["owner"] == ("shop", "pipelines/shop/defaults.yml:1")
    assert told["schedule"] == ("@daily", "pipelines/defaults.yml:1")
    assert told["catchup"] == ("False", "default")
    assert told["sources.orders.connection"] == ("lake", "pipelines/defaults.yml:5")
    assert told["kpis.totals.target.connection"] == ("warehouse", "pipelines/defaults.yml:6")
    assert "pipelines/defaults.yml:4" in etl("explain", "orders", "--settings").stdout


def test_the_schema_takes_what_the_files_have(shop: Folder) -> None:
    from jsonschema import Draft202012Validator

    schema = json.loads((REPOSITORY / "defaults.schema.json").read_text())
    validator = Draft202012Validator(schema)
    assert list(validator.iter_errors(yaml.safe_load(FIRST))) == []
    assert list(validator.iter_errors({"kpis": {}})) != []
    assert list(validator.iter_errors({"source": {"max_rejectd": "1%"}})) != []
