"""Selectors: which pipelines they mean, in which order, and what they cannot mean."""

from __future__ import annotations

import json

import pytest

from etl_framework.errors import ConfigError
from etl_framework.project.project import Project, load_project
from etl_framework.project.selection import selected
from tests.cli.conftest import Etl, etl
from tests.conftest import ORDERS, Folder

__all__ = ["etl"]


def pipeline(name: str, *more: str) -> str:
    text = ORDERS.replace("name: orders\n", "\n".join([f"name: {name}", *more, ""]))
    return text.replace("  totals:", f"  {name}_totals:").replace("totals}", f"{name}_totals}}")


@pytest.fixture
def teams(orders: Folder) -> Folder:
    """a -> b -> c by `after`, and d by itself."""
    (orders.root / "pipelines/orders.yml").unlink()
    orders.write("pipelines/shop/a.yml", pipeline("a", "owner: shop", "tags: [daily, x]"))
    orders.write("pipelines/shop/b.yml", pipeline("b", "tags: [daily]", "after: [a.a_totals]"))
    orders.write("pipelines/web/c.yml", pipeline("c", "owner: web", "after: [b.b_totals]"))
    orders.write("pipelines/d.yml", pipeline("d", "owner: shop"))
    return orders


def names(project: Project, *selectors: str, exclude: tuple[str, ...] = ()) -> str:
    return "".join(model.name for model in selected(project, selectors, exclude))


@pytest.mark.parametrize(
    ("selectors", "found"),
    [
        ("", "adbc"),
        ("a", "a"),
        ("c a", "ac"),
        ("tag:daily", "ab"),
        ("owner:shop", "ad"),
        ("path:pipelines/shop", "ab"),
        ("path:pipelines/shop/", "ab"),
        ("path:pipelines/web/c.yml", "c"),
        ("tag:daily,owner:shop", "a"),
        ("+b", "ab"),
        ("b+", "bc"),
        ("+b+", "abc"),
        ("1+c", "bc"),
        ("2+c", "abc"),
        ("a+1", "ab"),
        ("@b", "abc"),
        ("0+c", "c"),
        ("owner:web+", "c"),
        ("+owner:web", "abc"),
        ("[ab]", "ab"),
        ("*", "adbc"),
    ],
)
def test_what_selectors_mean(teams: Folder, selectors: str, found: str) -> None:
    assert names(load_project(teams.root), *selectors.split()) == found


def test_what_is_left_out(teams: Folder) -> None:
    project = load_project(teams.root)
    assert names(project, exclude=("b+",)) == "ad"
    assert names(project, "tag:daily", exclude=("owner:shop", "c")) == "b"


@pytest.mark.parametrize(
    ("selector", "told"),
    [
        ("e", "there is no pipeline 'e'"),
        ("tag:dayly", "no pipeline has the tag 'dayly'\n  hint: did you mean 'daily'?"),
        ("tagg:daily", "'tagg:' is no way to select pipelines\n  hint: did you mean 'tag'?"),
        ("owner:web,tag:daily", "no pipeline is all of 'owner:web,tag:daily'"),
        ("++a", "'++a' is no selector"),
        ("", "'' is no selector"),
    ],
)
def test_what_means_nothing(teams: Folder, selector: str, told: str) -> None:
    with pytest.raises(ConfigError) as raised:
        names(load_project(teams.root), selector)
    assert told in str(raised.value)


def test_a_circle(teams: Folder) -> None:
    teams.write("pipelines/shop/a.yml", pipeline("a", "after: [c.c_totals]"))
    with pytest.raises(ConfigError, match="pipelines wait for one another: 'a', 'b', 'c'"):
        names(load_project(teams.root))


def test_a_source_that_reads_a_table_of_another(teams: Folder) -> None:
    source = "type: postgres\n    connection: warehouse\n    table: A_totals"
    text = pipeline("d").replace("type: csv\n    connection: lake\n    path: orders/*.csv", source)
    teams.write("pipelines/d.yml", text.replace('    max_rejected: "50%"\n', ""))
    assert names(load_project(teams.root), "+d") == "ad"


def test_the_command(teams: Folder, etl: Etl) -> None:
    assert etl("ls", "tag:daily", "d").stdout == "a\nd\nb\n"
    told = json.loads(etl("ls", "b", "--format", "json").stdout)
    assert told[0]["path"] == "pipelines/shop/b.yml"
    assert (told[0]["comes_after"], told[0]["kpis"]) == (["a"], ["b_totals"])
    assert etl("ls", "nothing").returncode == 2
