"""Shell completion: what Click's protocol is told, and what a real bash offers."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from etl_framework.cli import own_commands
from tests.cli.conftest import Etl
from tests.conftest import Folder

BIN = Path(sys.executable).parent


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        pytest.param("pre", {"preview"}, id="a command"),
        pytest.param("run or", {"orders", "orders.totals"}, id="a pipeline"),
        pytest.param("run orders --env ", {"local"}, id="an environment"),
        pytest.param("preview ", {"totals"}, id="a KPI"),
        pytest.param("watch t", {"totals"}, id="a KPI to watch"),
        pytest.param("show ", {"totals", "ledger", "runs", "quarantine.orders"}, id="a table"),
        pytest.param("lineage totals.a", {"totals.amount"}, id="a column"),
        pytest.param("test orders", {"orders", "orders.totals"}, id="a test"),
        pytest.param("suggest-checks ", {"orders", "totals"}, id="a relation"),
        pytest.param("import la", {"lake"}, id="a connection"),
        pytest.param("new kpi --from ", {"orders"}, id="what a KPI reads"),
        pytest.param("rule E41", {"E410", "E411", "E412", "E413"}, id="a rule"),
        pytest.param("lint --format s", {"sarif"}, id="a format"),
        pytest.param("diff o", {"orders", "orders.totals"}, id="what to compare"),
        pytest.param("run zz", set(), id="nothing"),
    ],
)
def test_what_is_offered(
    orders: Folder, etl: Etl, monkeypatch: pytest.MonkeyPatch, line: str, offered: set[str]
) -> None:
    monkeypatch.setenv("_ETL_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_WORDS", f"etl {line}")
    monkeypatch.setenv("COMP_CWORD", str(len(f"etl {line}".split(" ")) - 1))

    done = etl()

    found = {item.partition(",")[2] for item in done.stdout.split()}
    assert offered <= found if line.startswith(("suggest", "new", "rule")) else offered == found
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("broken", ["pipelines/orders.yml", "environments.yml"])
def test_broken_files_break_no_completion(
    orders: Folder, etl: Etl, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    orders.write(broken, "a: [")
    for line in ("run ", "preview ", "run orders --env ", "import "):
        monkeypatch.setenv("_ETL_COMPLETE", "bash_complete")
        monkeypatch.setenv("COMP_WORDS", f"etl {line}")
        monkeypatch.setenv("COMP_CWORD", str(len(f"etl {line}".split(" ")) - 1))
        done = etl()
        assert "Traceback" not in done.stderr + done.stdout


def test_names_of_another_folder(
    orders: Folder,
    etl: Etl,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    monkeypatch.setenv("_ETL_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_WORDS", f"etl run --project {orders.root} ")
    monkeypatch.setenv("COMP_CWORD", "4")

    assert etl().stdout == "plain,orders\nplain,orders.totals\n"


@pytest.mark.slow
def test_in_a_real_bash(orders: Folder) -> None:
    script = """
        eval "$(_ETL_COMPLETE=bash_source etl)"
        complete -p etl
        COMP_WORDS=(etl preview to) COMP_CWORD=2
        _etl_completion etl
        echo "${COMPREPLY[@]}"
    """
    env = {**os.environ, "PATH": f"{BIN}:{os.environ['PATH']}"}
    command = ["bash", "--noprofile", "--norc", "-c", script]

    done = subprocess.run(command, cwd=orders.root, env=env, capture_output=True, text=True)

    registered, offered = done.stdout.splitlines()
    assert "_etl_completion" in registered
    assert offered.split() == ["totals"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_gets_its_script(etl: Etl, monkeypatch: pytest.MonkeyPatch, shell: str) -> None:
    monkeypatch.setenv("_ETL_COMPLETE", f"{shell}_source")

    assert f"_ETL_COMPLETE={shell}_complete" in etl().stdout


def test_every_name_of_the_project_is_completed() -> None:
    named = {"pipeline", "pipelines", "selectors", "relation", "table", "environment", "code"}
    options = [
        (name, option.name)
        for name, command in own_commands().items()
        for option in command.params
        if option.name in named and not option._custom_shell_complete
    ]
    assert options == []
