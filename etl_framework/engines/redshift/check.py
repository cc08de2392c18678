"""`check.<relation>`: every check of a relation as SQL in the cluster."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Any

from etl_framework.checks.base import EXAMPLES, MeasureCheck, RowCheck, TableCheck
from etl_framework.engines.judge import checked, context_of, judged, measured, shown
from etl_framework.engines.redshift.cluster import Cluster, cluster, tables
from etl_framework.engines.work import Work
from etl_framework.sql.dialect import transpile_condition
from etl_framework.sql.quote import literal, names, quote, quote_table, redshift_literal
from etl_framework.storage.outcome import CheckResult, Outcome
from etl_framework.storage.parquet import as_path
from etl_framework.storage.rejected import identified, keep


def check(work: Work) -> Outcome:
    """Run all checks of a relation; row checks in one scan, then the others on the rows kept.

    :raises CheckFailedError: rules of severity error are broken; every such rule is named.
    """
    step, relation = work.step, work.step.relation
    row_checks = [check for check in step.checks if isinstance(check, RowCheck)]
    with cluster(work) as session:
        table = tables(work)[relation]
        rows, failing, broken = _scan(session, relation, row_checks)
        results: dict[int, CheckResult] = {}
        for row_check, count in zip(row_checks, failing, strict=True):
            sql = f"SELECT * FROM {quote(relation)} WHERE {_predicate(row_check)}"
            examples = _examples(work, session, sql) if count else []
            results[id(row_check)] = judged(work, row_check, count, rows, examples)
        if broken:
            table = _split(work, session, table, row_checks)
        kept, context = rows - broken, context_of(work)
        for check, sql in zip(step.checks, step.check_sql, strict=True):
            if isinstance(check, TableCheck):
                groups = check.groups(_checked(relation, check.where, sql))
                results[id(check)] = _table_check(work, session, table, check, groups, kept)
            elif isinstance(check, MeasureCheck):
                sql = check.measure(_checked(relation, check.where), context)
                values = session.row(session.placed(sql, {relation: table}))
                results[id(check)] = measured(work, check, values, context, kept)
    ordered = [results[id(check)] for check in step.checks]
    return checked(work, rows, broken, ordered, Outcome(table=table))


def _predicate(found: RowCheck) -> str:
    """SQL that is true for a row that breaks the rule."""
    violation = transpile_condition(found.violation(), to="redshift")
    if not found.where:
        return violation
    return f"({transpile_condition(found.where, to='redshift')} AND {violation})"


def _checked(relation: str, where: str | None, sql: str = "") -> str:
    selected = f"({sql})" if sql else quote(relation)
    if where:
        condition = transpile_condition(where, to="redshift")
        selected = f"(SELECT * FROM {selected} AS whole WHERE {condition})"
    return f"{selected} AS checked"


def _out(checks: Sequence[RowCheck]) -> list[str]:
    """The predicates of the checks that take rows out."""
    return [_predicate(each) for each in checks if each.on_fail == "quarantine"]


def _scan(found: Cluster, relation: str, checks: Sequence[RowCheck]) -> tuple[int, list[int], int]:
    """Rows, how many of them break each check, and how many are to be taken out: one pass."""
    out = " OR ".join(_out(checks)) or "FALSE"
    conditions = [*(_predicate(each) for each in checks), out]
    counts = "".join(
        f", COALESCE(SUM(CASE WHEN {condition} THEN 1 ELSE 0 END), 0) AS f{number}"
        for number, condition in enumerate(conditions)
    )
    sql = f"SELECT COUNT(*) AS rows_in_all{counts} FROM {quote(relation)}"
    numbers = [int(number) for number in found.row(found.placed(sql))]
    return numbers[0], numbers[1:-1], numbers[-1]


def _examples(work: Work, found: Cluster, sql: str) -> list[dict[str, Any]]:
    rows = found.rows(found.placed(f"{sql} LIMIT {EXAMPLES}"))
    return [shown(work, row) for row in rows]


def _table_check(
    work: Work, found: Cluster, table: str, each: TableCheck, groups: str, rows: int
) -> CheckResult:
    more = {work.step.relation: table}
    total = f"SELECT COALESCE(SUM(failing), 0) FROM ({groups}) AS grouped"
    failing = int(found.row(found.placed(total, more))[0])
    examples: list[dict[str, Any]] = []
    if failing:
        worst = (
            f"SELECT * FROM ({groups}) AS grouped WHERE failing > 0 "
            f"ORDER BY failing DESC LIMIT {EXAMPLES}"
        )
        examples = [shown(work, row) for row in found.rows(found.placed(worst, more))]
    return judged(work, each, failing, rows, examples)


def _split(work: Work, found: Cluster, table: str, checks: Sequence[RowCheck]) -> str:
    """Bring the rows to keep into a table of their own, and those taken out to `rejected`.

    :returns: the table of the rows kept.
    """
    relation, columns = work.step.relation, found.columns(table)
    out = _out(checks)
    kept = found.new_table()
    stays = f"NOT COALESCE({' OR '.join(out)}, FALSE)"
    sql = f"SELECT {names(columns)} FROM {quote(relation)} WHERE {stays}"
    found.run(f"CREATE TABLE {quote_table(kept)} AS {found.placed(sql)}")
    rules = [each for each in checks if each.on_fail == "quarantine"]
    rule = " ".join(f"WHEN {each} THEN {number}" for number, each in enumerate(out))
    texts = ", ".join(f"CAST({quote(name)} AS VARCHAR(65535)) AS {quote(name)}" for name in columns)
    taken = (
        f"SELECT CASE {rule} END AS etl_rule, {texts} FROM {quote(relation)} "
        f"WHERE {' OR '.join(out)}"
    )
    _keep(work, found, columns, rules, found.placed(taken))
    return kept


def _keep(
    work: Work, found: Cluster, columns: Sequence[str], rules: Sequence[RowCheck], sql: str
) -> None:
    """Unload rows to S3 and write them down as rejected, a file at a time."""
    taken = found.bucket / "loads" / secrets.token_hex(8)
    found.run(
        f"UNLOAD ({redshift_literal(sql)}) TO {redshift_literal(taken.uri('taken_'))} "
        f"IAM_ROLE {found.role} FORMAT AS PARQUET"
    )
    stored = list(taken.listed())
    here = work.folder.part("taken")
    try:
        for each in stored:
            taken.download(each.name, here / each.name, each.size)
    finally:
        taken.delete([each.name for each in stored])
    files = ", ".join(as_path(file) for file in work.folder.files("taken"))
    labels = literal([each.label for each in rules]).strip("()")
    checked = [each.checked_columns() for each in rules]
    at = literal([each[0] if len(each) == 1 else None for each in checked]).strip("()")
    keys = [c.name for c in work.step.block.columns if c.primary_key] if work.step.block else []
    values = _as_json(columns)
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
