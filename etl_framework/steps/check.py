"""`check.<relation>`: every check of a relation, and the rows that it takes out."""

from __future__ import annotations

from collections.abc import Sequence

from etl_framework.checks.base import CheckResult, RowCheck, TableCheck
from etl_framework.errors import CheckFailedError, Diagnostic
from etl_framework.plan import Step
from etl_framework.sources.base import Source
from etl_framework.sql.dialect import transpile_condition
from etl_framework.sql.quote import literal, names, quote
from etl_framework.steps.base import Outcome, Work
from etl_framework.steps.extract import within_limit
from etl_framework.storage.parquet import FILE, ROW, see, write


def check(work: Work) -> Outcome:
    """Run all checks of a relation; row checks in one scan, then table checks on the rows kept.

    :raises CheckFailedError: rows broke a rule of severity error; every such rule is named.
    """
    work.see_inputs()
    step, relation = work.step, work.step.relation
    row_checks = [found for found in step.checks if isinstance(found, RowCheck)]
    table_checks = [found for found in step.checks if isinstance(found, TableCheck)]
    rows, failing, broken = _scan(work, row_checks)
    results = [
        CheckResult(found.label, relation, found.judge(count, rows), count, rows)
        for found, count in zip(row_checks, failing, strict=True)
    ]
    files = work.inputs[relation]
    if broken:
        files = _quarantine(work, row_checks)
        see(work.session, relation, files)
    kept = rows - broken
    results += [_table_check(work, found, kept) for found in table_checks]
    # In the order of the file, whichever way they ran.
    by_check = dict(zip(map(id, [*row_checks, *table_checks]), results, strict=True))
    results = [by_check[id(found)] for found in step.checks]
    _stop_on_failure(step, results)
    if isinstance(step.block, Source):
        extracted = (work.run.step(f"extract.{relation}").result() or {}).get("counts", {})
        read = extracted.get("read", rows)
        within_limit(step, step.block, read - kept, read)
    counts = {"rows": rows, "kept": kept, "quarantined": broken}
    return Outcome(counts, tuple(results), tuple(files))


def _predicate(found: RowCheck) -> str:
    violation = transpile_condition(found.violation(), to="duckdb")
    if not found.where:
        return violation
    # Each by itself, so that neither can reach out of its parentheses.
    return f"({transpile_condition(found.where, to='duckdb')} AND {violation})"


def _scan(work: Work, checks: Sequence[RowCheck]) -> tuple[int, list[int], int]:
    """Rows, how many of them break each check, and how many are to be taken out: one pass.

    Where the last lie stays in the temporary table `etl_scan`.
    """
    numbered = range(len(checks))
    flags = "".join(f", {_predicate(found)} AS f{i}" for i, found in enumerate(checks))
    counts = "".join(f", count(*) FILTER (f{i})" for i in numbered)
    out = [i for i in numbered if checks[i].on_fail == "quarantine"]
    first_broken = " ".join(f"WHEN f{i} THEN {i}" for i in out)
    broken = "CAST(NULL AS INTEGER[])"
    if out:
        position = f"{{'file': {FILE}, 'row': {ROW}, 'rule': CASE {first_broken} END}}"
        broken = f"list({position}) FILTER ({' OR '.join(f'f{i}' for i in out)})"
    see(work.session, work.step.relation, work.inputs[work.step.relation], positions=bool(out))
    source = f"(SELECT *{flags} FROM {quote(work.step.relation)})"
    work.session.execute(
        f"CREATE OR REPLACE TEMP TABLE etl_scan AS "
        f"SELECT count(*) AS rows{counts}, {broken} AS broken FROM {source}"
    )
    row = work.session.execute("SELECT *, coalesce(len(broken), 0) FROM etl_scan").fetchone()
    return (row[0], list(row[1:-2]), row[-1]) if row else (0, [], 0)


def _quarantine(work: Work, checks: Sequence[RowCheck]) -> list[str]:
    """Split the relation: the rows to keep; the others, with the rule that each broke.

    :param checks: all row checks, as `_scan` numbered them.
    :returns: the files of the rows kept.
    """
    relation = quote(work.step.relation)
    described = work.session.execute(f"DESCRIBE {relation}").fetchall()
    columns = [str(row[0]) for row in described if row[0] not in (FILE, ROW)]
    work.session.execute(
        "CREATE OR REPLACE TEMP TABLE etl_broken AS "
        "SELECT unnest(broken, recursive := true) FROM etl_scan"
    )
    same = f"etl_broken.file = r.{FILE} AND etl_broken.row = r.{ROW}"
    write(
        work.session,
        f"SELECT {names(columns, 'r.')} FROM {relation} AS r ANTI JOIN etl_broken ON {same}",
        work.folder.part("data"),
    )
    labels = literal([found.label for found in checks]).strip("()")
    as_it_came = ", ".join(f"{literal(name)}: r.{quote(name)}" for name in columns)
    write(
        work.session,
        f"SELECT {literal(work.step.relation)} AS source, [{labels}][rule + 1] AS rule, "
        "CAST(NULL AS VARCHAR) AS file, CAST(NULL AS BIGINT) AS line, "
        'CAST(NULL AS INTEGER) AS "column", CAST(NULL AS VARCHAR) AS name, '
        f"'breaks the check ' || [{labels}][rule + 1] AS reason, "
        f'CAST(to_json({{{as_it_came}}}) AS VARCHAR) AS "row" '
        f"FROM {relation} AS r JOIN etl_broken ON {same}",
        work.folder.part("rejected"),
    )
    return work.folder.files("data")


def _table_check(work: Work, found: TableCheck, rows: int) -> CheckResult:
    relation = quote(work.step.relation)
    if found.where:
        relation = (
            f"(SELECT * FROM {relation} WHERE {transpile_condition(found.where, to='duckdb')})"
        )
    row = work.session.execute(found.failing_rows(f"{relation} AS checked")).fetchone() or (0,)
    failing = int(row[0])
    return CheckResult(found.label, work.step.relation, found.judge(failing, rows), failing, rows)


def _stop_on_failure(step: Step, results: Sequence[CheckResult]) -> None:
    if any(result.status == "fail" for result in results):
        problems = [
            Diagnostic(
                *place,
                CheckFailedError.code,
                f"check '{result.check}' of '{result.relation}' failed: "
                f"{result.failing:,} of {result.rows:,} rows",
                "nothing was published",
            )
            for result, place in zip(results, step.check_places, strict=True)
            if result.status == "fail"
        ]
        raise CheckFailedError(problems, checks=tuple(results))
