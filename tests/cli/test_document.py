"""`--format json`: one document on stdout, also when the command fails; `docs/output.md` has it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from tests.cli.conftest import Etl
from tests.conftest import ORDERS, REPOSITORY, ROWS, TOTALS, Folder

PAGE = (REPOSITORY / "docs/output.md").read_text(encoding="utf-8")
DATE = ("--date", "2024-06-25")
BROKEN = ORDERS.replace("type: varchar(20)}", "type: varchar(20), required: true}", 1)
STRICT = BROKEN.replace('max_rejected: "50%"', 'max_rejected: "0%"')
NO_CUSTOMER = ROWS + "4,,1.00,2024-06-25 08:00:00\n"


def keys(value: Any) -> Iterator[str]:
    """Every key of a document, in whatever depth; names of counts and of a check's keys aside."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield name
            if name not in ("counts", "check"):
                yield from keys(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from keys(inner)


def undocumented(document: Any) -> set[str]:
    """The keys that `docs/output.md` does not name."""
    return set(keys(document)) - set(re.findall(r"`(\w+)`", PAGE))


def test_a_run(orders: Folder, etl: Etl) -> None:
    done = etl("run", "orders", *DATE, "--format", "json")
    document = json.loads(done.stdout)

    assert (done.returncode, document["state"], document["problems"]) == (0, "done", [])
    (run,) = document["runs"]
    assert (run["pipeline"], run["environment"], run["state"]) == ("orders", "local", "done")
    assert run["interval_start"] == "2024-06-25T00:00:00+00:00"
    assert run["interval_end"] == "2024-06-26T00:00:00+00:00"
    assert run["published"] == {"rows": 2, "tables": ["totals"]}
    assert run["sources"] == [{"source": "orders", "read": 3, "kept": 3, "rejected": 0}]
    assert {step["step"]: step["counts"].get("rows") for step in run["steps"]} == {
        "extract.orders": None, "check.orders": 3, "kpi.totals": 2, "check.totals": 2, "publish": 2,
    }  # fmt: skip
    assert [(check["relation"], check["status"]) for check in run["checks"]] == [
        ("orders", "pass"), ("totals", "pass"),
    ]  # fmt: skip
    assert undocumented(document) == set()
    assert "✓ publish" in done.stderr
    recorded = json.loads(etl("show", "runs", "--format", "json").stdout)
    assert run["run"] in str(recorded)


def test_a_run_that_fails(orders: Folder, etl: Etl) -> None:
    orders.write("pipelines/orders.yml", STRICT)
    orders.write("lake/orders/1.csv", NO_CUSTOMER)
    done = etl("run", "orders", *DATE, "--format", "json")
    document = json.loads(done.stdout)

    assert (done.returncode, document["state"]) == (1, "failed")
    (problem,) = document["problems"]
    assert (problem["path"], problem["line"] > 0) == ("pipelines/orders.yml", True)
    assert problem["message"] in done.stderr
    (run,) = document["runs"]
    assert (run["state"], run["published"]) == ("failed", None)
    states = {step["step"]: step["state"] for step in run["steps"]}
    assert (states["kpi.totals"], states["publish"]) == ("skipped", "skipped")
    assert undocumented(document) == set()


def test_files_that_are_wrong(orders: Folder, etl: Etl) -> None:
    orders.write("pipelines/orders.yml", ORDERS + "nonsense: 1\n")
    done = etl("run", "orders", *DATE, "--format", "json")
    document = json.loads(done.stdout)

    assert (done.returncode, document["state"], document["runs"]) == (2, "failed", [])
    assert [problem["code"] for problem in document["problems"]] == ["E202"]


def test_an_option_that_is_wrong(orders: Folder, etl: Etl) -> None:
    done = etl("run", "orders", "--date", "2999-01-01", "--format", "json")
    document = json.loads(done.stdout)

    assert (done.returncode, document["state"]) == (2, "failed")
    (problem,) = document["problems"]
    assert "is not over yet" in problem["message"]


def test_several_data_intervals_and_pipelines(orders: Folder, etl: Etl) -> None:
    later = ORDERS.replace("name: orders\n", "name: later\nafter: [orders.totals]\n")
    orders.write("pipelines/later.yml", later.replace("table: totals", "table: later"))
    days = ("--from", "2024-06-25", "--to", "2024-06-26")
    good = json.loads(etl("run", "orders", *days, "--format", "json").stdout)
    assert [(run["interval_start"][:10], run["state"]) for run in good["runs"]] == [
        ("2024-06-25", "done"), ("2024-06-26", "done"),
    ]  # fmt: skip

    orders.write("pipelines/orders.yml", STRICT)
    orders.write("lake/orders/1.csv", NO_CUSTOMER)
    done = etl("run", "orders", "later", *DATE, "--format", "json")
    document = json.loads(done.stdout)
    assert done.returncode == 1
    assert [(run["pipeline"], run["state"]) for run in document["runs"]] == [("orders", "failed")]
    assert document["not_run"] == [{"pipeline": "later", "why": "it comes after orders"}]
    assert undocumented(document) == set()


def test_ddl(orders: Folder, etl: Etl) -> None:
    document = json.loads(etl("ddl", "orders", "--format", "json").stdout)
    assert (document["pipeline"], document["environment"]) == ("orders", "local")
    assert document["sources"] == []
    assert document["targets"][0].startswith('CREATE TABLE IF NOT EXISTS "totals" (')
    assert undocumented(document) == set()
    text = etl("ddl", "orders").stdout
    assert [sql for sql in document["targets"] if f"{sql};\n" not in text] == []

    orders.write("sql_templates/orders/totals.sql", TOTALS.replace("customer,", "custmer,", 1))
    failed = etl("ddl", "orders", "--format", "json")
    assert failed.returncode == 2
    assert {problem["code"] for problem in json.loads(failed.stdout)["problems"]} >= {"E413"}


def test_clean(orders: Folder, etl: Etl) -> None:
    document = json.loads(etl("clean", "--format", "json").stdout)
    assert document["deleted"] == {"objects": 0, "tables": 0, "records": 0, "expired": 0}
    assert undocumented(document) == set()

    failed = etl("clean", "--env", "locl", "--format", "json")
    assert failed.returncode == 2
    assert json.loads(failed.stdout)["problems"][0]["hint"] == "did you mean 'local'?"


def test_suggest_checks(orders: Folder, etl: Etl) -> None:
    orders.run("orders")
    done = etl("suggest-checks", "orders", "--format", "json")
    document = json.loads(done.stdout)
    assert (document["relation"], document["rows"]) == ("orders", 3)
    assert {"type": "row_count", "min": 1} in [each["check"] for each in document["checks"]]
    assert undocumented(document) == set()

    failed = etl("suggest-checks", "orders", "--from-history", "--format", "json")
    assert failed.returncode == 1
    assert json.loads(failed.stdout)["problems"][0]["code"] == "R330"


def test_suggest_checks_from_history(orders: Folder, etl: Etl) -> None:
    for day in range(1, 13):
        amount = 1000 if day == 12 else day % 3
        orders.write("lake/orders/1.csv", ROWS + f"4,ada,{amount},2024-06-25 08:00:00\n")
        orders.run("orders", f"2024-06-{day:02}")
    done = etl("suggest-checks", "orders", "--from-history", "--format", "json")
    document = json.loads(done.stdout)

    assert len(document["intervals"]) == 12
    by_check = {str(each["check"]): each for each in document["checks"]}
    spoke = by_check["{'type': 'anomaly', 'of': 'sum', 'column': 'amount'}"]
    assert (spoke["judged"] > 0, spoke["spoke"]) == (True, ["2024-06-12T00:00:00+00:00"])
    assert undocumented(document) == set()
