"""A project as it is in an environment's own place."""

from __future__ import annotations

from typing import cast

import pytest

from etl_framework.errors import ConfigError
from etl_framework.lint.linter import Linter
from etl_framework.project.project import Project, load_project
from etl_framework.sources.postgres.source import PostgresSource
from tests.conftest import Folder

LONG = "p" * 60


@pytest.fixture
def places(folder: Folder) -> Folder:
    """A project with environments that have a place, and some whose place has mistakes."""
    where = "connections: {lake: {type: directory, path: lake}, w: {type: postgres, conn_id: w}}"
    folder.write(
        "environments.yml",
        f"""
        default: prod
        environments:
          prod: {{{where}}}
          dev: {{schema: "dev_{{{{ env.PLACE }}}}", {where}}}
          pr: {{prefix: "pr_{{{{ env.PLACE }}}}_", {where}}}
          fixed: {{prefix: "x_", {where}}}
        """,
    )
    folder.write(
        "pipelines/first.yml",
        """
        name: first
        params: {least: 1}
        sources:
          rows: {type: csv, connection: lake, path: rows.csv, columns: [{name: a, type: integer}]}
        kpis:
          sales:
            sql: all.sql
            columns: [{name: a, type: integer}]
            target: {connection: w, table: mart.sales}
          plain:
            sql: all.sql
            columns: [{name: a, type: integer}]
            target: {connection: w, table: plain}
        """,
    )
    folder.write(
        "pipelines/second.yml",
        """
        name: second
        sources:
          sales:
            type: postgres
            connection: w
            table: Mart.sales
            columns: &all [{name: a, type: integer}]
          plain: {type: postgres, connection: w, table: public.plain, columns: *all}
          others: {type: postgres, connection: w, table: crm.people, columns: *all}
        kpis:
          again:
            sql: all.sql
            columns: [{name: a, type: integer}]
            target: {connection: w, table: other.again}
        """,
    )
    folder.write("sql_templates/all.sql", "-- One row is a number.\nSELECT a FROM rows\n")
    return folder


def tables(project: Project, name: str) -> list[str]:
    model = project.pipeline(name).model
    return [kpi.target.table for kpi in model.kpis.values()] if model else []


def read(project: Project) -> list[str]:
    model = project.pipeline("second").model
    return (
        [cast(PostgresSource, source).table for source in model.sources.values()] if model else []
    )


def test_without_a_place_it_is_the_same_project(places: Folder) -> None:
    project = load_project(places.root)
    assert project.at("prod") is project
    assert project.at(None) is project


def test_tables_and_those_who_read_them_move(
    places: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLACE", "Ann")
    project = load_project(places.root)
    dev, pr = project.at("dev"), project.at("pr")
    assert tables(dev, "first") == ["dev_ann.sales", "dev_ann.plain"]
    assert read(dev) == ["dev_ann.sales", "dev_ann.plain", "crm.people"]
    assert tables(pr, "first") == ["pr_ann_mart.sales", "pr_ann_public.plain"]
    assert read(pr) == ["pr_ann_mart.sales", "pr_ann_public.plain", "crm.people"]
    declared = pr.pipeline("first").declared
    assert declared
    assert declared.kpis["sales"].target.table == "pr_ann_mart.sales"


def test_twice_is_once_and_places_do_not_add_up(
    places: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLACE", "ann")
    project = load_project(places.root)
    pr = project.at("pr")
    assert pr.at("pr") is pr
    assert tables(pr.at("dev"), "first") == ["dev_ann.sales", "dev_ann.plain"]
    assert tables(pr.at("prod"), "first") == ["mart.sales", "plain"]
    assert pr.given({"least": 3}).at("dev").values == {"least": 3}


def test_the_name_stays_as_it_was_when_the_run_began(
    places: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLACE", "ann")
    pr = load_project(places.root).at("pr")
    monkeypatch.setenv("PLACE", "bob")
    assert pr.workspace("pr").place.prefix == "pr_ann_"
    assert pr.environment("pr").place_as_written.prefix == "pr_ann_"


def test_nothing_is_looked_up_while_files_are_loaded_and_linted(places: Folder) -> None:
    load_project(places.root)
    codes = {problem.code for problem in Linter(places.root).look()}
    assert not codes & {"E317", "E329", "E330"}
    with pytest.raises(ConfigError, match="PLACE"):
        load_project(places.root).at("dev")


def test_a_name_that_is_too_long(places: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    file = places.root / "environments.yml"
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace('"x_"', f'"{LONG}"'), encoding="utf-8")
    told = [str(problem) for problem in Linter(places.root).look() if problem.code == "E329"]
    assert len(told) == 3  # mart, other and public
    assert told[0].startswith("environments.yml:6:19: E329 the schema 'pppp")
    with pytest.raises(ConfigError, match="64 bytes; 63 are allowed"):
        load_project(places.root).at("fixed")
    # What lint cannot know, a run says.
    file.write_text(text.replace("pr_{{", "p" * 30 + "{{"), encoding="utf-8")
    assert "E329" not in {problem.code for problem in Linter(places.root).look()}
    monkeypatch.setenv("PLACE", "x" * 90)
    with pytest.raises(ConfigError) as error:
        load_project(places.root).at("pr")
    assert error.value.diagnostics[0].code == "E329"
    assert error.value.diagnostics[0].line == 5


def test_tables_that_fall_together(places: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    file = places.root / "pipelines/second.yml"
    file.write_text(file.read_text(encoding="utf-8").replace("other.again", "other.sales"))
    told = [str(problem) for problem in Linter(places.root).look() if problem.code == "E330"]
    assert told == [
        "environments.yml:4:17: E330 mart.sales and other.sales would both be dev_x.sales\n"
        "  hint: give `prefix`, which keeps schemas apart, or rename one of the tables"
    ]
    monkeypatch.setenv("PLACE", "ann")
    with pytest.raises(ConfigError, match="would both be"):
        load_project(places.root).at("dev")
    assert tables(load_project(places.root).at("pr"), "second") == ["pr_ann_other.sales"]


@pytest.mark.parametrize(
    ("line", "told"),
    [
        pytest.param('schema: a, prefix: "b_"', "give either 'schema' or 'prefix'", id="both"),
        pytest.param('prefix: "pr-{{ branch }}"', "prefix", id="characters"),
        pytest.param('prefix: "pr_{{ var.x }}"', "prefix", id="an unknown value"),
        pytest.param('own_schema: "a"', "own_schema", id="the name in the code"),
    ],
)
def test_what_cannot_be_a_place(places: Folder, line: str, told: str) -> None:
    file = places.root / "environments.yml"
    text = file.read_text(encoding="utf-8").replace('prefix: "x_"', line)
    file.write_text(text, encoding="utf-8")
    (problem,) = load_project(places.root).diagnostics()
    assert told in str(problem)
    assert problem.line == 6
