"""Count in one pass how many rows break each row check, and find the rows to take out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from etl_framework.checks.base import OneColumn
from etl_framework.engines.duckdb.footers import Footers
from etl_framework.engines.work import Work
from etl_framework.plan.step import RowRule
from etl_framework.sql.quote import quote
from etl_framework.storage.parquet import FILE, ROW


@dataclass(frozen=True)
class Scan:
    """The counts of a scan.

    :param failing: how many rows break each check, in the order of the checks.
    :param broken: how many rows have to be taken out.
    :param table: a temporary table of one row, whose column `broken` lists the rows to take out:
        file, position in the file, number of the rule.
    """

    rows: int
    failing: Sequence[int]
    broken: int
    table: str = "etl_scan"


def scan(work: Work, rules: Sequence[RowRule], corrected: Sequence[str] = ()) -> Scan:
    """Count all rows, the rows that break each check, and the rows to take out.

    The session must read the relation with positions. For two checks, the second of which sends
    rows to quarantine:

        CREATE TEMP TABLE etl_scan AS
        SELECT count(*) AS rows, count(*) FILTER (f0), count(*) FILTER (f1),
               list({'file': …, 'row': …, 'rule': CASE WHEN f1 THEN 1 END}) FILTER (f1) AS broken
        FROM (SELECT *, amount < 0 AS f0, customer IS NULL AS f1 FROM orders)

    :param corrected: the files of rows that corrections put into the relation.
    """
    footers = Footers(work, corrected)
    failing = dict.fromkeys(footers.unbroken(rules), 0)
    unproven = {i: rule for i, rule in enumerate(rules) if i not in failing}
    failing |= _of_values(work, footers, unproven)
    numbered = [i for i in range(len(rules)) if i not in failing]
    flags = "".join(f", {rules[i].sql.predicate} AS f{i}" for i in numbered)
    counts = "".join(f", count(*) FILTER (f{i})" for i in numbered)
    out = [i for i in numbered if rules[i].check.on_fail == "quarantine"]
    first_broken = " ".join(f"WHEN f{i} THEN {i}" for i in out)
    broken = "CAST(NULL AS INTEGER[])"
    if out:
        position = f"{{'file': {FILE}, 'row': {ROW}, 'rule': CASE {first_broken} END}}"
        broken = f"list({position}) FILTER ({' OR '.join(f'f{i}' for i in out)})"
    source = f"(SELECT *{flags} FROM {quote(work.step.relation)})"
    work.session.execute(
        f"CREATE OR REPLACE TEMP TABLE {Scan.table} AS "
        f"SELECT count(*) AS rows{counts}, {broken} AS broken FROM {source}"
    )
    row = work.session.execute(f"SELECT *, coalesce(len(broken), 0) FROM {Scan.table}").fetchone()
    if row is None:
        return Scan(0, [0] * len(rules), 0)
    failing |= dict(zip(numbered, row[1:-2], strict=True))
    return Scan(row[0], [failing[i] for i in range(len(rules))], row[-1])


def _of_values(work: Work, footers: Footers, rules: Mapping[int, RowRule]) -> dict[int, int]:
    """Count the failing rows of checks of one column, if the column repeats its values often.

    The check then runs once for every different value: a regular expression costs less on three
    different texts than on ten million rows. Checks that take rows out are not counted here,
    because they need every row.
    """
    judged: dict[str, list[int]] = {}
    for index, rule in rules.items():
        check = rule.check
        if isinstance(check, OneColumn) and check.on_fail == "fail" and not check.where:
            judged.setdefault(check.column, []).append(index)
    if not judged:
        return {}
    few = footers.repeated([rules[i].check for indexes in judged.values() for i in indexes])
    return {
        index: failing
        for column, indexes in judged.items()
        if column in few
        for index, failing in _counted(work, column, {i: rules[i] for i in indexes}).items()
    }


def _counted(work: Work, column: str, rules: Mapping[int, RowRule]) -> dict[int, int]:
    # SELECT coalesce(sum(n) FILTER (length(country) <> 2), 0)
    # FROM (SELECT "country", count(*) AS n FROM "plays" GROUP BY "country")
    name = quote(column)
    counts = (f"coalesce(sum(n) FILTER ({rule.sql.predicate}), 0)" for rule in rules.values())
    row = work.session.execute(
        f"SELECT {', '.join(counts)} FROM (SELECT {name}, count(*) AS n "
        f"FROM {quote(work.step.relation)} GROUP BY {name})"
    ).fetchone()
    return dict(zip(rules, map(int, row or ()), strict=True))
