"""The commands: help, exit codes, what is on stdout, and clear words for wrong options."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import click
import pytest

from etl_framework.checks.base import Check
from etl_framework.cli import own_commands
from etl_framework.connections.base import Connection
from etl_framework.plugins import plugins
from etl_framework.sources.base import Source
from tests.cli.conftest import Etl
from tests.conftest import ORDERS, REPOSITORY, Folder

TODAY = "TODAY"  # the day when the test runs, not when it is collected

COMMANDS = sorted(own_commands())


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_with_an_example(name: str) -> None:
    command = own_commands()[name]

    assert f"etl {name}" in (command.help or "")
    assert (command.help or "").split("\n")[0].endswith(".")
    for option in command.params:
        assert isinstance(option, click.Argument) or getattr(option, "help", None)


def test_the_commands_are_those_of_the_design() -> None:
    assert {"lint", "plan", "run", "schema", "show"} <= set(COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_in_the_readme(name: str) -> None:
    assert f"etl {name}" in (REPOSITORY / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        pytest.param(["run", "orders", "--date", "soon"], ["'soon' is not a date", "2024-06-25"],
                     id="a date that is none"),
        pytest.param(["plan", "orders", "--date", "2024-02-30"], ["'2024-02-30' is not a date"],
                     id="a day that does not exist"),
        pytest.param(["run", "orders", "--date", "2024-06-25", "--from", "2024-06-25"],
                     ["give either --date"], id="a date and a range"),
        pytest.param(["run", "orders", "--from", "2024-06-25"], ["--from and --to go together"],
                     id="half a range"),
        pytest.param(["run", "orders", "--from", "2024-06-26", "--to", "2024-06-25"],
                     ["is after --to"], id="a range that goes back"),
        pytest.param(["run", "orders", "--date", "2999-01-01"],
                     ["2999-01-01 is not over yet: today is"], id="a day to come"),
        pytest.param(["run", "orders", "--date", TODAY], ["is not over yet"], id="today"),
        pytest.param(["run", "ordrs"], ["no pipeline or KPI 'ordrs'", "did you mean 'orders'?"],
                     id="an unknown pipeline"),
        pytest.param(["run", "orders", "--env", "locl"],
                     ["no environment 'locl'", "did you mean 'local'?"], id="no environment"),
        pytest.param(["plan", "orders", "--env", "locl"],
                     ["no environment 'locl'", "did you mean 'local'?"], id="plan for none"),
        pytest.param(["show", "totls"], ["did you mean 'totals'?"], id="an unknown table"),
        pytest.param(["lnt"], ["No such command 'lnt'"], id="an unknown command"),
        pytest.param(["lint", "--project", "nowhere"], ["nowhere"], id="no folder"),
        pytest.param(["lint", "--project", "lake"], ["is not a project"], id="no project"),
        pytest.param(["lint", "ordrs"], ["ordrs", "did you mean 'orders'?"], id="a path that "
                     "is none"),
    ],
)  # fmt: skip
def test_what_cannot_be_done_is_said(
    orders: Folder, etl: Etl, arguments: list[str], words: list[str]
) -> None:
    today = str(datetime.now(UTC).date())
    done = etl(*(today if argument == TODAY else argument for argument in arguments))

    assert [word for word in words if word not in done.stderr] == []
    assert (done.returncode, done.stdout) == (2, "")
    assert "Traceback" not in done.stderr
    assert not (orders.root / ".etl").exists()


def test_lint_of_what_is_right(orders: Folder) -> None:
    done = orders.etl("lint")

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "0 problems found\n")


def test_lint_of_what_is_wrong(orders: Folder, etl: Etl) -> None:
    orders.write("pipelines/orders.yml", ORDERS + "ownr: me\n")
    sql = "SELECT nope AS customer, 1 AS orders, 1.0 AS amount FROM orders"
    orders.write("sql_templates/orders/totals.sql", sql)
    text, machine = etl("lint"), etl("lint", "--format", "json")

    assert (text.returncode, machine.returncode) == (1, 1)
    assert text.stdout == (
        "pipelines/orders.yml:22:1: E202 unknown key 'ownr'\n  hint: did you mean 'owner'?\n"
        "sql_templates/orders/totals.sql:1:8: E413 unknown column 'nope'\n"
        "  hint: known: amount, customer, order_id, ordered_at\n"
    )
    assert [list(found) for found in json.loads(machine.stdout)] == 2 * [
        ["path", "line", "column", "code", "message", "hint", "severity"]
    ]
    assert json.loads(machine.stdout)[0] == {
        "path": "pipelines/orders.yml", "line": 22, "column": 1, "code": "E202",
        "message": "unknown key 'ownr'", "hint": "did you mean 'owner'?", "severity": "error",
    }  # fmt: skip


def test_lint_of_one_file_leaves_others_out(orders: Folder, etl: Etl) -> None:
    orders.write("pipelines/orders.yml", ORDERS + "ownr: me\n")
    orders.write("pipelines/other.yml", ORDERS.replace("name: orders", "name: othr", 1))

    assert "E306" in etl("lint", "pipelines/other.yml").stdout
    assert "E202" not in etl("lint", "pipelines/other.yml").stdout
    assert "E202" in etl("lint", "orders").stdout


def test_json_of_what_is_right_is_an_empty_list(etl: Etl) -> None:
    assert json.loads(etl("lint", "--format", "json").stdout) == []


def test_run_reports_all_mistakes_and_runs_nothing(orders: Folder, etl: Etl) -> None:
    orders.write("pipelines/orders.yml", ORDERS.replace("lake", "lak") + "ownr: me\n")
    orders.write("sql_templates/orders/totals.sql", "SELECT nope FROM orders")
    done = etl("run", "orders")

    assert (done.returncode, done.stdout) == (2, "")
    assert all(code in done.stderr for code in ("E202", "E301", "E413"))
    assert not (orders.root / ".etl").exists()


def test_plan_as_text_and_as_json(orders: Folder, etl: Etl) -> None:
    text = etl("plan", "orders", "--date", "2024-06-25").stdout
    machine = etl("plan", "orders", "--date", "2024-06-25", "--format", "json").stdout
    steps = json.loads(machine)
    names = [step["step"] for step in steps]

    assert names == ["extract.orders", "check.orders", "kpi.totals", "check.totals", "publish"]
    assert all(f"{number}. {name}\n" in text for number, name in enumerate(names, 1))
    assert "orders in local, data interval [2024-06-25 00:00, 2024-06-26 00:00)" in text
    assert steps[2]["inputs"] == ["orders"]
    assert steps[4]["targets"] == [
        {"connection": "warehouse", "table": "totals", "strategy": "replace"}
    ]
    assert "GROUP BY" in text
    assert "GROUP BY" not in etl("plan", "orders", "--no-sql").stdout
    assert not (orders.root / ".etl").exists()


def test_the_schema_of_a_pipeline_knows_every_plugin(etl: Etl) -> None:
    schema = json.loads(etl("schema", "pipeline").stdout)
    text = json.dumps(schema)

    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["additionalProperties"] is False
    assert set(schema["required"]) == {"name", "sources"}
    for base in (Source, Check):
        for name, plugin in plugins(base).items():
            if plugin.__module__.startswith("etl_framework"):
                assert f'"const": "{name}"' in text
    for definition in schema["$defs"].values():
        assert definition.get("additionalProperties", False) is False


def test_the_schema_of_environments_knows_every_connection(etl: Etl) -> None:
    text = etl("schema", "environments").stdout
    known = [n for n, c in plugins(Connection).items() if c.__module__.startswith("etl_framework")]

    assert all(f'"const": "{name}"' in text for name in known)


def test_schema_writes_both_files(orders: Folder, etl: Etl) -> None:
    done = etl("schema")

    assert (done.returncode, done.stdout) == (0, "")
    for name in ("pipeline", "environments"):
        written = (orders.root / f"{name}.schema.json").read_text(encoding="utf-8")
        assert written == etl("schema", name).stdout
