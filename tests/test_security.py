"""A test stands behind each line of SECURITY.md; what no other test keeps is here."""

from __future__ import annotations

import ast
import re
from typing import Any

import pytest
import yaml

from etl_framework.authoring.scaffold import WORKFLOW
from tests.conftest import REPOSITORY, Folder

PAGE = (REPOSITORY / "SECURITY.md").read_text(encoding="utf-8")
TESTS = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", PAGE)
HOSTILE = [
    "'); DROP TABLE totals; --",
    '"; DELETE FROM orders; --',
    "{{ interval.date }}",
    "{% for x in range(9) %}a",
    "${HOME}",
    "=1+1",
    "\\'; --",
    "%s %(x)s ? ;",
]


@pytest.mark.parametrize(("file", "test"), TESTS, ids=[test for _, test in TESTS])
def test_there_is_such_a_test(file: str, test: str) -> None:
    tree = ast.parse((REPOSITORY / file).read_text(encoding="utf-8"))

    assert test in {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


def test_each_line_has_one() -> None:
    rows = PAGE.partition("## What keeps each line")[2].partition("## Report")[0].splitlines()
    lines = [row for row in rows if row.startswith("| ")][1:]

    assert len(lines) > 15
    assert [line for line in lines if "::" not in line] == []


@pytest.mark.slow
def test_what_is_sent_is_data(orders: Folder) -> None:
    """Texts that would be SQL, a template or a formula somewhere, in values and names of files."""
    (orders.root / "lake/orders/1.csv").unlink()
    file = orders.root / "pipelines/orders.yml"
    file.write_text(file.read_text().replace("varchar(20)", "varchar(99)"))
    for number, text in enumerate(HOSTILE):
        name = re.sub(r"[/\x00]", "", text)
        quoted = '"' + text.replace('"', '""') + '"'
        orders.write(
            f"lake/orders/{name}.csv",
            "order_id,customer,amount,ordered_at\n"
            f"{number},{quoted},1.00,2024-06-25 08:00:00\nno,{quoted},{quoted},{quoted}\n",
        )
    done = orders.etl("run", "orders", "--date", "2024-06-25")

    assert done.returncode == 0, done.stderr
    assert sorted(orders.query("SELECT customer FROM totals")) == sorted((t,) for t in HOSTILE)
    shown = orders.etl("quarantine", "show", "orders", "--format", "csv", "--limit", "0")
    assert shown.returncode == 0 and shown.stdout.count(",no,") + shown.stdout.count("no,") >= 8


def triggers(workflow: dict[Any, Any]) -> set[str]:
    named = workflow.get("on", workflow.get(True))  # YAML 1.1 reads `on` as true
    return set([named] if isinstance(named, str) else named)


def test_pull_requests_get_no_secret() -> None:
    texts = [file.read_text() for file in (REPOSITORY / ".github/workflows").glob("*.yml")]
    of_requests = 0
    for text in [*texts, WORKFLOW]:
        workflow = yaml.safe_load(text)
        assert "pull_request_target" not in triggers(workflow)
        if "pull_request" in triggers(workflow):
            of_requests += 1
            assert workflow["permissions"] == {"contents": "read"}
            assert "secrets." not in text and "id-token" not in text
            assert all("permissions" not in job for job in workflow["jobs"].values())
    assert of_requests >= 1
