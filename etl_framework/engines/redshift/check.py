"""`check.<relation>`: run every check of a relation as SQL in the cluster."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Any

from etl_framework.checks.base import EXAMPLES, MeasureCheck, RowCheck, TableCheck
from etl_framework.engines.judge import checked, context_of, shown
from etl_framework.engines.redshift.cluster import Cluster, cluster, table_of
from etl_framework.engines.work import Work
from etl_framework.plan.step import CheckSql, RowRule
from etl_framework.sql.quote import literal, names, quote, quote_table, redshift_literal
from etl_framework.storage.outcome import CheckResult, Outcome
from etl_framework.storage.parquet import as_path
from etl_framework.storage.rejected import identified, keep


def check(work: Work) -> Outcome:
    """Run the row checks of a relation in one scan, then the other checks on the kept rows.

    :raises CheckFailedError: rules of severity `error` are broken; the error names all of them.
    """
    step, relation = work.step, work.step.relation
    rules = step.row_rules
    with cluster(work) as cluster_session:
        table = table_of(work, dict(step.inputs)[relation])
        rows, failing, broken = _scan(cluster_session, relation, rules)
        results: dict[int, CheckResult] = {}
        for rule, count in zip(rules, failing, strict=True):
            query = f"SELECT * FROM {quote(relation)} WHERE {rule.sql.predicate}"
            examples = _examples(work, cluster_session, query) if count else []
            results[id(rule.check)] = rule.check.result(relation, count, rows, examples)
        if broken:
            table = _split(work, cluster_session, table, rules)
        kept, context = rows - broken, context_of(work)
        for check, sql in zip(step.checks, step.check_sql, strict=True):
            if isinstance(check, TableCheck):
                groups = check.groups(_checked(relation, sql))
                results[id(check)] = _table_check(work, cluster_session, table, check, groups, kept)
            elif isinstance(check, MeasureCheck):
                query = check.measure(_checked(relation, sql), context)
                values = cluster_session.row(cluster_session.placed(query, {relation: table}))
                results[id(check)] = check.result(relation, values, context, kept)
    ordered = [results[id(check)] for check in step.checks]
    return checked(work, rows, broken, ordered, Outcome(table=table))


def _checked(relation: str, sql: CheckSql) -> str:
    """Return what a check selects from: the relation or the check's query, filtered by `where`."""
    # (SELECT * FROM "plays" WHERE (country = 'DE')) AS checked
    selected = f"({sql.query})" if sql.query else quote(relation)
    if sql.where:
        selected = f"(SELECT * FROM {selected} WHERE {sql.where})"
    return f"{selected} AS checked"


def _out(rules: Sequence[RowRule]) -> list[str]:
    """Return the predicates of the checks that take rows out."""
    return [rule.sql.predicate for rule in rules if rule.check.on_fail == "quarantine"]


def _scan(
    cluster_session: Cluster, relation: str, rules: Sequence[RowRule]
) -> tuple[int, list[int], int]:
    """Count in one pass all rows, the rows that break each check, and the rows to take out."""
    # For the check `amount < 0`, and the check `customer IS NULL` that sends rows to quarantine:
    # SELECT COUNT(*) AS rows_in_all,
    #     COALESCE(SUM(CASE WHEN amount < 0 THEN 1 ELSE 0 END), 0) AS f0,
    #     COALESCE(SUM(CASE WHEN customer IS NULL THEN 1 ELSE 0 END), 0) AS f1,
    #     COALESCE(SUM(CASE WHEN customer IS NULL THEN 1 ELSE 0 END), 0) AS f2  -- to take out
    # FROM "orders"
    out = " OR ".join(_out(rules)) or "FALSE"
    conditions = [*(rule.sql.predicate for rule in rules), out]
    counts = "".join(
        f", COALESCE(SUM(CASE WHEN {condition} THEN 1 ELSE 0 END), 0) AS f{number}"
        for number, condition in enumerate(conditions)
    )
    sql = f"SELECT COUNT(*) AS rows_in_all{counts} FROM {quote(relation)}"
    numbers = [int(number) for number in cluster_session.row(cluster_session.placed(sql))]
    return numbers[0], numbers[1:-1], numbers[-1]


def _examples(work: Work, cluster_session: Cluster, sql: str) -> list[dict[str, Any]]:
    rows = cluster_session.rows(cluster_session.placed(f"{sql} LIMIT {EXAMPLES}"))
    return [shown(work, row) for row in rows]


def _table_check(
    work: Work,
    cluster_session: Cluster,
    table: str,
    table_check: TableCheck,
    groups: str,
    rows: int,
) -> CheckResult:
    more = {work.step.relation: table}
    total = f"SELECT COALESCE(SUM(failing), 0) FROM ({groups}) AS grouped"
    failing = int(cluster_session.row(cluster_session.placed(total, more))[0])
    examples: list[dict[str, Any]] = []
    if failing:
        worst = (
            f"SELECT * FROM ({groups}) AS grouped WHERE failing > 0 "
            f"ORDER BY failing DESC LIMIT {EXAMPLES}"
        )
        examples = [
            shown(work, row) for row in cluster_session.rows(cluster_session.placed(worst, more))
        ]
    return table_check.result(work.step.relation, failing, rows, examples)


def _split(work: Work, cluster_session: Cluster, table: str, rules: Sequence[RowRule]) -> str:
    """Copy the kept rows to a new table, and write the rows taken out to `rejected`.

    :returns: the table of the kept rows.
    """
    relation, columns = work.step.relation, cluster_session.columns(table)
    out = _out(rules)
    kept = cluster_session.new_table()
    # CREATE TABLE "etl_staging"."shop__orders__20260105_0123456789ab" AS
    #     SELECT "id", "customer" FROM "orders" WHERE NOT COALESCE("customer" IS NULL, FALSE)
    stays = f"NOT COALESCE({' OR '.join(out)}, FALSE)"
    sql = f"SELECT {names(columns)} FROM {quote(relation)} WHERE {stays}"
    cluster_session.run(f"CREATE TABLE {quote_table(kept)} AS {cluster_session.placed(sql)}")
    taking = [rule.check for rule in rules if rule.check.on_fail == "quarantine"]
    rule = " ".join(f"WHEN {condition} THEN {number}" for number, condition in enumerate(out))
    texts = ", ".join(f"CAST({quote(name)} AS VARCHAR(65535)) AS {quote(name)}" for name in columns)
    # SELECT CASE WHEN "customer" IS NULL THEN 0 END AS etl_rule,
    #     CAST("id" AS VARCHAR(65535)) AS "id", CAST("customer" AS VARCHAR(65535)) AS "customer"
    # FROM "orders" WHERE "customer" IS NULL
    taken = (
        f"SELECT CASE {rule} END AS etl_rule, {texts} FROM {quote(relation)} "
        f"WHERE {' OR '.join(out)}"
    )
    _keep(work, cluster_session, columns, taking, cluster_session.placed(taken))
    return kept


def _keep(
    work: Work,
    cluster_session: Cluster,
    columns: Sequence[str],
    rules: Sequence[RowCheck],
    sql: str,
) -> None:
    """Unload rows to S3, download the files, and write the rows as rejected rows.

    :param rules: the checks that take rows out; the column `etl_rule` of a row is an index in them.
    :param sql: a query in the cluster that returns the rows.
    """
    taken = cluster_session.bucket / "loads" / secrets.token_hex(8)
    cluster_session.run(
        f"UNLOAD ({redshift_literal(sql)}) TO {redshift_literal(taken.uri('taken_'))} "
        f"IAM_ROLE {cluster_session.role} FORMAT AS PARQUET"
    )
    stored = list(taken.listed())
    here = work.folder.part("taken")
    try:
        for stored_file in stored:
            taken.download(stored_file.name, here / stored_file.name, stored_file.size)
    finally:
        taken.delete([stored_file.name for stored_file in stored])
    files = ", ".join(as_path(file) for file in work.folder.files("taken"))
    labels = literal([rule.label for rule in rules]).strip("()")
    checked_columns = [rule.checked_columns() for rule in rules]
    at = literal(
        [
            columns_of_rule[0] if len(columns_of_rule) == 1 else None
            for columns_of_rule in checked_columns
        ]
    ).strip("()")
    keys = [c.name for c in work.step.block.columns if c.primary_key] if work.step.block else []
    values = _as_json(columns)
    # Lists count from 1 in DuckDB, `etl_rule` from 0:
    # SELECT CAST(NULL AS VARCHAR) AS id, ['required'][etl_rule + 1] AS rule,
    #     'breaks the check ' || ['required'][etl_rule + 1] AS reason, ...,
    #     ['customer'][etl_rule + 1] AS name, CAST(to_json({'id': "id"}) AS VARCHAR) AS key,
    #     CAST(to_json({'id': "id", 'customer': "customer"}) AS VARCHAR) AS "row", ... AS values
    # FROM read_parquet(['taken/taken_0000_part_00.parquet'])
    rows = (
        f"SELECT CAST(NULL AS VARCHAR) AS id, [{labels}][etl_rule + 1] AS rule, "
        f"'breaks the check ' || [{labels}][etl_rule + 1] AS reason, "
        "CAST(NULL AS VARCHAR) AS file, "
        f'CAST(NULL AS BIGINT) AS line, CAST(NULL AS INTEGER) AS "column", [{at}][etl_rule + 1] AS '
        f'name, {_as_json(keys) if keys else "CAST(NULL AS VARCHAR)"} AS key, {values} AS "row", '
        f"{values} AS values FROM read_parquet([{files}])"
    )
    file = work.folder.part("rejected") / "check.parquet"
    name = work.step.relation
    keep(work.session, identified(rows, name), file, source=name, run=work.run_id)


def _as_json(columns: Sequence[str]) -> str:
    texts = ", ".join(f"{literal(name)}: {quote(name)}" for name in columns)
    return f"CAST(to_json({{{texts}}}) AS VARCHAR)"
