"""Each option can be given by a variable that is named after the command and the option."""

from __future__ import annotations

import json

import click
import pytest

from etl_framework.cli import Commands, own_commands
from tests.cli.conftest import Etl
from tests.conftest import Folder


def test_a_variable_stands_for_an_option(
    orders: Folder, etl: Etl, monkeypatch: pytest.MonkeyPatch
) -> None:
    orders.run("orders")
    monkeypatch.setenv("ETL_SHOW_FORMAT", "json")
    monkeypatch.setenv("ETL_SHOW_LIMIT", "1")
    assert len(json.loads(etl("show", "totals").stdout)) == 1

    assert len(json.loads(etl("show", "totals", "--limit", "0").stdout)) == 2, "the option wins"
    assert etl("show", "totals", "--format", "csv").stdout.startswith("customer,orders,amount\n")


def test_of_a_command_within_a_command(
    orders: Folder, etl: Etl, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ETL_QUARANTINE_LIST_FORMAT", "json")

    assert json.loads(etl("quarantine", "list").stdout) == []


def test_a_wrong_value_is_told_with_its_option(
    orders: Folder, etl: Etl, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ETL_RUN_DATE", "soon")
    done = etl("run", "orders")

    assert (done.returncode, "'--date': 'soon' is not a date" in done.stderr) == (2, True)


def test_a_variable_of_one_command_wins_over_that_of_all(
    orders: Folder, etl: Etl, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ETL_ENV", "otter")
    monkeypatch.setenv("ETL_PLAN_ENV", "local")
    assert etl("plan", "orders", "--no-sql").stdout.startswith("orders in local, ")

    monkeypatch.delenv("ETL_PLAN_ENV")
    assert "no environment 'otter'" in etl("plan", "orders").stderr


@pytest.mark.parametrize("name", sorted(own_commands()))
def test_every_option_has_its_own(name: str) -> None:
    command = Commands().get_command(click.Context(Commands()), name)
    assert command
    options = [option for option in command.params if isinstance(option, click.Option)]
    variables = [option.envvar[0] for option in options if option.envvar]

    prefix = f"ETL_{name.upper().replace('-', '_')}_"
    assert len(set(variables)) == len(options)
    assert [name for name in variables if not name.startswith(prefix)] == []
