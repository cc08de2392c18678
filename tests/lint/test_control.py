"""Which findings are told: noqa, select and ignore, severities, a baseline, a change, own rules."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable

import pytest

from etl_framework.lint.pages import page
from tests.conftest import REPOSITORY, Folder

Lint = Callable[..., list[str]]
RATIO = "SELECT customer, COUNT(*) AS orders, SUM(amount) / SUM(order_id) AS each_ FROM orders\n"


@pytest.fixture
def lint(orders: Folder) -> Lint:
    """Place and code of each finding of the small project, one of whose divisors may be zero."""
    sql = orders.root / "sql_templates/orders/totals.sql"
    sql.write_text(sql.read_text() + "HAVING SUM(amount) / SUM(order_id) > 0\n")

    def run(*arguments: str, code: int | None = None) -> list[str]:
        done = orders.etl("lint", "--format", "json", *arguments)
        assert done.returncode in (0, 1) if code is None else done.returncode == code, done.stderr
        return [f"{p['path']}:{p['line']} {p['code']}" for p in json.loads(done.stdout or "[]")]

    return run


def last_line(orders: Folder, more: str) -> None:
    sql = orders.root / "sql_templates/orders/totals.sql"
    sql.write_text(sql.read_text().rstrip("\n") + more + "\n")


def test_the_project_has_one_finding(lint: Lint) -> None:
    (found,) = lint()
    assert found.endswith(" W403")


def test_a_noqa_with_a_reason_answers_it(lint: Lint, orders: Folder) -> None:
    last_line(orders, "  -- noqa: W403 because ids are never 0")

    assert lint() == []


@pytest.mark.parametrize(
    ("comment", "codes"),
    [
        ("-- noqa: W403", ["W602"]),
        ("-- noqa", ["W403", "W602"]),
        ("-- NOQA: w403, W402 because both", ["W601"]),
        ("-- noqa: W999 because", ["W403", "W601", "W602"]),
        ("/* noqa: W403 because ids are never 0 */", []),
        ("{# noqa: W403 because ids are never 0 #}", []),
        ("-- a noqa: W403 because it is not at the start", ["W403"]),
    ],
)
def test_what_a_noqa_says(lint: Lint, orders: Folder, comment: str, codes: list[str]) -> None:
    last_line(orders, f" {comment}")

    assert sorted(found.split()[1] for found in lint()) == codes


def test_a_noqa_in_yaml(lint: Lint, orders: Folder) -> None:
    file = orders.root / "pipelines/orders.yml"
    lines = file.read_text().replace("name: orders", "name: orders\nnonsense: 1", 1).splitlines()
    file.write_text("\n".join(lines))
    assert "pipelines/orders.yml:2 E202" in lint()

    lines[1] += "  # noqa: E202 because a tool of ours reads it"
    file.write_text("\n".join(lines))
    assert [found for found in lint() if "E202" in found] == []


def test_an_unused_noqa_of_a_rule_that_is_off_is_not_told(lint: Lint, orders: Folder) -> None:
    last_line(orders, " -- noqa: W402, W403 because")

    assert "W601" not in str(lint("--select", "W403"))
    assert "W601" in str(lint())


def test_select_and_ignore(lint: Lint, orders: Folder) -> None:
    assert lint("--ignore", "W4") == []
    assert lint("--select", "E") == []
    assert len(lint("--select", "W403,E")) == 1
    done = orders.etl("lint", "--select", "W4O3")
    assert (done.returncode, "did you mean 'W403'?" in done.stderr) == (2, True)


def test_settings_of_the_project(lint: Lint, orders: Folder) -> None:
    orders.write("setup.cfg", "[etl:lint]\nignore = W403\n")
    assert lint() == []
    assert len(lint("--ignore", "E")) == 1, "the command line comes first"

    orders.write("setup.cfg", "[etl:lint]\nerror = W4\nwarning = W402\n")
    (found,) = json.loads(orders.etl("lint", "--format", "json").stdout)
    assert found["severity"] == "error"
    assert orders.etl("plan", "orders").returncode == 2, "an error stops a run"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[etl:lint]\nignor = W4\n", "setup.cfg:2:1: E601 unknown key 'ignor' in [etl:lint]"),
        ("[a]\nignore = x\n[etl:lint]\nignore = X9\n", "setup.cfg:4:1: E601 there is no rule 'X9'"),
        ("[etl:lint\nignore = W4\n", "setup.cfg:1:1: E601 setup.cfg cannot be read"),
        ("[etl:lint]\nrules = ../rules.py\n", "setup.cfg:2:1: E601 there is no file '../rules.py'"),
        ("[etl:lint]\nbaseline = none.json\n", "the baseline none.json cannot be read"),
    ],
)
def test_wrong_settings_stop_it(orders: Folder, text: str, says: str) -> None:
    orders.write("setup.cfg", text)

    done = orders.etl("lint")

    assert done.returncode == 2
    assert says in done.stderr


def test_a_baseline(lint: Lint, orders: Folder) -> None:
    assert orders.etl("lint", "--write-baseline").returncode == 0
    orders.write("setup.cfg", "[etl:lint]\nbaseline = lint-baseline.json\n")
    assert lint() == []

    sql = orders.root / "sql_templates/orders/totals.sql"
    sql.write_text("\n\n" + sql.read_text())
    assert lint() == [], "lines move"
    last_line(orders, " AND SUM(amount) / SUM(order_id) > 1")
    assert len(lint()) == 1, "one more of the same is new"

    sql.write_text(sql.read_text().partition("HAVING")[0])
    assert "1 of the baseline are mended" in orders.etl("lint").stderr


def test_only_what_a_change_touches(lint: Lint, orders: Folder) -> None:
    def git(*arguments: str) -> None:
        command = ["git", "-c", "user.name=a", "-c", "user.email=a@b", *arguments]
        subprocess.run(command, cwd=orders.root, check=True, capture_output=True)

    assert "E" not in orders.etl("lint", "--changed-since", "HEAD").stdout
    assert orders.etl("lint", "--changed-since", "HEAD").returncode == 2, "it is in no repository"
    git("init", "-q")
    git("add", ".")
    git("commit", "-qm", "all")
    assert lint("--changed-since", "HEAD") == []
    file = orders.root / "pipelines/orders.yml"
    file.write_text(file.read_text() + "\n# a change\n")
    assert len(lint("--changed-since", "HEAD")) == 1, "its template belongs to it"
    for revision in ("nowhere", "--output=/tmp/x"):
        assert orders.etl("lint", f"--changed-since={revision}").returncode == 2


OWN = '''
from dataclasses import replace
from etl_framework.lint.base import Rule

class Described(Rule):
    """A pipeline says what it is for."""

    codes = ("X001",)

    def check(self, project, files):
        for checked in files:
            if not checked.pipeline.description:
                file = checked.pipeline_file.file
                problem = file.diagnostic(("name",), "X001", "say what it is for")
                yield replace(problem, severity="warning")
'''


def test_a_rule_that_breaks_does_not_hide_others(orders: Folder) -> None:
    wrong, right = re.findall(r"```python\n(.*?)```", page("E602"), re.DOTALL)
    orders.write("setup.cfg", "[etl:lint]\nrules = functions.py\n")
    file = orders.root / "pipelines/orders.yml"
    file.write_text(file.read_text() + "nonsense: 1\n")

    orders.write("functions.py", wrong)
    found = orders.etl("lint").stdout.splitlines()
    assert found[0].startswith("functions.py:10:1: E602 the rule Described breaks: AttributeError")
    assert found[2].startswith("pipelines/orders.yml:22:1: E202 unknown key 'nonsense'")
    assert orders.etl("rule", "X001").stdout == "# X001\n\nA pipeline says what it is for.\n"

    orders.write("functions.py", right)
    assert "E602" not in orders.etl("lint").stdout


def test_a_noqa_in_a_dag_file(lint: Lint, orders: Folder) -> None:
    orders.etl("new", "dag", "orders")
    orders.write("dags/old.py", 'load_dag("old")\n')
    assert "dags/old.py:1 E501" in lint("--ignore", "W")

    orders.write("dags/old.py", 'load_dag("old")  # noqa: E501 because it is on its way\n')
    assert lint("--ignore", "W4") == []


def test_an_unused_noqa_behind_an_error_is_not_told(lint: Lint, orders: Folder) -> None:
    last_line(orders, " -- noqa: W402 because of ties")
    assert any("W601" in found for found in lint())

    file = orders.root / "pipelines/orders.yml"
    file.write_text(file.read_text().replace("type: csv", "type: cvs"))
    assert [found for found in lint() if "W601" in found] == [], "the query is not looked at"


def test_a_change_that_collides_with_an_unchanged_file(lint: Lint, orders: Folder) -> None:
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@b"]
    for command in (["init", "-q"], ["add", "."], ["commit", "-qm", "all"]):
        subprocess.run([*git, *command], cwd=orders.root, check=True, capture_output=True)
    text = (orders.root / "pipelines/orders.yml").read_text()
    orders.write("pipelines/early.yml", text.replace("name: orders", "name: early", 1))

    assert "pipelines/orders.yml:17 E307" in lint("--changed-since", "HEAD")


def test_a_rule_of_the_project(lint: Lint, orders: Folder) -> None:
    orders.write("lint_rules.py", OWN)
    orders.write("setup.cfg", "[etl:lint]\nrules = lint_rules.py\nselect = X\n")
    assert lint() == ["pipelines/orders.yml:1 X001"]

    orders.write("lint_rules.py", OWN.replace("checked.pipeline_file", "checked.found"))
    assert lint() == ["pipelines/orders.yml:1 X001"], "the deprecated name still works"

    orders.write("lint_rules.py", "import nowhere_at_all")
    done = orders.etl("lint")
    assert done.returncode == 2
    assert "lint_rules.py does not load: ModuleNotFoundError" in done.stderr


def test_the_rule_of_the_readme(lint: Lint, orders: Folder) -> None:
    text = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    (source,) = re.findall(r"```python\n(# lint_rules.py\n.*?)```", text, re.DOTALL)
    orders.write("lint_rules.py", source)
    orders.write("setup.cfg", "[etl:lint]\nrules = lint_rules.py\n")
    last_line(orders, "\nORDER BY 1, 2 LIMIT 3")

    assert [found for found in lint() if found.endswith("X100")] != []
