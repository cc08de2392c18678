"""Each type of policy: what breaks it and what keeps it, in a project that keeps one of each."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from jsonschema import Draft202012Validator

from etl_framework.lint.linter import Linter
from etl_framework.lint.pages import FOLDER, page
from etl_framework.lint.policies.base import Policy
from etl_framework.plugins import plugins
from tests.conftest import REPOSITORY
from tests.lint.test_pages import POLICED

OURS = {
    name: policy
    for name, policy in plugins(Policy).items()
    if policy.__module__.startswith("etl_framework.")
}
WRITTEN = yaml.safe_load((POLICED / "policies.yml").read_text())["policies"].values()
Find = Callable[..., list[str]]


@pytest.fixture
def find(tmp_path: Path) -> Find:
    """Say where a pipeline breaks one policy; `changes` of its file are pairs of texts."""
    root = shutil.copytree(POLICED, tmp_path / "project")

    def run(policy: str, *changes: tuple[str, str]) -> list[str]:
        (root / "policies.yml").write_text(f"policies: {{one: {{{policy}, reason: because}}}}\n")
        file = root / "pipelines/shop_orders.yml"
        text = file.read_text()
        for old, new in changes:
            assert old in text, old
            text = text.replace(old, new, 1)
        file.write_text(text)
        found = [p for p in Linter(root).look() if p.code.startswith("P") or "policies" in p.path]
        for problem in found:
            assert problem.message.endswith("(policy one: because)") or problem.code[0] != "P"
            assert problem.hint
        return [f"{problem.line}:{problem.column} {problem.code}" for problem in found]

    return run


def test_there_are_many_and_the_project_has_one_of_each() -> None:
    assert len(OURS) > 19
    assert sorted(policy["type"] for policy in WRITTEN) == sorted(OURS)


def test_each_has_a_code_and_a_name_of_its_own() -> None:
    codes = [policy.code for policy in OURS.values()]
    names = [policy.__name__ for policy in OURS.values()]

    assert sorted(set(codes)) == sorted(codes)
    assert all(re.fullmatch(r"P\d{3}", code) for code in codes)
    assert sorted(set(names)) == sorted(names), "their names stand in the JSON Schema"
    pages = {file.name.removesuffix(".md") for file in FOLDER.iterdir() if file.name[0] == "P"}
    assert pages == set(codes)


@pytest.mark.parametrize("name", OURS)
def test_its_page_and_the_readme_name_it(name: str) -> None:
    assert f"type: {name}" in page(OURS[name].code)
    assert f"`{name}`" in (REPOSITORY / "docs/policies.md").read_text()


@pytest.mark.parametrize(
    ("policy", "old", "new", "found"),
    [
        ("pipeline_has_owner", "owner: shop\n", "", ["1:7 P101"]),
        ("pipeline_has_owner", "owner: shop\n", 'owner: " "\n', ["3:8 P101"]),
        ("pipeline_has_owner", "owner: shop\n", "owner: [shop]\n", []),
        ("owner_is_allowed, allow: [shop, web]", "owner: shop", "owner: shops", ["3:8 P102"]),
        ("owner_is_allowed, allow: ['sh*']", "owner: shop", "owner: shops", []),
        ("owner_is_allowed, forbid: [lab]", "owner: shop", "owner: lab", ["3:8 P102"]),
        ("owner_is_allowed, allow: ['*'], forbid: [lab]", "owner: shop", "owner: lab",
         ["3:8 P102"]),
        ("owner_is_allowed, forbid: [lab]", "owner: shop\n", "", []),
        ("pipeline_has_description", "description: What customers buy, a day at a time.\n", "",
         ["1:7 P103"]),
        ("pipeline_has_tags", "tags: [finance, tier-1]\n", "", ["1:7 P104"]),
        ("pipeline_has_tags", "[finance, tier-1]", "[any]", []),
        ("pipeline_has_tags, all_of: [finance, daily, web]", "name", "name", ["4:7 P104"]),
        ("pipeline_has_tags, all_of: [finance], one_of: [tier-2]", "name", "name", ["4:7 P104"]),
        ("pipeline_has_tags, one_of: ['tier-*', x]", "name", "name", []),
        ("pipeline_has_notify", "notify:\n  - {type: slack, events: [failure]}\n", "",
         ["1:7 P105"]),
        ("pipeline_has_notify, events: [failure, late]", "name", "name", ["12:3 P105"]),
        ("pipeline_has_notify, events: [late]", "events: [failure]", "events: [late]", []),
        ("pipeline_has_retries, at_least: 4", "name", "name", ["9:10 P106"]),
        ("pipeline_has_retries, at_most: 2", "name", "name", ["9:10 P106"]),
        ("pipeline_has_retries, at_most: 2", "retries: 3\n", "", ["1:7 P106"]),
        ("pipeline_has_retries, at_least: 3, at_most: 3", "name", "name", []),
        ("pipeline_name_matches, pattern: ^orders", "name", "name", ["1:7 P107"]),
        ("pipeline_waits_for_none", "deadline: 2h", "after: [a.b, c.d]", ["8:9 P108", "8:14 P108"]),
        ("pipeline_has_schedule", 'schedule: "0 3 * * *"\n', "", ["1:7 P201"]),
        ("pipeline_has_schedule", 'schedule: "0 3 * * *"', "after: [a.b]", []),
        ("pipeline_has_start_date", "start_date: 2024-06-25\n", "", ["1:7 P202"]),
        ("pipeline_has_start_date", "2024-06-25", "someday", []),
        ("pipeline_has_deadline", "deadline: 2h\n", "", ["1:7 P203"]),
        ("pipeline_has_deadline, at_most: 90m", "name", "name", ["8:11 P203"]),
        ("pipeline_has_deadline, at_most: 2h", "name", "name", []),
        ("pipeline_runs_at_most_every, every: 1d", "0 3 * * *", "0 3,4 * * *", ["5:11 P204"]),
        ("pipeline_runs_at_most_every, every: 1d", "0 3 * * *", "@monthly", []),
        ("pipeline_runs_at_most_every, every: 2d", '"0 3 * * *"', "none", []),
        ("pipeline_runs_at_most_every, every: 30d", "0 3 * * *", "@monthly", ["5:11 P204"]),
        ("timezone_is_allowed, allow: [UTC]", "name", "name", ["6:11 P205"]),
        ("timezone_is_allowed, allow: [UTC]", "timezone: Europe/Berlin\n", "", []),
        ("timezone_is_allowed, forbid: [UTC]", "timezone: Europe/Berlin\n", "", ["1:7 P205"]),
        ("timezone_is_allowed, allow: ['Europe/*']", "name", "name", []),
        ("pipeline_runs_side_by_side, at_most: 2", "runs: 1", "runs: 3", ["10:18 P206"]),
        ("pipeline_runs_side_by_side, at_most: 3", "runs: 1", "runs: 3", []),
    ],
)  # fmt: skip
def test_policies_about_pipelines(
    find: Find, policy: str, old: str, new: str, found: list[str]
) -> None:
    assert find(f"type: {policy}", (old, new)) == found


@pytest.mark.parametrize(
    ("policy", "old", "new", "found"),
    [
        ("relation_has_description", "    description: Orders, a file a day.\n", "",
         ["14:3 P301"]),
        ("relation_has_description, of: [kpi]", "    description: Orders, a file a day.\n", "",
         []),
        ("relation_has_description, relations: ['k*']", "    description: Orders, a file a day.\n",
         "", []),
        ("relation_name_matches, pattern: ^k", "name", "name", ["14:3 P302", "28:3 P302"]),
        ("relation_name_matches, of: [kpi], pattern: ^s", "name", "name", ["41:3 P302"]),
        ("relation_has_primary_key", "order_id, type: bigint, primary_key: true",
         "order_id, type: bigint, required: true", ["20:5 P303"]),
        ("relation_has_primary_key", "primary_key: true, description: Number of the order.}\n"
         "      - {name: customer, type: bigint, required: true, description: Number of the "
         "customer.}\n      - {name: spent", "description: Number.}\n      - {name: customer, "
         "type: bigint}\n      - {name: spent", ["45:5 P303"]),
        ("query_has_tests, at_least: 2, of: [kpi]", "name", "name", ["51:5 P304"]),
        ("query_has_tests, of: [transform]", "    tests:\n      - name: what_is_free_does_not_count"
         "\n        given:\n          orders: [{order_id: 1, customer: 7, amount: 0}, {order_id: 2,"
         " customer: 7, amount: 5}]\n        expect: [{order_id: 2, customer: 7, amount: 5}]\n", "",
         ["28:3 P304"]),
        ("transform_is_sql", "sql: shop_orders/paid.sql", "python: functions:paid\n    inputs: "
         "[orders]", ["30:5 P306"]),
        ("kpi_has_exposures", "    exposures:\n      - {name: Sales dashboard, owner: sales}\n",
         "", ["41:3 P307"]),
        ("descriptions_are_written", "Orders, a file a day.", "todo", ["15:18 P308"]),
        ("descriptions_are_written", "Orders, a file a day.", "A mastodon's.", []),
        ("descriptions_are_written, words: ['?']", "Where it went.", "Where?", ["23:88 P308"]),
        ("descriptions_are_written, words: [buy]", "name", "name", ["2:14 P308"]),
        ("relation_has_at_most_columns, at_most: 3", "name", "name", ["20:5 P309"]),
        ("relation_has_at_most_columns, at_most: 3, of: [kpi, transform]", "name", "name", []),
        ("relation_has_checks, at_least: 4", "name", "name",
         ["25:5 P401", "28:3 P401", "49:5 P401"]),
        ("relation_has_checks, at_least: 2", "name", "name", []),
        ("relation_has_checks_of, types: [row_count, freshness]", "name", "name",
         ["25:5 P402", "28:3 P402", "49:5 P402"]),
        ("relation_has_checks_of, types: [row_count, freshness], any: true, of: [source]",
         "name", "name", []),
        ("relation_has_checks_of, types: [freshness, unique], any: true, of: [source]",
         "name", "name", ["25:5 P402"]),
        ("key_has_check", "unique_key: [order_id]", "unique_key: [customer]", ["44:84 P403"]),
        ("key_has_check", "unique_key: [order_id]", "unique_key: [customer, order_id]", []),
        ("key_has_check", ", unique_key: [order_id]", "", []),
        ("key_has_check", "strategy: merge, unique_key: [order_id]", "strategy: append", []),
        ("column_has_check", "customer, type: bigint, required: true", "customer, type: bigint",
         ["22:9 P404"]),
        ("source_rejects_at_most, at_most: '0.5%'", "name", "name", ["19:19 P405"]),
        ("source_rejects_at_most, at_most: '1%'", "name", "name", []),
        ("source_rejects_at_most, at_most: '1%'", '"1%"', '"1"', ["19:19 P405"]),
        ("source_rejects_at_most, at_most: '0.5%'", '    max_rejected: "1%"\n', "", ["14:3 P405"]),
        ("checks_are_errors", "row_count, min: 1", "row_count, min: 1, severity: warn",
         ["26:45 P406"]),
    ],
)  # fmt: skip
def test_policies_about_relations(
    find: Find, policy: str, old: str, new: str, found: list[str]
) -> None:
    assert find(f"type: {policy}", (old, new)) == found


@pytest.mark.parametrize(
    ("policy", "old", "new", "found"),
    [
        ("column_has_description", ", description: In euros.", "", ["48:9 P501"]),
        ("column_has_description, of: [source]", ", description: In euros.", "", []),
        ("column_name_matches, pattern: '^[a-z]+$', of: [kpi]", "name", "name", ["46:16 P502"]),
        ("column_type_is_allowed, forbid: [varchar]", "name", "name", ["23:29 P503"]),
        ("column_type_is_allowed, forbid: [varchar], pattern: ^a", "name", "name", []),
        ("column_is_sensitive, pattern: mail$", "sensitive: true, ", "", ["23:9 P504"]),
        ("column_is_sensitive, pattern: mail$", "name", "name", []),
        ("column_is_sensitive, pattern: mail$", "sensitive: true", "sensitive: false",
         ["23:69 P504"]),
        ("kpi_has_no_sensitive_columns", "name: spent", "name: Email", ["48:16 P505"]),
        ("kpi_has_no_sensitive_columns", "name: spent", "name: mail", []),
        ("connection_is_allowed, allow: [warehouse]", "name", "name", ["17:17 P601"]),
        ("connection_is_allowed, allow: [warehouse], of: kpi", "name", "name", []),
        ("connection_is_allowed, forbid: [ware*], of: kpi", "name", "name", ["44:26 P601"]),
        ("connection_is_allowed, forbid: [ware*], of: source", "name", "name", []),
        ("schema_is_allowed, allow: [public]", "name", "name", ["44:44 P602"]),
        ("schema_is_allowed, allow: [kpis]", "kpis.sold,", "sold,", ["44:44 P602"]),
        ("schema_is_allowed, forbid: [public]", "kpis.sold,", "sold,", []),
        ("table_name_matches, pattern: '^kpis[.]k'", "name", "name", ["44:44 P603"]),
        ("strategy_is_allowed, forbid: [merge]", "name", "name", ["44:65 P604"]),
        ("strategy_is_allowed, forbid: [replace]", ", strategy: merge, unique_key: [order_id]",
         "", ["44:5 P604"]),
        ("source_type_is_allowed, allow: [postgres]", "name", "name", ["16:11 P605"]),
        ("source_reads_interval", "{{ interval.date }}", "all", ["14:3 P701"]),
        ("source_reads_interval", "{{ interval.date }}.csv", "*.csv\n    archive: done/", []),
        ("reads_back_at_most, at_most: 7d", "    target:", "    reads: {this: 8d}\n    target:",
         ["44:19 P702"]),
        ("reads_back_at_most, at_most: 7d", "    target:", "    reads: {this: all}\n    target:",
         ["44:19 P702"]),
        ("reads_back_at_most, at_most: 8d", "    target:", "    reads: {this: 8d}\n    target:",
         []),
        ("pipeline_has_at_most_relations, at_most: 2", "name", "name", ["1:7 P703"]),
        ("pipeline_has_at_most_relations, at_most: 3", "name", "name", []),
    ],
)  # fmt: skip
def test_policies_about_columns_tables_and_costs(
    find: Find, policy: str, old: str, new: str, found: list[str]
) -> None:
    assert find(f"type: {policy}", (old, new)) == found


def test_the_schema_takes_what_policies_say() -> None:
    schema = json.loads((REPOSITORY / "policies.schema.json").read_text())
    validator = Draft202012Validator(schema)
    right = yaml.safe_load((POLICED / "policies.yml").read_text())
    owner = {"type": "pipeline_has_owner", "reason": "r"}

    assert list(validator.iter_errors(right)) == []
    assert list(validator.iter_errors({"policies": {"one": owner}})) == []
    for wrong in ({"type": "has_owner"}, {"patern": "x"}, {"severity": "warn"}, {"reason": ""}):
        assert list(validator.iter_errors({"policies": {"one": owner | wrong}})), wrong


def test_a_transform_without_columns(find: Find) -> None:
    text = (POLICED / "pipelines/shop_orders.yml").read_text()
    columns = text[text.index("    columns:", text.index("transforms:")) :].partition("    tests:")[
        0
    ]

    assert find("type: transform_has_columns", (columns, "")) == ["28:3 P305"]


@pytest.mark.parametrize(
    ("more", "found"),
    [("", []), (", severity: warning", ["44:84 P403"]), (", where: spent > 0", ["44:84 P403"])],
)
def test_a_check_that_proves_a_key(find: Find, more: str, found: list[str]) -> None:
    check = f"{{type: unique, columns: [customer]{more}}}"
    changes = [
        ("unique_key: [order_id]", "unique_key: [customer]"),
        ("{type: row_count, min: 1}\n    tests:", f"{check}\n    tests:"),
    ]

    assert find("type: key_has_check", *changes) == found


def test_a_table_that_is_looked_back_at(find: Find) -> None:
    table = (
        "    type: postgres\n    connection: rds\n    table: orders\n"
        "    incremental_key: order_id\n    lookback: 8d\n"
    )
    text = (POLICED / "pipelines/shop_orders.yml").read_text()
    csv = text[text.index("    type: csv") : text.index("    columns:")]

    assert find("type: reads_back_at_most, at_most: 7d", (csv, table)) == ["20:15 P702"]
    assert find("type: reads_back_at_most, at_most: 8d") == []


@pytest.mark.parametrize(
    ("policy", "found"),
    [
        ("type: owner_is_allowed", ["1:17 E204"]),
        ("type: owner_is_allowed, allow: [a], forbid: [b, a]", ["1:66 E204", "3:8 P102"]),
        ("type: relation_name_matches, pattern: '('", ["1:56 E204"]),
        ("type: pipeline_has_retries, at_least: 3, at_most: 2", ["1:68 E204"]),
        ("type: strategy_is_allowed, forbid: [mergee]", ["1:54 E204"]),
        ("type: relation_has_checks_of, types: [row_counts]", ["1:56 E204"]),
        ("type: source_type_is_allowed, allow: [cvs]", ["1:56 E204"]),
        ("type: column_type_is_allowed, forbid: [floaty]", ["1:57 E204"]),
        ("type: query_has_tests, of: [source]", ["1:46 E204"]),
        ("type: relation_has_tags", ["1:24 E201"]),
        ("type: pipeline_has_deadline, at_most: soon", ["1:56 E204"]),
        ("type: connection_is_allowed, allow: [warehous], of: source", ["1:55 E301", "17:17 P601"]),
        ("type: connection_is_allowed, forbid: [other, lak]", ["1:63 E301"]),
        ("type: connection_is_allowed, allow: ['l*', 'w*', 'z*']", ["1:67 E301"]),
        ("type: connection_is_allowed, forbid: [prod_*]", []),
        ("type: pipeline_has_owner, severity: warnings", ["1:54 E204"]),
    ],
)
def test_what_no_policy_can_say(find: Find, policy: str, found: list[str]) -> None:
    assert sorted(find(policy)) == sorted(found)
