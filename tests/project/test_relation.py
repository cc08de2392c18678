"""A relation by its names: where its file has it, which step makes it, what it is checked for."""

from __future__ import annotations

import pytest

from etl_framework.errors import ConfigError
from etl_framework.project.project import Project, load_project
from tests.conftest import Folder

FIRST = """
name: first
sources:
  orders:
    type: csv
    connection: lake
    path: orders/*.csv
    columns:
      - {name: order_id, type: integer, primary_key: true}
      - {name: customer, type: varchar(20), required: true}
    checks:
      - {type: unique, columns: [customer]}
transforms:
  clean: {sql: first/clean.sql}
kpis:
  totals:
    sql: first/totals.sql
    target: {connection: warehouse, table: mart.totals_of_first}
    columns: [{name: customer, type: varchar(20)}]
"""
SECOND = FIRST.replace("first", "second").replace("  clean:", "  cleaned:")


@pytest.fixture
def project(folder: Folder) -> Project:
    """Two pipelines, with a source and a KPI of one name."""
    folder.write("pipelines/first.yml", FIRST)
    folder.write("pipelines/second.yml", SECOND)
    return load_project(folder.root)


@pytest.mark.parametrize(
    ("name", "kind", "section", "step", "line"),
    [
        ("first.orders", "source", "sources", "extract.orders", 3),
        ("clean", "transform", "transforms", "transform.clean", 13),
        ("first.totals", "kpi", "kpis", "kpi.totals", 15),
        ("mart.totals_of_second", "kpi", "kpis", "kpi.totals", 15),
    ],
)
def test_what_it_is_and_where(
    project: Project, name: str, kind: str, section: str, step: str, line: int
) -> None:
    relation = project.find(name)

    assert (relation.kind, relation.section, relation.step) == (kind, section, step)
    assert relation.keys == (section, relation.name)
    assert relation.place[1:] == (line, 3)
    assert relation.full_name == f"{relation.pipeline.name}.{relation.name}"
    assert project.find(relation.full_name) == relation


def test_its_checks_and_where_each_stands(project: Project) -> None:
    """Those that columns imply come first, and stand at the columns."""
    relation = project.find("first.orders")

    assert [check.label for check in relation.checks] == [
        "required", "primary_key order_id", "unique customer",
    ]  # fmt: skip
    assert [check.label for check in relation.implied_checks] == [
        "required", "primary_key order_id",
    ]  # fmt: skip
    assert relation.implied_checks[0].on_fail == "quarantine"  # type: ignore[attr-defined]
    assert [place[1] for place in relation.check_places] == [7, 7, 11]


@pytest.mark.parametrize(
    ("name", "kinds", "message", "hint"),
    [
        pytest.param("totals", (), "'totals' is in several pipelines",
                     "write first.totals or second.totals", id="in two pipelines"),
        pytest.param("total", (), "no pipeline has a source, transform or KPI 'total'",
                     "did you mean 'totals'?", id="misspelt"),
        pytest.param("clean", ("source",), "no pipeline has a source 'clean'", "known: orders",
                     id="of another kind"),
        pytest.param("third.totals", ("transform", "kpi"),
                     "no pipeline has a transform or KPI 'third.totals'", "did you mean 'totals'?",
                     id="of a pipeline that is not there"),
    ],
)  # fmt: skip
def test_what_cannot_be_found(
    project: Project, name: str, kinds: tuple[str, ...], message: str, hint: str
) -> None:
    with pytest.raises(ConfigError) as error:
        project.find(name, *kinds)  # type: ignore[arg-type]

    (diagnostic,) = error.value.diagnostics
    assert (diagnostic.message, diagnostic.hint) == (message, hint)


def test_a_name_before_a_table(folder: Folder, project: Project) -> None:
    """Of a relation's name and another's table, the name counts."""
    third = FIRST.replace("first", "third").replace("mart.totals_of_third", "clean")
    folder.write("pipelines/third.yml", third.replace("  clean:", "  tidy:"))
    project = load_project(folder.root)

    assert project.find("clean").kind == "transform"
    assert project.find("clean", "kpi").full_name == "third.totals"


def test_all_of_some_kinds(project: Project) -> None:
    names = [relation.full_name for relation in project.relations("transform", "kpi")]

    assert names == ["first.clean", "first.totals", "second.cleaned", "second.totals"]
    assert len(project.relations()) == 6
