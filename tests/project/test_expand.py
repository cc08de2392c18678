"""Pipelines that are made of a template: what they are, and where mistakes are told."""

from __future__ import annotations

import pytest
import yaml

from etl_framework.lint.linter import Linter
from etl_framework.project.project import load_project
from tests.cli.conftest import Etl, etl
from tests.conftest import Folder

__all__ = ["etl"]
TEMPLATE = """
description: Rows of one kind, counted by customer.
with:
  source: {description: Name of the events}
  least: 1
  more: {type: list, default: []}
  target: {type: mapping, default: {connection: warehouse, table: counts}}
pipeline:
  description: "{{ with.source }} by customer, at least {{ with.least }}"
  schedule: "@daily"
  tags: [counted]
  sources:
    "{{ with.source }}":
      type: csv
      connection: lake
      path: "{{ with.source }}/*.csv"
      columns:
        - {name: customer, type: varchar(20)}
        - "{{ with.more }}"
  kpis:
    counts:
      sql: counts.sql
      params: {of: "{{ with.source }}", least: "{{ with.least }}"}
      target: "{{ with.target }}"
      columns:
        - {name: customer, type: varchar(20), primary_key: true}
        - {name: n, type: bigint}
"""
COUNTS = """
SELECT customer, COUNT(*) AS n FROM {{ ident(params.of) }}
GROUP BY customer HAVING COUNT(*) >= {{ params.least }}
"""
CALLER = """
template: counted
with: {source: clicks}
owner: web
"""


@pytest.fixture
def templates(orders: Folder) -> Folder:
    orders.write("pipeline_templates/counted.yml", TEMPLATE)
    orders.write("sql_templates/counts.sql", COUNTS)
    orders.write("pipelines/web/clicks.yml", CALLER)
    return orders


def problems(folder: Folder) -> list[str]:
    return [str(problem) for problem in Linter(folder.root).look()]


def test_one_pipeline(templates: Folder) -> None:
    assert problems(templates) == []
    model = load_project(templates.root).pipeline("clicks").model
    assert model
    assert (model.name, model.owner, model.schedule) == ("clicks", "web", "@daily")
    assert model.description == "clicks by customer, at least 1"
    assert model.kpis["counts"].params == {"of": "clicks", "least": 1}
    assert model.sources["clicks"].path == "clicks/*.csv"  # type: ignore[attr-defined]
    assert [column.name for column in model.sources["clicks"].columns] == ["customer"]


def test_it_runs(templates: Folder, etl: Etl) -> None:
    templates.write("lake/clicks/2024-06-25.csv", "customer\nada\nada\nbob\n")
    templates.write("pipelines/web/clicks.yml", CALLER.replace("clicks}", "clicks, least: 2}"))
    assert etl("run", "clicks", "--date", "2024-06-25").returncode == 0
    assert templates.query("SELECT * FROM counts") == [("ada", 2)]
    again = etl("run", "path:pipelines/web", "--date", "2024-06-25")
    assert "already done" in again.stderr


def test_several_pipelines_of_one_file(templates: Folder, etl: Etl) -> None:
    templates.write(
        "pipelines/web/clicks.yml",
        """
        template: counted
        instances:
          clicks: {source: clicks}
          views:
            source: views
            least: 3
            more: [{name: at, type: timestamp}, {name: x, type: integer}]
            target: {connection: warehouse, table: views}
        tags: [web]
        """,
    )
    assert problems(templates) == []
    assert problems(templates) == [], "and from the cache"
    found = {model.name: model for model in load_project(templates.root).models}
    assert set(found) == {"orders", "clicks", "views"}
    assert [column.name for column in found["views"].sources["views"].columns] == [
        "customer", "at", "x",
    ]  # fmt: skip
    assert found["views"].tags == ["web", "counted"]
    assert found["views"].kpis["counts"].target.table == "views"
    assert etl("ls", "tag:web").stdout == "clicks\nviews\n"
    assert etl("ls", "views.counts").stdout == "views.counts\n"
    assert etl("lint", "views").returncode == 0
    assert etl("lint", "viws").returncode == 2
    templates.write("dags/orders.py", 'load_dag("orders", globals())\n')
    assert etl("lint", "--fix").returncode == 0
    assert {file.name for file in (templates.root / "dags").iterdir()} == {
        "orders.py", "clicks.py", "views.py",
    }  # fmt: skip
    expanded = yaml.safe_load(etl("compile", "--expanded", "views").stdout)
    assert expanded["kpis"]["counts"]["params"] == {"of": "views", "least": 3}
    assert expanded["name"] == "views" and "template" not in expanded
    assert etl("plan", "views").returncode == 0
    assert etl("explain", "views", "--settings").returncode == 0


def test_what_the_caller_says_wins(templates: Folder) -> None:
    templates.write(
        "pipelines/web/clicks.yml",
        CALLER
        + """
description: Mine.
tags: [mine]
kpis:
  all:
    sql: all.sql
    target: {connection: warehouse, table: all_counts}
    columns: [{name: n, type: bigint}]
""",
    )
    templates.write("sql_templates/all.sql", "SELECT COUNT(*) AS n FROM clicks")
    templates.write("pipelines/defaults.yml", "owner: nobody\nretries: 7\nschedule: '@hourly'\n")
    assert problems(templates) == []
    model = load_project(templates.root).pipeline("clicks").model
    assert model
    assert (model.description, model.tags) == ("Mine.", ["mine", "counted"])
    assert set(model.kpis) == {"all", "counts"}
    assert (model.owner, model.retries, model.schedule) == ("web", 7, "@daily")


def test_a_template_of_a_template(templates: Folder) -> None:
    templates.write(
        "pipeline_templates/web/events.yml",
        """
        with: {kind: {description: Which}}
        pipeline:
          template: counted
          with: {source: "{{ with.kind }}", least: 5}
          owner: all
          retries: 9
        """,
    )
    caller = "template: web/events\nwith: {kind: clicks}\nowner: web\n"
    templates.write("pipelines/web/clicks.yml", caller)
    assert problems(templates) == []
    model = load_project(templates.root).pipeline("clicks").model
    assert model
    assert (model.owner, model.retries) == ("web", 9)
    assert model.kpis["counts"].params == {"of": "clicks", "least": 5}


@pytest.mark.parametrize(
    ("caller", "told"),
    [
        ("template: countd\n", "pipelines/web/clicks.yml:1:11: E328 there is no template 'countd'"),
        ("template: ../orders\n", "clicks.yml:1:11: E328 there is no template '../orders'"),
        ("template: 5\n", "clicks.yml:1:11: E328 there is no template '5'"),
        ("template: counted\n", "clicks.yml:1:1: E328 the template needs 'source': Name of the "
         "events\n  hint: write 'source: ...' under `with`"),
        ("template: counted\nwith: {sorce: x}\n",
         "clicks.yml:2:8: E328 the template has no 'sorce'\n  hint: did you mean 'source'?"),
        ("template: counted\nwith: {source: [a]}\n",
         "clicks.yml:2:16: E328 'source': this is a list, and not a string"),
        ("template: counted\nwith: {source: a, least: many}\n",
         "clicks.yml:2:26: E328 'least': 'many' is not an integer"),
        ("template: counted\nwith: {source: a, more: b}\n",
         "clicks.yml:2:25: E328 'more': this is a str, and not a list"),
        ("template: counted\nwith: 5\n", "clicks.yml:2:7: E328 'with' is a mapping"),
        ("template: counted\ninstances: {}\n", "clicks.yml:2:1: E328 'instances' is a mapping"),
        ("template: counted\nwith: {source: a}\ninstances: {a: {source: a}}\n",
         "clicks.yml:3:1: E328 a file has either 'with' or 'instances'"),
        ("template: counted\nname: a\ninstances: {a: {source: a}}\n",
         "E328 the names of the pipelines stand under 'instances'"),
        ("template: counted\ninstances: {A b: {source: a}}\n", "E328 'A b' is not a valid name"),
        ("template: counted\ninstances: {a: {source: a}, b: {source: b}}\n",
         "E307 the table 'counts' is already written by a.counts"),
        ("template: counted\nwith: {source: clicks}\nownr: x\n",
         "clicks.yml:3:1: E202 unknown key 'ownr'\n  hint: did you mean 'owner'?"),
        ("template: counted\nwith:\n  source: clicks\n  more:\n    - {name: at, type: timestmp}\n"
         "    - {nme: b, type: integer}\n",
         "clicks.yml:5:24: E204 unknown column type 'timestmp'"),
        ("template: counted\nwith:\n  source: clicks\n  more:\n    - {name: at, type: timestmp}\n"
         "    - {nme: b, type: integer}\n", "clicks.yml:6:8: E202 unknown key 'nme'"),
        ("template: counted\nwith: {source: a b}\n", "E204 'a b' is not a valid name"),
        ("template: counted\nwith: {source: clicks, target: {connection: warehose, table: t}}\n",
         "clicks.yml:2:45: E301"),
    ],
)  # fmt: skip
def test_mistakes_of_callers(templates: Folder, caller: str, told: str) -> None:
    templates.write("pipelines/web/clicks.yml", caller)
    assert told in "\n".join(problems(templates))
    assert told in "\n".join(problems(templates)), "and from the cache"


@pytest.mark.parametrize(
    ("right", "wrong", "told"),
    [
        ("least: 1", "least: {type: integr}", "counted.yml:4:17: E204 'integr' is not allowed"),
        ("with.least }}\"\n  sch", "with.leest }}\"\n  sch",
         "counted.yml:8:16: E328 the template has no parameter 'leest'\n  hint: did you mean 'le"),
        ("type: csv", "type: cvs", "counted.yml:13:13: E201 unknown source type 'cvs'"),
        ("primary_key", "primary_kye", "counted.yml:25:47: E202 unknown key 'primary_kye'"),
        ("pipeline:", "pipelin:", "counted.yml:7:1: E202 unknown key 'pipelin'"),
        ("tags: [counted]", "template: counted\n  with: {source: x}",
         "E328 these templates call each other: counted -> counted"),
        ("sql: counts.sql", "sql: conts.sql", "counted.yml:21:12: E302 there is no template"),
        ("description: Rows", "description: [", "pipeline_templates/counted.yml:"),
    ],
)  # fmt: skip
def test_mistakes_of_templates(templates: Folder, right: str, wrong: str, told: str) -> None:
    assert right in TEMPLATE
    templates.write("pipeline_templates/counted.yml", TEMPLATE.replace(right, wrong, 1))
    assert told in "\n".join(problems(templates))


def test_a_change_of_a_template_is_seen(templates: Folder) -> None:
    linter = Linter(templates.root)
    assert linter.look() == []
    text = TEMPLATE.replace("type: csv", "type: cvs")
    templates.write("pipeline_templates/counted.yml", text)
    assert [problem.code for problem in linter.look()] == ["E201"]
    templates.write("pipeline_templates/counted.yml", TEMPLATE)
    assert linter.look() == []


def test_no_caller_sees_the_values_of_another(templates: Folder) -> None:
    for name in ("a", "b"):
        target = f"{{connection: warehouse, table: {name}}}"
        caller = f"template: counted\nwith: {{source: {name}, target: {target}}}\n"
        templates.write(f"pipelines/web/{name}.yml", caller)
    for _ in range(2):
        found = {model.name: list(model.sources) for model in load_project(templates.root).models}
        assert (found["a"], found["b"]) == (["a"], ["b"])


def test_a_template_that_nothing_is_made_of(templates: Folder) -> None:
    (templates.root / "pipelines/web/clicks.yml").unlink()
    (problem, *_) = problems(templates)
    assert problem.startswith(
        "pipeline_templates/counted.yml:1:1: W310 warning: no pipeline is made"
    )


def test_a_block_of_the_caller_takes_the_place_of_the_template_s(templates: Folder) -> None:
    own = """
kpis:
  counts:
    sql: counts.sql
    params: {of: clicks, least: 9}
    target: {connection: warehouse, table: mine}
    columns: [{name: customer, type: varchar(20)}, {name: n, type: bigint}]
"""
    templates.write("pipelines/web/clicks.yml", CALLER + own)
    model = load_project(templates.root).pipeline("clicks").model
    assert model and model.kpis["counts"].target.table == "mine"


def test_places_in_a_list_that_has_lost_a_wrong_item(templates: Folder) -> None:
    checks = "      checks: [{type: nope}, {type: expression, expression: amuont > 1}]\n"
    text = TEMPLATE.replace("  kpis:\n", checks + "  kpis:\n")
    templates.write("pipeline_templates/counted.yml", text)
    line = next(n for n, line in enumerate(text.lstrip().split("\n"), 1) if "amuont" in line)
    column = checks.index("amuont") + 1
    told = problems(templates)
    assert any(f"counted.yml:{line}:{column}: " in each for each in told), told
