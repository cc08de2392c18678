"""`check.<relation>`: run every check of a relation, and take out rows for quarantine."""

from __future__ import annotations

from etl_framework.checks.base import Context, MeasureCheck, RowCheck, TableCheck
from etl_framework.engines.corrections import CORRECTED, replace_taken
from etl_framework.engines.duckdb.examples import examples, examples_of_groups
from etl_framework.engines.duckdb.quarantine import split, take_out
from etl_framework.engines.duckdb.scan import Scan, scan
from etl_framework.engines.judge import checked, context_of
from etl_framework.engines.work import Work
from etl_framework.plan.step import CheckSql, RowRule
from etl_framework.sql.quote import quote
from etl_framework.storage.outcome import CheckResult, Outcome
from etl_framework.storage.parquet import see


def check(work: Work) -> Outcome:
    """Run the row checks of a relation in one scan, then the other checks on the kept rows.

    :raises CheckFailedError: rules of severity `error` are broken; the error names all of them.
    """
    work.see_inputs()
    step, relation = work.step, work.step.relation
    rules = step.row_rules
    files = work.inputs[relation]
    see(work.session, relation, files, positions=True)
    scanned = scan(work, rules)
    # A corrected row replaces the row that was taken out, and is then checked like any other row.
    taken = take_out(work, rules, scanned) if scanned.broken else None
    replaced = taken is not None and replace_taken(work, taken.table)
    if replaced:
        scanned = scan(work, rules, work.folder.files(CORRECTED))
        taken = take_out(work, rules, scanned)
    row_results = iter(_row_results(work, rules, scanned))
    if taken:
        files = split(work, taken)
    see(work.session, relation, files)
    kept = scanned.rows - scanned.broken
    context = context_of(work)
    # The results are in the order of the file; `row_results` gives those of the row checks.
    results = [
        next(row_results) if isinstance(check, RowCheck) else _whole(work, index, context, kept)
        for index, check in enumerate(step.checks)
    ]
    return checked(work, scanned.rows, scanned.broken, results, Outcome(files=tuple(files)))


def _row_results(work: Work, rules: list[RowRule], scanned: Scan) -> list[CheckResult]:
    failing = {i: rules[i].sql.predicate for i, count in enumerate(scanned.failing) if count}
    shown = examples(work, failing) if failing else {}
    return [
        rule.check.result(work.step.relation, count, scanned.rows, shown.get(i, ()))
        for i, (rule, count) in enumerate(zip(rules, scanned.failing, strict=True))
    ]


def _whole(work: Work, index: int, context: Context, rows: int) -> CheckResult:
    """Run a check of the whole relation on the kept rows and return its result."""
    check, sql = work.step.checks[index], work.step.check_sql[index]
    if isinstance(check, TableCheck):
        groups = check.groups(_selected(work, sql))
        failing, shown = examples_of_groups(work, groups)
        return check.result(work.step.relation, failing, rows, shown)
    if isinstance(check, MeasureCheck):
        query = check.measure(_selected(work, sql), context)
        values = work.session.execute(query).fetchone() or ()
        return check.result(work.step.relation, values, context, rows)
    raise TypeError(f"{type(check).__name__} is no check of rows, of a table or of a measure")


def _selected(work: Work, sql: CheckSql) -> str:
    """Return what a check selects from: the relation or the check's query, filtered by `where`."""
    # (SELECT * FROM "plays" WHERE (country = 'DE')) AS checked
    relation = f"({sql.query})" if sql.query else quote(work.step.relation)
    if sql.where:
        relation = f"(SELECT * FROM {relation} WHERE {sql.where})"
    return f"{relation} AS checked"
