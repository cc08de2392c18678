"""Protected environments: who may write there, and by which commands."""

from __future__ import annotations

import pytest

from tests.conftest import Folder

TRUE = "the environment 'local' is protected: give --yes to write there"
CI = "the environment 'local' is protected: only CI writes there, and the variable CI is not set"
SPAN = ("--from", "2024-06-25", "--to", "2024-06-25")
WRITING = {
    "run": ("run", "p", "--date", "2024-06-25"),
    "restate": ("restate", "p", *SPAN),
    "apply": ("apply", "p"),
    "replay": ("quarantine", "replay", "rows"),
    "clean": ("clean",),
}


@pytest.fixture
def guarded(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> Folder:
    """A project whose first run is done, with a protected environment."""
    monkeypatch.delenv("CI", raising=False)
    folder.write(
        "pipelines/p.yml",
        """
        name: p
        schedule: "@daily"
        sources:
          rows: {type: csv, connection: lake, path: rows.csv, columns: [{name: a, type: integer}]}
        kpis:
          k:
            sql: k.sql
            columns: [{name: a, type: integer}]
            target: {connection: warehouse, table: k}
        """,
    )
    folder.write("sql_templates/k.sql", "-- One row is a number.\nSELECT a FROM rows\n")
    folder.write("lake/rows.csv", "a\n1\n")
    assert folder.etl(*WRITING["run"]).returncode == 0
    protect(folder, "true")
    return folder


def protect(folder: Folder, how: str) -> None:
    file = folder.root / "environments.yml"
    text = file.read_text(encoding="utf-8").replace("    protected: true\n", "")
    text = text.replace("  local:\n", f"  local:\n    protected: {how}\n")
    file.write_text(text, encoding="utf-8")


@pytest.mark.parametrize("command", WRITING.values(), ids=WRITING)
def test_commands_that_write_need_a_yes(guarded: Folder, command: tuple[str, ...]) -> None:
    refused = guarded.etl(*command)
    assert (refused.returncode, TRUE in refused.stderr) == (2, True)
    allowed = guarded.etl(*command, "--yes")
    assert allowed.returncode == 0, allowed.stderr


@pytest.mark.parametrize("command", WRITING.values(), ids=WRITING)
def test_some_environments_only_ci_writes(guarded: Folder, command: tuple[str, ...]) -> None:
    protect(guarded, "ci")
    for ci in ("", "false"):
        refused = guarded.etl(*command, "--yes", env={"CI": ci})
        assert (refused.returncode, CI in refused.stderr) == (2, True)
    confirmed = ("--yes",) if command[0] == "apply" else ()
    assert guarded.etl(*command, *confirmed, env={"CI": "true"}).returncode == 0


@pytest.mark.parametrize(
    "command",
    [
        pytest.param(("show", "k"), id="show"),
        pytest.param(("plan", "p"), id="plan"),
        pytest.param(("apply", "p", "--dry-run"), id="apply, as a trial"),
        pytest.param(("restate", "p", *SPAN, "--dry-run"), id="restate, as a trial"),
    ],
)
def test_commands_that_only_read_go_on(guarded: Folder, command: tuple[str, ...]) -> None:
    done = guarded.etl(*command)
    assert done.returncode == 0, done.stderr
