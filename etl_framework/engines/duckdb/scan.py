"""One pass over a relation: how many rows break each row check, and which are to be taken out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from etl_framework.checks.base import OneColumn, RowCheck
from etl_framework.engines.duckdb.footers import read_footers, repeated, unbroken
from etl_framework.engines.work import Work
from etl_framework.sql.dialect import transpile_condition
from etl_framework.sql.quote import quote
from etl_framework.storage.parquet import FILE, ROW


def predicate(found: RowCheck) -> str:
    """SQL that is true for a row that breaks the rule, as the engine runs it."""
    violation = transpile_condition(found.violation(), to="duckdb")
    if not found.where:
        return violation
    # Each by itself, so that neither can reach out of its parentheses.
    return f"({transpile_condition(found.where, to='duckdb')} AND {violation})"


def scan(work: Work, checks: Sequence[RowCheck]) -> tuple[int, list[int], int]:
    """Rows, how many of them break each check, and how many are to be taken out: one pass.

    Where the last lie stays in the temporary table `etl_scan`.
    """
    read_footers(work)
    failing = dict.fromkeys(unbroken(work, checks), 0)
    failing |= _of_values(work, {i: each for i, each in enumerate(checks) if i not in failing})
    numbered = [i for i in range(len(checks)) if i not in failing]
    flags = "".join(f", {predicate(checks[i])} AS f{i}" for i in numbered)
    counts = "".join(f", count(*) FILTER (f{i})" for i in numbered)
    out = [i for i in numbered if checks[i].on_fail == "quarantine"]
    first_broken = " ".join(f"WHEN f{i} THEN {i}" for i in out)
    broken = "CAST(NULL AS INTEGER[])"
    if out:
        position = f"{{'file': {FILE}, 'row': {ROW}, 'rule': CASE {first_broken} END}}"
        broken = f"list({position}) FILTER ({' OR '.join(f'f{i}' for i in out)})"
    source = f"(SELECT *{flags} FROM {quote(work.step.relation)})"
    work.session.execute(
        f"CREATE OR REPLACE TEMP TABLE etl_scan AS "
        f"SELECT count(*) AS rows{counts}, {broken} AS broken FROM {source}"
    )
    row = work.session.execute("SELECT *, coalesce(len(broken), 0) FROM etl_scan").fetchone()
    if row is None:
        return 0, [0] * len(checks), 0
    failing |= dict(zip(numbered, row[1:-2], strict=True))
    return row[0], [failing[i] for i in range(len(checks))], row[-1]


def _of_values(work: Work, checks: Mapping[int, RowCheck]) -> dict[int, int]:
    """Failing rows of checks that judge a value by itself, where values are repeated often.

    A regular expression over three different texts costs less than over ten million rows. Checks
    that take rows out need every row, and are not among them.
    """
    judged: dict[str, list[int]] = {}
    for index, found in checks.items():
        if isinstance(found, OneColumn) and found.on_fail == "fail" and not found.where:
            judged.setdefault(found.column, []).append(index)
    if not judged:
        return {}
    few = repeated(work, [checks[i] for indexes in judged.values() for i in indexes])
    return {
        index: failing
        for column, indexes in judged.items()
        if column in few
        for index, failing in _counted(work, column, {i: checks[i] for i in indexes}).items()
    }


def _counted(work: Work, column: str, checks: Mapping[int, RowCheck]) -> dict[int, int]:
    name = quote(column)
    counts = (f"coalesce(sum(n) FILTER ({predicate(found)}), 0)" for found in checks.values())
    row = work.session.execute(
        f"SELECT {', '.join(counts)} FROM (SELECT {name}, count(*) AS n "
        f"FROM {quote(work.step.relation)} GROUP BY {name})"
    ).fetchone()
    return dict(zip(checks, map(int, row or ()), strict=True))
