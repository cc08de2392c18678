"""What a pipeline and an environment may say; every mistake at its place, all at once."""

from __future__ import annotations

import pytest
from pydantic import BaseModel, ValidationError

from etl_framework.model import Model
from etl_framework.project.environments import Environments
from etl_framework.project.models import Pipeline
from etl_framework.project.project import load_project
from tests.conftest import ORDERS, Folder

SOURCE = "sources: {s: {type: csv, connection: lake, path: a.csv, columns: [COLUMN]}}"
COLUMN = "{name: a, type: integer}"
KPI = "kpis: {k: {sql: k.sql, target: {connection: w, table: k, KEYS}, columns: [COLUMN]}}"
FIELDS = "\n  hint: five fields: minute 0-59, hour 0-23, day 1-31, month 1-12, weekday 0-6"


def problems(folder: Folder, text: str) -> list[str]:
    folder.write("pipelines/p.yml", text)
    return [str(found) for found in load_project(folder.root).diagnostics()]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        pytest.param("schedul: x", "2:1: E202 unknown key 'schedul'\n  hint: did you mean "
                     "'schedule'?", id="unknown key"),
        pytest.param('schedule: "x"', "2:11: E204 'x' is not a cron expression, a preset such as "
                     f"@daily, or none{FIELDS}", id="no cron expression"),
        pytest.param('schedule: "* * * * * *"', "2:11: E204 '* * * * * *' is not a cron "
                     f"expression, a preset such as @daily, or none{FIELDS}",
                     id="cron with seconds"),
        pytest.param("timezone: Europe/Berlim", "2:11: E204 unknown time zone 'Europe/Berlim'\n"
                     "  hint: did you mean 'Europe/Berlin'?", id="unknown time zone"),
        pytest.param("start_date: soon", "2:13: E204 'start_date' should be a valid date or "
                     "datetime, input is too short, not 'soon'", id="no date"),
        pytest.param("owner: [a]", "2:8: E204 'owner' should be a valid string, not ['a']",
                     id="a list for a text"),
        pytest.param("transforms: {t: {sql: a.sql, python: 'a:b'}}",
                     "2:17: E204 give either 'sql' or 'python'", id="SQL and Python"),
        pytest.param("transforms: {t: {description: x}}",
                     "2:17: E204 give either 'sql' or 'python'", id="neither SQL nor Python"),
        pytest.param("transforms: {T: {sql: a.sql}}", "2:14: E204 'T' is not a valid name\n"
                     "  hint: it matches ^[a-z][a-z0-9_]{0,62}$", id="a name in capitals"),
        pytest.param("kpis: {k: {sql: k.sql}}", "2:8: E203 the key 'target' is missing\n"
                     "  hint: write 'target: ...': The table that the rows go to.",
                     id="a KPI without its target"),
        pytest.param(KPI.replace("KEYS", "strategy: merge"),
                     "2:32: E204 strategy 'merge' needs 'unique_key'", id="merge without its key"),
        pytest.param(KPI.replace("KEYS", "strategy: delete+insert"),
                     "2:32: E204 strategy 'delete+insert' needs 'incremental_key'",
                     id="delete+insert without its key"),
        pytest.param(KPI.replace("KEYS", "strategy: merge, unique_key: [z]"),
                     "2:88: E204 the target's key 'z' is not one of 'columns'\n  hint: known: a",
                     id="a key that is no column"),
        pytest.param(KPI.replace("KEYS", "strategy: delete+insert, incremental_key: a"),
                     "2:100: E204 'incremental_key' is a date or timestamp, and 'a' is not",
                     id="an incremental key that is no time"),
        pytest.param(KPI.replace("KEYS", "strategy: merg"),
                     "2:68: E204 'merg' is not allowed for 'strategy'\n"
                     "  hint: did you mean 'merge'?", id="unknown strategy"),
    ],
)  # fmt: skip
def test_one_mistake_in_a_pipeline(folder: Folder, line: str, expected: str) -> None:
    text = f"name: p\n{line}\n{SOURCE}\n".replace("COLUMN", COLUMN)
    found = problems(folder, text)

    if "is missing" in expected:
        assert f"pipelines/p.yml:{expected}" in found
    else:
        assert found == [f"pipelines/p.yml:{expected}"]


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        pytest.param("{name: a, type: intger}", "2:83: E204 unknown column type 'intger'\n"
                     "  hint: did you mean 'integer'?", id="unknown type"),
        pytest.param("{name: a, type: 'decimal(50,2)'}", "2:83: E204 a decimal holds 1 to 38 "
                     "digits, and no more behind the point than in all", id="too many digits"),
        pytest.param("{name: a}", "2:67: E203 the key 'type' is missing\n  hint: write "
                     "'type: ...': Type, in Redshift's words: `integer`, `varchar(255)`.",
                     id="no type"),
        pytest.param("{name: 'a b', type: date}", "2:74: E204 'a b' is not a valid name\n"
                     "  hint: it matches ^[A-Za-z_][A-Za-z0-9_]{0,126}$", id="a space in a name"),
        pytest.param("{name: a, type: date, primry_key: true}", "2:89: E202 unknown key "
                     "'primry_key'\n  hint: did you mean 'primary_key'?", id="unknown key"),
        pytest.param("{name: a, type: date, required: maybe}", "2:99: E204 'required' should be a "
                     "valid boolean, unable to interpret input, not 'maybe'", id="no boolean"),
        pytest.param("{name: a, type: date}, {name: A, type: date}",
                     "2:90: E204 two columns are called 'A'", id="a column twice"),
        pytest.param("{name: FILE_row_number, type: date}",
                     "2:67: E204 no column can be called 'FILE_row_number'", id="a taken name"),
    ],
)  # fmt: skip
def test_one_mistake_in_a_column(folder: Folder, column: str, expected: str) -> None:
    found = problems(folder, f"name: p\n{SOURCE.replace('COLUMN', column)}\n")

    assert found == [f"pipelines/p.yml:{expected}"]


def test_mistakes_of_one_file_are_reported_at_once(folder: Folder) -> None:
    text = ORDERS.replace("@daily", "dayly").replace("type: csv", "type: cvs")
    text = text.replace("table: totals", "tabel: totals") + "ownr: me\n"

    assert sorted(problems(folder, text.lstrip())) == [
        "pipelines/p.yml:17:37: E202 unknown key 'tabel'\n  hint: did you mean 'table'?",
        "pipelines/p.yml:22:1: E202 unknown key 'ownr'\n  hint: did you mean 'owner'?",
        "pipelines/p.yml:2:11: E204 'dayly' is not a cron expression, a preset such as @daily, "
        f"or none{FIELDS}",
        "pipelines/p.yml:5:11: E201 unknown source type 'cvs'\n  hint: did you mean 'csv'?",
    ]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="an empty file"),
        pytest.param("# only a comment\n", id="a comment"),
        pytest.param("hello\n", id="a text"),
        pytest.param("- a\n", id="a list"),
    ],
)
def test_a_file_that_is_no_mapping(folder: Folder, text: str) -> None:
    expected = ["pipelines/p.yml:1:1: E204 the file is not a mapping of keys to values"]

    assert problems(folder, text) == expected


def test_unknown_type_of_a_check_names_the_nearest(folder: Folder) -> None:
    text = ORDERS.replace("    columns:\n", "    checks: [{type: not_nul}]\n    columns:\n", 1)

    assert problems(folder, text.lstrip().replace("name: orders", "name: p", 1)) == [
        "pipelines/p.yml:9:21: E201 unknown check type 'not_nul'\n  hint: did you mean 'not_null'?"
    ]


def test_mistakes_of_the_environments(folder: Folder) -> None:
    folder.write("environments.yml", """
        default: local
        environments:
          local:
            engin: duckdb
            connections:
              lake: {type: directry, path: lake}
              rds: {type: postgres}
        """)  # fmt: skip

    assert sorted(str(found) for found in load_project(folder.root).diagnostics()) == [
        "environments.yml:4:5: E202 unknown key 'engin'\n  hint: did you mean 'engine'?",
        "environments.yml:6:20: E201 unknown connection type 'directry'\n"
        "  hint: did you mean 'directory'?",
        "environments.yml:7:12: E204 give one of 'url', 'conn_id' and 'embedded'",
    ]


def test_a_mistake_inside_does_not_hide_one_of_the_whole(folder: Folder) -> None:
    folder.write("environments.yml", """
        default: locl
        environments:
          local: {engin: duckdb, connections: {}}
        """)  # fmt: skip

    found = {each.code: each.message for each in load_project(folder.root).diagnostics()}
    assert found == {
        "E202": "unknown key 'engin'",
        "E204": "'default' names no environment",
    }


def everything(base: type[BaseModel] = Model) -> list[type[BaseModel]]:
    return [deep for child in base.__subclasses__() for deep in (child, *everything(child))]


@pytest.mark.parametrize("model", everything(), ids=lambda model: model.__name__)
def test_models_are_closed_and_frozen(model: type[BaseModel]) -> None:
    assert model.model_config["extra"] == "forbid"
    assert model.model_config["frozen"] is True


def test_a_loaded_pipeline_does_not_change(orders: Folder) -> None:
    model = load_project(orders.root).pipeline("orders").model
    assert isinstance(model, Pipeline)

    with pytest.raises(ValidationError, match="frozen"):
        model.owner = "me"
    with pytest.raises(ValidationError, match="Extra inputs"):
        Environments.model_validate({"default": "a", "environments": {}, "more": 1})
