"""Selectors: which pipelines they mean, in which order, and what they cannot mean."""

from __future__ import annotations

import json

import pytest

from etl_framework.errors import ConfigError
from etl_framework.project.project import Project, load_project
from etl_framework.project.selection import selected
from tests.cli.conftest import Etl, etl
from tests.cli.test_diff import commit
from tests.conftest import ORDERS, Folder

__all__ = ["etl"]


def pipeline(name: str, *more: str) -> str:
    text = ORDERS.replace("name: orders\n", "\n".join([f"name: {name}", *more, ""]))
    return text.replace("  totals:", f"  {name}_totals:").replace("totals}", f"{name}_totals}}")


@pytest.fixture
def teams(orders: Folder) -> Folder:
    """a -> b -> c by `after`, and d by itself."""
    (orders.root / "pipelines/orders.yml").unlink()
    shop = pipeline("a", "owner: shop", "tags: [daily, x]")
    second = shop.partition("kpis:\n")[2].replace("a_totals", "a_second")
    orders.write("pipelines/shop/a.yml", shop + second)
    orders.write("pipelines/shop/b.yml", pipeline("b", "tags: [daily]", "after: [a.a_totals]"))
    orders.write("pipelines/web/c.yml", pipeline("c", "owner: web", "after: [b.b_totals]"))
    orders.write("pipelines/d.yml", pipeline("d", "owner: shop"))
    return orders


def names(project: Project, *selectors: str, exclude: tuple[str, ...] = ()) -> str:
    found = selected(project, selectors, exclude)
    return "".join("".join(each.names) for each in found)


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
        ("a.a_totals", "a.a_totals"),
        ("b_totals", "b.b_totals"),
        ("+b.b_totals", "ab.b_totals"),
        ("a.a_totals+", "a.a_totalsbc"),
        ("a.a_totals+1", "a.a_totalsb"),
        ("a.a_second+", "a.a_second"),
        ("a.*", "a.a_seconda.a_totals"),
        ("a a_second", "a"),
        ("a.a_second,owner:shop", "a.a_second"),
        ("source:orders,tag:x", "a"),
        ("source:lake,owner:web", "c"),
    ],
)
def test_what_selectors_mean(teams: Folder, selectors: str, found: str) -> None:
    assert names(load_project(teams.root), *selectors.split()) == found


def test_what_is_left_out(teams: Folder) -> None:
    project = load_project(teams.root)
    assert names(project, exclude=("b+",)) == "ad"
    assert names(project, "tag:daily", exclude=("owner:shop", "c")) == "b"
    assert names(project, "a", exclude=("a_second",)) == "a.a_totals"
    assert names(project, "a", "d", exclude=("a.*",)) == "d"


def test_only_some_of_what_is_meant(teams: Folder) -> None:
    project = load_project(teams.root)

    def narrowed(*selectors: str, to: tuple[str, ...]) -> str:
        found = selected(project, selectors, (), to)
        return "".join("".join(each.names) for each in found)

    assert narrowed("a", to=("a_second",)) == "a.a_second"
    assert narrowed("tag:daily", to=("owner:shop",)) == "a"
    assert narrowed(to=("d", "a_second")) == "a.a_secondd"
    with pytest.raises(ConfigError, match="there is no pipeline or KPI 'a_secnd'"):
        narrowed("a", to=("a_secnd",))
    with pytest.raises(ConfigError, match="nothing selected is any of 'd'"):
        narrowed("a", to=("d",))


def test_what_is_known_besides_the_files(teams: Folder) -> None:
    facts = {"mood": lambda: {"a": ["good"], "c": ["good", "calm"], "d": []}}
    found = selected(load_project(teams.root), ["mood:good"], facts=facts)
    assert [each.model.name for each in found] == ["a", "c"]


def test_transforms_where_they_are_wanted(teams: Folder) -> None:
    text = pipeline("d").replace("kpis:", "transforms:\n  kept: {sql: kept.sql}\nkpis:")
    teams.write("pipelines/d.yml", text)
    project = load_project(teams.root)
    (found,) = selected(project, ["d.kept"], kinds=("transform", "kpi"))
    assert found.names == ["d.kept"]
    assert (found.has("kept"), found.has("d_totals")) == (True, False)
    with pytest.raises(ConfigError, match="'d' has no KPI 'kept'"):
        selected(project, ["d.kept"])


def test_a_name_that_several_have(teams: Folder) -> None:
    teams.write("pipelines/d.yml", pipeline("d").replace("d_totals:", "a_totals:"))
    project = load_project(teams.root)
    with pytest.raises(ConfigError, match=r"write a\.a_totals or d\.a_totals"):
        names(project, "a_totals")
    assert names(project, "d.a_totals") == "d.a_totals"


def test_a_file_that_cannot_be_read(teams: Folder, etl: Etl) -> None:
    teams.write("pipelines/e.yml", "name: e\nsources: 1\n")
    assert "pipelines/e.yml:2:10: E204" in etl("ls", "e").stderr
    done = etl("ls", "tag:daily")
    assert (done.stdout, "left out, for it cannot be read: pipelines/e.yml" in done.stderr) == (
        "a\nb\n",
        True,
    )
    assert etl("ls", "a").stderr == ""
    assert etl("ls").returncode == 2


@pytest.mark.parametrize(
    ("selector", "told"),
    [
        ("e", "there is no pipeline or KPI 'e'"),
        ("e.totals", "there is no pipeline 'e'"),
        ("a.totals", "'a' has no KPI 'totals'\n  hint: did you mean 'a_totals'?"),
        ("source:clicks", "no pipeline has the source 'clicks'"),
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
    assert etl("ls", "owner:shop", "--select", "a_totals").stdout == "a.a_totals\n"
    (told,) = json.loads(etl("ls", "a.a_second", "--format", "json").stdout)
    assert told["kpis"] == ["a_second"]


def test_what_has_changed(teams: Folder, etl: Etl) -> None:
    commit(teams)
    assert etl("ls", "state:unmodified").stdout == "a\nd\nb\nc\n"
    done = etl("ls", "state:modified")
    assert (done.returncode, "no pipeline has the state 'modified'" in done.stderr) == (2, True)
    file = teams.root / "pipelines/shop/b.yml"
    file.write_text(file.read_text() + "# more\n")
    teams.write("pipelines/web/e.yml", pipeline("e"))
    assert etl("ls", "state:modified").stdout == "e\nb\n"
    assert etl("ls", "state:new").stdout == "e\n"
    assert etl("ls", "state:modified+", "--exclude", "state:new").stdout == "b\nc\n"
    assert etl("ls", "state:modified", "--base", "nowhere").returncode == 2


def test_how_the_latest_interval_stands(orders: Folder, etl: Etl) -> None:
    orders.write("pipelines/orders.yml", ORDERS.replace("@daily", "none"))
    assert etl("ls", "result:failed").returncode == 2
    assert etl("run", "orders").returncode == 0
    assert etl("ls", "result:published").stdout == "orders\n"
    wrong = ORDERS.replace("@daily", "none") + "    checks: [{type: row_count, min: 99}]\n"
    orders.write("pipelines/orders.yml", wrong)
    assert etl("run", "result:published").returncode == 1
    assert etl("ls", "result:failed").stdout == "orders\n"
