"""The JSON Schemas in a real YAML language server: completion, help and mistakes while typing."""

from __future__ import annotations

from pathlib import Path

import pytest

from etl_framework.checks.base import Check
from etl_framework.connections.base import Connection
from etl_framework.plugins import plugins
from etl_framework.sources.base import Source
from tests.editors.client import Editor

pytestmark = pytest.mark.slow
PIPELINE, ENVIRONMENTS = "pipelines/music_streaming.yml", "environments.yml"
CURSOR = "▮"


def typed(editor: Editor, project: Path, path: str, text: str) -> dict[str, str]:
    """What is offered at the cursor, with the help for it, in a file with more at its end."""
    whole = (project / path).read_text() + text
    before = whole[: whole.index(CURSOR)]
    editor.show(path, whole.replace(CURSOR, ""))
    line, column = before.count("\n"), len(before) - before.rfind("\n") - 1
    found = editor.at("completion", path, line, column)
    return {
        item["label"]: (item.get("documentation") or {}).get("value", "")
        if isinstance(item.get("documentation"), dict)
        else str(item.get("documentation"))
        for item in found["items"]
    }


@pytest.mark.parametrize("path", [PIPELINE, ENVIRONMENTS])
def test_our_own_files_are_right(editor: Editor, project: Path, path: str) -> None:
    assert editor.show(path, (project / path).read_text()) == []


@pytest.mark.parametrize(
    ("path", "text", "offered"),
    [
        pytest.param(PIPELINE, "\n▮\n", {"deadline", "notify", "max_active_runs"},
                     id="keys of a pipeline"),
        pytest.param(PIPELINE, "\n  new:\n    sql: x\n    ▮\n",
                     {"target", "columns", "checks", "tests", "params", "description"},
                     id="keys of a KPI"),
        pytest.param(PIPELINE, "\n  new:\n    target:\n      table: x\n      ▮\n",
                     {"connection", "strategy", "unique_key", "dist_key"}, id="keys of a target"),
        pytest.param(PIPELINE, "\n  new:\n    target:\n      strategy: ▮\n",
                     {"append", "replace", "merge", "delete+insert"}, id="strategies"),
        pytest.param(PIPELINE, "\n  new:\n    checks:\n      - type: ▮\n",
                     set(plugins(Check)), id="checks"),
        pytest.param(PIPELINE, "\n  new:\n    checks:\n      - {type: unique, severity: ▮}\n",
                     {"error", "warning", "warn"}, id="severities"),
        pytest.param(PIPELINE, "\n  new:\n    columns:\n      - name: x\n        type: ▮\n",
                     {"integer", "varchar(255)", "decimal(10,2)", "timestamptz"},
                     id="types of a column"),
        pytest.param(ENVIRONMENTS, "  new:\n    ▮\n", {"engine", "staging", "connections"},
                     id="keys of an environment"),
        pytest.param(ENVIRONMENTS, "  new:\n    engine: ▮\n", {"duckdb", "redshift"}, id="engines"),
        pytest.param(ENVIRONMENTS, "  new:\n    connections:\n      lake:\n        type: ▮\n",
                     set(plugins(Connection)), id="connections"),
        pytest.param(ENVIRONMENTS, "  new:\n    connections:\n      w:\n        type: redshift\n"
                     "        driver: ▮\n", {"psycopg2", "redshift_connector", "data_api"},
                     id="drivers"),
    ],
)  # fmt: skip
def test_completion(editor: Editor, project: Path, path: str, text: str, offered: set[str]) -> None:
    found = typed(editor, project, path, text)

    assert offered - set(found) == set()
    assert [label for label in offered if not found[label]] == [], "each has its help"


def test_completion_of_sources(editor: Editor, project: Path) -> None:
    text = (project / PIPELINE).read_text()
    start = text.index("  users:\n")
    new = f"{text[:start]}  new:\n    type: \n{text[start:]}"
    editor.show(PIPELINE, new)
    line = new[: new.index("    type: \n")].count("\n")

    found = editor.at("completion", PIPELINE, line, len("    type: "))

    assert {item["label"] for item in found["items"]} >= set(plugins(Source))


@pytest.mark.parametrize(
    ("path", "was", "now", "message"),
    [
        pytest.param(PIPELINE, "owner:", "ownr:", "Property ownr is not allowed", id="unknown key"),
        pytest.param(PIPELINE, "start_date: 2024-06-25", "retries: many",
                     'Incorrect type. Expected "integer"', id="wrong type"),
        pytest.param(PIPELINE, "severity: warning", "severity: wrn",
                     'Valid values: "error", "warning", "warn"', id="wrong value"),
        pytest.param(PIPELINE, "type: not_null", "type: not_nul", "Value must be", id="no check"),
        pytest.param(PIPELINE, 'max_rejected: "5%"', 'max_rejected: "5 percent"',
                     "does not match the pattern", id="no threshold"),
        pytest.param(PIPELINE, "    path: streaming-data/*.csv*\n", "", "Missing property \"path\"",
                     id="a key is missing"),
        pytest.param(ENVIRONMENTS, "type: directory", "type: dirctory", "Value must be",
                     id="no connection"),
        pytest.param(ENVIRONMENTS, "engine: redshift", "engine: redshif",
                     'Valid values: "duckdb", "redshift"', id="no engine"),
        pytest.param(ENVIRONMENTS, "default: local", "default: local\nenv: x",
                     "Property env is not allowed", id="unknown key of environments"),
        pytest.param(ENVIRONMENTS, "memory_limit: 400MB", "memory_limit: lots",
                     "does not match the pattern", id="no size"),
    ],
)  # fmt: skip
def test_mistakes(
    editor: Editor, project: Path, path: str, was: str, now: str, message: str
) -> None:
    text = (project / path).read_text()
    line = text[: text.index(was)].count("\n") + now.count("\n")
    found = editor.show(path, text.replace(was, now, 1))

    assert any(message in each["message"] for each in found), found
    assert min(abs(each["range"]["start"]["line"] - line) for each in found) <= 6


@pytest.mark.parametrize(
    ("path", "word", "help_"),
    [
        pytest.param(PIPELINE, "max_rejected", "Stop when more rows than this are", id="key"),
        pytest.param(PIPELINE, "relationships", "The value exists in a column of another relation",
                     id="type of a check"),
        pytest.param(PIPELINE, "postgres", "A table of a PostgreSQL", id="type of a source"),
        pytest.param(PIPELINE, "schedule", "0 3 \\* \\* \\*", id="examples"),
        pytest.param(ENVIRONMENTS, "staging:", "Where relations lie", id="environments"),
    ],
)  # fmt: skip
def test_help(editor: Editor, project: Path, path: str, word: str, help_: str) -> None:
    text = (project / path).read_text()
    before = text[: text.index(word)]
    editor.show(path, text)

    found = editor.at("hover", path, before.count("\n"), len(before) - before.rfind("\n"))

    assert help_.replace("\\", "") in found["contents"]["value"].replace("\\", "")
