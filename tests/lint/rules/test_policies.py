"""Policies of a project: which pipelines keep them, where findings stand, how they are answered."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest
import yaml

from etl_framework.lint.linter import Linter
from etl_framework.lint.policy_file import load_policies
from tests.conftest import REPOSITORY, Folder
from tests.project.test_selection import pipeline

OWNER = "type: pipeline_has_owner, reason: r"


@pytest.fixture
def teams(orders: Folder) -> Folder:
    """Three pipelines: b comes after a, and c after b."""
    (orders.root / "pipelines/orders.yml").unlink()
    orders.write("pipelines/shop/a.yml", pipeline("a", "tags: [daily]"))
    orders.write("pipelines/shop/b.yml", pipeline("b", "after: [a.a_totals]"))
    orders.write("pipelines/web/c.yml", pipeline("c", "tags: [daily]", "after: [b.b_totals]"))
    return orders


def found(folder: Folder, policies: str, prefix: str = "P") -> list[str]:
    """Write policies; the findings whose codes begin so, as `path:line:column: code`."""
    folder.write("policies.yml", f"policies:\n  one: {{{policies}}}\n")
    problems = Linter(folder.root, start=False).look()
    return [f"{p.place}{p.code}" for p in problems if p.code.startswith(prefix)]


def owners(folder: Folder, selectors: str) -> str:
    return "".join(line.split("/")[-1][0] for line in found(folder, f"{OWNER}{selectors}"))


@pytest.mark.parametrize(
    ("selectors", "names"),
    [
        ("", "abc"),
        (", select: [a]", "a"),
        (", select: [a, c]", "ac"),
        (", select: ['tag:daily']", "ac"),
        (", select: ['path:pipelines/shop']", "ab"),
        (", select: ['tag:daily,path:pipelines/shop']", "a"),
        (", select: [b+]", "bc"),
        (", select: [+b]", "ab"),
        (", select: [1+c]", "bc"),
        (", select: ['source:orders']", "abc"),
        (", select: ['a.*', b]", "b"),
        (", exclude: [b]", "ac"),
        (", select: [b+], exclude: ['path:pipelines/web']", "b"),
    ],
)
def test_which_pipelines_keep_a_policy(teams: Folder, selectors: str, names: str) -> None:
    assert owners(teams, selectors) == names
    assert found(teams, f"{OWNER}{selectors}", "E605") == []


@pytest.mark.parametrize("selector", ["a+", "source:rds.a_totals", "+d"])
def test_who_reads_a_table_comes_after_it(teams: Folder, selector: str) -> None:
    file = teams.root / "environments.yml"
    connection = "      rds: {type: duckdb, path: rds.duckdb}\n"
    file.write_text(file.read_text().rstrip("\n") + f"\n{connection}")
    text = pipeline("d").replace("type: csv", "type: postgres").replace("lake", "rds")
    text = text.replace("    path: orders/*.csv\n", "    table: a_totals\n")
    teams.write("pipelines/d.yml", text)
    a = pipeline("a").replace("connection: warehouse", "connection: rds")
    teams.write("pipelines/shop/a.yml", a)

    assert "d" in owners(teams, f", select: ['{selector}']")
    assert selector != "+d" or "a" in owners(teams, ", select: [+d]")


@pytest.mark.parametrize(
    ("selectors", "names"),
    [("", "abc"), (", select: [a_totals]", "a"), (", select: [c, b.b_totals]", "bc"),
     (", exclude: [b_totals]", "ac")],
)  # fmt: skip
def test_kpis_that_keep_a_policy(teams: Folder, selectors: str, names: str) -> None:
    policy = f"type: relation_has_description, of: [kpi], reason: r{selectors}"

    assert "".join(line.split("/")[-1][0] for line in found(teams, policy)) == names


@pytest.mark.parametrize(
    ("selector", "says"),
    [
        ("aa", "there is no pipeline or KPI 'aa'"),
        ("tag:dialy", "no pipeline has the tag 'dialy'"),
        ("owner:shop", "no pipeline has the owner 'shop'"),
        ("tga:daily", "'tga:' is no way to select pipelines"),
        ("+", "'+' is no selector"),
        ("tag:daily,b", "no pipeline is all of 'tag:daily,b'"),
    ],
)
@pytest.mark.parametrize("key", ["select", "exclude"])
def test_a_selector_that_means_nothing(teams: Folder, key: str, selector: str, says: str) -> None:
    text = f"policies:\n  one: {{{OWNER}, {key}: [a, '{selector}']}}\n"
    teams.write("policies.yml", text)

    (problem,) = [p for p in Linter(teams.root).look() if p.path == "policies.yml"]

    assert (problem.code, problem.message) == ("E605", says)
    assert (problem.line, problem.column) == (2, text.splitlines()[1].index(f"'{selector}'") + 1)
    assert problem.hint
    assert owners(teams, f", select: [a, '{selector}']") == "a", "what is right in it counts"


def test_a_pipeline_that_cannot_be_read_may_be_the_one(teams: Folder) -> None:
    teams.write("pipelines/d.yml", "name: d\nsources: [\n")
    assert found(teams, f"{OWNER}, select: [d]", "E605") == []

    teams.write("pipelines/d.yml", pipeline("d", "tags: gold"))
    assert found(teams, f"{OWNER}, select: ['tag:gold']", "E605") == []

    teams.write("pipelines/d.yml", pipeline("d", "tags: [gold]"))
    assert owners(teams, ", select: ['tag:gold']") == "d"


def test_what_is_wrong_in_the_pipeline_is_not_said_to_be_missing(teams: Folder) -> None:
    teams.write("pipelines/shop/a.yml", pipeline("a", "owner: [shop]", "deadline: soon"))

    assert owners(teams, "") == "bc"
    assert found(teams, "type: pipeline_has_deadline, reason: r") == [
        "pipelines/shop/b.yml:1:7: P203", "pipelines/web/c.yml:1:7: P203",
    ]  # fmt: skip
    assert found(teams, "type: pipeline_has_description, select: [a], reason: r") == [
        "pipelines/shop/a.yml:1:7: P103"
    ]


def test_defaults_count_and_are_marked_where_they_stand(teams: Folder) -> None:
    teams.write("pipelines/shop/defaults.yml", "retries: 3\nowner: shop\n")
    assert owners(teams, "") == "c"
    assert found(teams, "type: owner_is_allowed, allow: [web], reason: r") == [
        "pipelines/shop/defaults.yml:2:8: P102"
    ], "once, for both pipelines"

    teams.write("pipelines/shop/defaults.yml", "target: {strategy: append}\n")
    policy = "type: strategy_is_allowed, forbid: [append], reason: r"
    assert found(teams, policy) == ["pipelines/shop/defaults.yml:1:20: P604"]


def test_what_a_template_says_is_marked_there(teams: Folder) -> None:
    (teams.root / "pipelines/shop/a.yml").unlink()
    (teams.root / "pipelines/shop/b.yml").unlink()
    text = pipeline("c", "retries: 0").replace("name: c\n", "").replace("\n", "\n  ").rstrip()
    teams.write("pipeline_templates/daily.yml", f"pipeline:\n  {text.strip()}\n")
    teams.write("pipelines/web/c.yml", "name: c\ntemplate: daily\ntags: [daily]\n")

    assert found(teams, "type: pipeline_has_retries, select: ['tag:daily'], reason: r") == [
        "pipeline_templates/daily.yml:2:12: P106"
    ]
    assert found(teams, OWNER) == ["pipelines/web/c.yml:1:7: P101"]


def test_severity_reason_and_exit_code(orders: Folder) -> None:
    orders.write("policies.yml", "policies: {who: {type: pipeline_has_owner, reason: at night}}\n")
    done = orders.etl("lint")
    assert done.returncode == 1
    assert done.stdout == (
        "pipelines/orders.yml:1:7: P101 the pipeline has no owner (policy who: at night)\n"
        "  hint: write owner: the team to ask\n"
    )
    assert orders.etl("plan", "orders").returncode == 2, "an error stops a run"

    text = (orders.root / "policies.yml").read_text()
    orders.write("policies.yml", text.replace("}}", ", severity: warning}}"))
    done = orders.etl("lint")
    assert (done.returncode, "P101 warning: the pipeline" in done.stdout) == (1, True)
    assert orders.etl("plan", "orders").returncode == 0

    (orders.root / "policies.yml").unlink()
    assert orders.etl("lint").returncode == 0


def test_settings_noqa_and_baseline(orders: Folder) -> None:
    orders.write("policies.yml", f"policies: {{one: {{{OWNER}}}}}\n")
    file = orders.root / "pipelines/orders.yml"
    text = file.read_text()
    assert orders.etl("lint", "--ignore", "P1").stdout == ""
    assert "P101" in orders.etl("lint", "--select", "P").stdout
    assert "P101" in orders.etl("lint", "pipelines/orders.yml").stdout
    assert "P101" in orders.etl("lint", "orders").stdout
    assert orders.etl("lint", "policies.yml").stdout == ""

    file.write_text(text.replace("name: orders", "name: orders  # noqa: P101 because a trial", 1))
    assert orders.etl("lint").stdout == ""
    (orders.root / "policies.yml").unlink()
    assert "W601 warning: nothing here is P101 any more" in orders.etl("lint").stdout

    file.write_text(text)
    orders.write("policies.yml", f"policies: {{one: {{{OWNER}}}}}\n")
    orders.etl("lint", "--write-baseline")
    orders.write("setup.cfg", "[etl:lint]\nbaseline = lint-baseline.json\n")
    assert orders.etl("lint").stdout == ""
    orders.write("setup.cfg", "[etl:lint]\nwarning = P1\n")
    assert "P101 warning:" in orders.etl("lint").stdout


def test_only_what_a_change_touches(teams: Folder) -> None:
    def git(*arguments: str) -> None:
        command = ["git", "-c", "user.name=a", "-c", "user.email=a@b", *arguments]
        subprocess.run(command, cwd=teams.root, check=True, capture_output=True)

    def told() -> list[tuple[str, str]]:
        done = teams.etl("lint", "--changed-since", "HEAD", "--format", "json")
        return [(Path(p["path"]).stem, p["code"]) for p in json.loads(done.stdout)]

    teams.write("policies.yml", f"policies: {{one: {{{OWNER}}}}}\n")
    git("init", "-q")
    git("add", ".")
    git("commit", "-qm", "all")
    assert told() == []

    file = teams.root / "pipelines/shop/a.yml"
    file.write_text(file.read_text() + "\n# a change\n")
    assert ("a", "P101") in told() and ("b", "P101") not in told()
    git("checkout", "-q", ".")
    teams.write("policies.yml", f"policies: {{one: {{{OWNER}, select: [b]}}}}\n")
    assert told() == [("b", "P101")], "a policy that changes is broken elsewhere"


def test_a_linter_notices_what_has_changed(orders: Folder) -> None:
    linter = Linter(orders.root, keep=True)
    policies = "policies: {one: {type: pipeline_has_owner, reason: r, select: [orders]}}\n"
    assert linter.look() == []

    orders.write("policies.yml", policies)
    assert [p.code for p in linter.look()] == ["P101"]
    assert linter.look(), "nothing has changed"
    assert [p.code for p in Linter(orders.root).look()] == ["P101"], "from what is kept"

    orders.write("policies.yml", policies.replace("[orders]", "[ordres]"))
    assert [p.code for p in Linter(orders.root).look()] == ["E605"]
    assert [p.code for p in linter.look()] == ["E605"]

    (orders.root / "policies.yml").unlink()
    assert linter.look() == []


def test_a_change_of_one_pipeline_selects_another(teams: Folder) -> None:
    policies = f"policies:\n  one: {{{OWNER}, select: [a+]}}\n"
    teams.write("policies.yml", policies)
    linter = Linter(teams.root)
    assert len([p for p in linter.look() if p.code == "P101"]) == 3

    teams.write("pipelines/shop/b.yml", pipeline("b"))

    assert [p.path for p in linter.look() if p.code == "P101"] == ["pipelines/shop/a.yml"]
    assert linter.looked_at == ["pipelines/shop/b.yml"], "only what has changed is read"


def test_everything_that_is_wrong_is_told_at_once(orders: Folder) -> None:
    orders.write(
        "policies.yml",
        """
        policies:
          a:
            type: pipeline-has-owner
            reason: r
          b:
            type: relation_name_matches
            pattern: "^(stg"
            reason: r
            select: [nobody]
          c:
            type: pipeline_has_retries
            atleast: 2
            reason: r
          d:
            type: pipeline_has_owner
            select: ["tga:x"]
          e:
            type: strategy_is_allowed
            allow: [merge]
            reason: r
          f:
            type: strategy_is_allowed
            allow: [append]
            reason: r
          A: {type: pipeline_has_owner, reason: r}
        polices: {}
        """,
    )

    lines = [p for p in Linter(orders.root).look() if p.path == "policies.yml"]

    assert [(p.line, p.column, p.code) for p in lines] == [
        (3, 11, "E201"), (7, 14, "E204"), (9, 14, "E605"), (12, 5, "E202"), (14, 3, "E203"),
        (16, 14, "E605"), (23, 12, "E604"), (25, 3, "E204"), (26, 1, "E202"),
    ]  # fmt: skip
    assert all(p.hint for p in lines)
    assert "did you mean 'pipeline_has_owner'?" in lines[0].hint


ALLOW = "{{type: strategy_is_allowed, reason: r, {}}}"


@pytest.mark.parametrize(
    ("one", "other", "contradict"),
    [
        ("allow: [merge]", "allow: [append]", True),
        ("allow: [merge]", "allow: [append, merge]", False),
        ("allow: [merge, append]", "allow: [append], select: [orders]", False),
        ("allow: [merge]", "forbid: [merge]", True),
        ("forbid: [merge]", "allow: [merge]", True),
        ("allow: [merge, append]", "forbid: [merge]", False),
        ("allow: [merge], forbid: [append]", "allow: [append]", True),
        ("forbid: [merge]", "forbid: [append]", False),
        ("allow: [merge], exclude: [orders]", "allow: [append]", False),
        ("allow: [merge], relations: ['a*']", "allow: [append], relations: ['b*']", False),
    ],
)
def test_policies_that_contradict_one_another(
    orders: Folder, one: str, other: str, contradict: bool
) -> None:
    text = f"policies:\n  one: {ALLOW.format(one)}\n  other: {ALLOW.format(other)}\n"
    if "exclude" in one or "select" in other:
        orders.write("pipelines/more.yml", pipeline("more"))
        text = text.replace("allow: [append]}", "allow: [append], select: [orders]}")
    orders.write("policies.yml", text.replace("{{", "{").replace("}}", "}"))

    problems = [p for p in Linter(orders.root).look() if p.code[0] == "E"]
    key = "allow" if "allow" in other else "forbid"
    column = text.splitlines()[2].index(f"{key}: ") + len(key) + 3

    assert [(p.path, p.line, p.column, p.code) for p in problems] == (
        [("policies.yml", 3, column, "E604")] if contradict else []
    )


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "E204"),
        ("[a]\n", "E204"),
        ("policies:\n", "E204"),
        ("policies: [", "E102"),
        ("policies: {}\n", ""),
        ("policies: {a: b}\n", "E204"),
        ("policies: {a: {type: pipeline_has_owner, reason: r, select: orders}}\n", "E204"),
        ("policies: {a: {type: pipeline_has_owner, reason: r, select: [[x]]}}\n", "E204"),
        ("policies: {a: {type: pipeline_has_owner, reason: ''}}\n", "E204"),
    ],
)
def test_files_of_policies_that_are_none(orders: Folder, text: str, code: str) -> None:
    (orders.root / "policies.yml").write_text(text)

    problems = [p for p in Linter(orders.root).look() if p.path == "policies.yml"]

    assert [p.code for p in problems] == ([code] if code else [])


def test_a_link_that_leads_nowhere_is_told(orders: Folder) -> None:
    (orders.root / "policies.yml").symlink_to("../shared/policies.yml")

    (problem,) = Linter(orders.root).look()

    assert (problem.path, problem.code) == ("policies.yml", "E101")


@pytest.mark.parametrize("name", ["policies.yaml", "policy.yml"])
def test_a_file_of_another_name_is_told(orders: Folder, name: str) -> None:
    linter = Linter(orders.root)
    assert linter.look() == []

    orders.write(name, f"policies: {{one: {{{OWNER}}}}}\n")

    (problem,) = linter.look()
    assert (problem.path, problem.code, problem.hint) == (name, "W309", "call it policies.yml")


def test_the_page_about_policies_is_true(teams: Folder) -> None:
    page = (REPOSITORY / "docs/policies.md").read_text(encoding="utf-8")
    readme = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    texts = re.findall(r"```yaml\n(# policies.yml\n.*?)```", page + readme, re.S)
    assert len(texts) == 2
    for text in texts:
        teams.write("policies.yml", text)
        policies, file = load_policies(teams.root)
        assert (file.diagnostics, policies.keys()) == ([], yaml.safe_load(text)["policies"].keys())
    assert "P101 the pipeline has no owner (policy answered: whom to call when" in page
