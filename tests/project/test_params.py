"""Params of pipelines: which values they take, and what templates and paths make of them."""

from __future__ import annotations

import json
from datetime import date

import pytest

from etl_framework.errors import ConfigError
from etl_framework.lint.linter import Linter
from etl_framework.project.params import Param, in_path
from etl_framework.project.project import load_project
from tests.cli.conftest import Etl, etl
from tests.conftest import ORDERS, TOTALS, Folder

__all__ = ["etl"]
DAY = ("--date", "2024-06-25")
PARAMS = """
params:
  least: {type: number, default: 0, description: The least amount}
  place: {choices: [orders, others], default: orders}
  loud: false
"""


@pytest.mark.parametrize(
    ("param", "given", "value"),
    [
        ({"type": "integer"}, "12", 12),
        ({"type": "integer"}, -3, -3),
        ({"type": "integer"}, True, "'True' is not an integer"),
        ({"type": "integer"}, "1.5", "'1.5' is not an integer"),
        ({"type": "integer"}, "1" * 30, "is not an integer"),
        ({"type": "number"}, "1.5e3", 1500.0),
        ({"type": "number"}, "nan", "'nan' is not a number"),
        ({"type": "boolean"}, "TRUE", True),
        ({"type": "boolean"}, "1", "'1' is not a boolean"),
        ({"type": "date"}, "2024-06-25", "2024-06-25"),
        ({"type": "date"}, date(2024, 6, 25), "2024-06-25"),
        ({"type": "date"}, "2024-02-30", "day is out of range"),
        ({"type": "date"}, "25.06.2024", "'25.06.2024' is not a date"),
        ({}, "it's", "it's"),
        ({}, 5, "'5' is not a string"),
        ({"choices": ["de", "at"]}, "at", "at"),
        ({"choices": ["de", "at"]}, "fr", "'fr' is none of de, at"),
        ({"type": "integer", "choices": [1, 2]}, "2", 2),
        (7, "8", 8),
        (0.5, "1", 1.0),
        (False, "true", True),
        ("de", "at", "at"),
    ],
)
def test_what_a_value_is_read_as(param: object, given: object, value: object) -> None:
    declared = Param.model_validate(param)
    if isinstance(value, str) and " " in value:
        with pytest.raises(ValueError, match=value):
            declared.read(given)
    else:
        found = declared.read(given)
        assert (found, type(found)) == (value, type(value))


def test_values_in_a_path() -> None:
    path = "{{ params.country }}/{{ interval.date }}/{{params.other}}/*.csv"
    assert in_path(path, {"country": "de"}) == "de/{{ interval.date }}/{{params.other}}/*.csv"


@pytest.fixture
def filtered(orders: Folder) -> Folder:
    """The small project, whose KPI leaves out small amounts, from a folder that a param names."""
    text = ORDERS.replace("sources:", PARAMS.strip() + "\nsources:")
    text = text.replace("path: orders/*.csv", 'path: "{{ params.place }}/*.csv"')
    orders.write("pipelines/orders.yml", text)
    where = "FROM orders\nWHERE amount >= {{ params.least }}"
    orders.write("sql_templates/orders/totals.sql", TOTALS.replace("FROM orders", where))
    orders.write("lake/others/1.csv", "order_id,customer,amount,ordered_at\n9,cy,1,2024-06-25\n")
    return orders


def customers(folder: Folder) -> list[str]:
    return [name for (name,) in folder.query("SELECT customer FROM totals ORDER BY 1")]


def test_a_run_is_given_values(filtered: Folder, etl: Etl) -> None:
    assert etl("lint").returncode == 0, etl("lint").stdout
    assert etl("run", "orders", *DAY).returncode == 0
    assert customers(filtered) == ["ada", "bob"]
    done = etl("run", "orders", *DAY, "--var", "least=20")
    assert done.returncode == 0, done.stderr
    assert customers(filtered) == ["bob"]
    assert "= extract.orders" in done.stderr, "what does not depend on it is not done again"
    assert etl("run", "orders", *DAY, "--var", "place=others").returncode == 0
    assert customers(filtered) == ["cy"]
    told = json.loads(etl("plan", "orders", "--var", "least=7.5", "--format", "json").stdout)
    assert "7.5" in next(step["sql"] for step in told if step["step"] == "kpi.totals")
    assert etl("preview", "totals", *DAY, "--var", "least=20", "--format", "csv").stdout == (
        "customer,orders,amount\nbob,1,20.00\n"
    )
    records = sorted((filtered.root / ".etl/staging").rglob("history/*.json"))
    given = [json.loads(record.read_text())["params"] for record in records]
    assert given[-1] == {"least": 0, "place": "others", "loud": False}


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (["least=much"], "pipelines/orders.yml:4:3: E326 'much' is not a number"),
        (["place=else"], "pipelines/orders.yml:5:3: E326 'else' is none of orders, others"),
        (["leest=1"], "no pipeline has a param 'leest'\n  hint: did you mean 'least'?"),
        (["least"], "'least' is not of the form name=value"),
        (["least=1", "least=2"], "'least' is given twice"),
        (["least=x", "loud=maybe"], "E326 'maybe' is not a boolean"),
    ],
)
def test_a_wrong_value_stops_before_anything_runs(
    filtered: Folder, etl: Etl, given: list[str], told: str
) -> None:
    options = [part for each in given for part in ("--var", each)]
    for command in ("run", "plan"):
        done = etl(command, "orders", *DAY, *options)
        assert (done.returncode, told in done.stderr) == (2, True), done.stderr
    assert not (filtered.root / ".etl").exists()


def test_a_value_that_is_missing(filtered: Folder, etl: Etl) -> None:
    file = filtered.root / "pipelines/orders.yml"
    file.write_text(file.read_text().replace("default: 0, ", ""))
    lint = etl("lint").stdout
    assert "E327 'least' has no value in 'local', and runs by schedule" in lint
    file.write_text(file.read_text().replace("@daily", "none"))
    assert etl("lint").returncode == 0
    for command in ("run", "plan", "preview"):
        done = etl(command, "totals" if command == "preview" else "orders")
        assert "orders.yml:4:3: E326 'least' has no value\n  hint: etl run orders --var" in (
            done.stderr
        ), command
        assert done.returncode == 2
    assert not (filtered.root / ".etl/warehouse.duckdb").exists()
    assert etl("ddl", "orders").returncode == 0, "tables do not depend on values"
    assert etl("run", "orders", "--var", "least=20").returncode == 0
    assert customers(filtered) == ["bob"]


def test_environments_give_values(filtered: Folder, etl: Etl) -> None:
    file = filtered.root / "environments.yml"
    before = file.read_text()
    for name, found in (("least", ["bob"]), ("orders.least", ["bob"])):
        file.write_text(
            before.replace("    connections:", f"    params: {{{name}: 20}}\n    connections:")
        )
        assert etl("run", "orders", *DAY).returncode == 0
        assert customers(filtered) == found
        assert etl("run", "orders", *DAY, "--var", "least=0").returncode == 0
        assert customers(filtered) == ["ada", "bob"]
    for name, value, told in (
        ("least", "much", "E326 for 'orders', 'much' is not a number"),
        ("leest", "1", "E326 no pipeline has a param 'leest'\n  hint: did you mean 'least'?"),
        ("others.least", "1", "E326 no pipeline has a param 'others.least'"),
    ):
        file.write_text(
            before.replace("    connections:", f"    params: {{{name}: {value}}}\n    connections:")
        )
        assert told in etl("lint").stdout
        assert told in etl("lint").stdout, "from the cache"


def test_a_path_gets_one_name(filtered: Folder, etl: Etl) -> None:
    file = filtered.root / "pipelines/orders.yml"
    file.write_text(file.read_text().replace("choices: [orders, others], ", ""))
    for value in ("../lake/orders", "*", "{{ interval.date }}", ""):
        done = etl("run", "orders", *DAY, "--var", f"place={value}")
        assert "E326" in done.stderr and "is no name in a path" in done.stderr


def test_a_value_is_a_literal(filtered: Folder, etl: Etl) -> None:
    file = filtered.root / "pipelines/orders.yml"
    file.write_text(
        file.read_text().replace("least: {type: number, default: 0,", "least: {default: x,")
    )
    where = "FROM orders\nWHERE customer <> {{ params.least }}"
    sql = TOTALS.replace("FROM orders", where)
    filtered.write("sql_templates/orders/totals.sql", sql)
    assert etl("run", "orders", *DAY, "--var", "least=' OR 1=1 --").returncode == 0
    assert customers(filtered) == ["ada", "bob"]


def test_values_for_a_function_and_a_check(filtered: Folder, etl: Etl) -> None:
    file = filtered.root / "pipelines/orders.yml"
    text = file.read_text().replace(
        "kpis:",
        "transforms:\n  kept:\n    python: mine:kept\n    inputs: [orders]\n"
        '    params: {least: "{{ params.least }}", other: 1}\n'
        "    columns:\n      - {name: customer, type: varchar(20)}\n"
        '      - {name: amount, type: "decimal(10,2)"}\nkpis:',
    )
    text = text.replace("params: {least", "params: {at_least")
    file.write_text(text + "    checks: [{type: sql, sql: orders/few.sql}]\n")
    filtered.write(
        "mine.py",
        """
        def kept(orders, at_least, other):
            return orders[orders.amount >= at_least][["customer", "amount"]]
        """,
    )
    filtered.write("sql_templates/orders/totals.sql", TOTALS.replace("FROM orders", "FROM kept"))
    few = "SELECT customer FROM totals WHERE amount < {{ params.least }}"
    filtered.write("sql_templates/orders/few.sql", few)
    done = etl("run", "orders", *DAY, "--var", "least=20")
    assert done.returncode == 0, done.stderr + etl("lint").stdout
    assert customers(filtered) == ["bob"]


def test_sql_that_does_not_use_a_value_is_not_run_again(filtered: Folder, etl: Etl) -> None:
    file = filtered.root / "pipelines/orders.yml"
    file.write_text(file.read_text().replace("kpis:", "transforms: {kept: {sql: kept.sql}}\nkpis:"))
    filtered.write("sql_templates/kept.sql", "SELECT * FROM orders")
    sql = filtered.root / "sql_templates/orders/totals.sql"
    sql.write_text(sql.read_text().replace("FROM orders", "FROM kept"))
    assert etl("run", "orders", *DAY).returncode == 0
    again = etl("run", "orders", *DAY, "--var", "least=20")
    assert "= transform.kept" in again.stderr
    assert "✓ kpi.totals" in again.stderr


def test_a_name_stands_once(filtered: Folder) -> None:
    file = filtered.root / "pipelines/orders.yml"
    file.write_text(file.read_text() + "    params: {least: 1}\n")
    (problem,) = Linter(filtered.root).errors()
    assert (problem.code, problem.message) == (
        "E204",
        "'least' is one of the pipeline's params, too",
    )
    with pytest.raises(ConfigError):
        load_project(filtered.root).given({"most": 1})
