"""Find examples of rows that break a rule, for reports."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from etl_framework.checks.base import EXAMPLES
from etl_framework.engines.judge import shown
from etl_framework.engines.work import Work
from etl_framework.sql.quote import quote
from etl_framework.storage.parquet import FILE, ROW

# Conditions of one query: each takes memory of its own, however few rows there are.
AT_ONCE = 16


def examples(work: Work, conditions: Mapping[int, str]) -> dict[int, list[dict[str, Any]]]:
    """Return for every condition some rows of the relation that meet it.

    The search reads only the columns that the condition names. Only rows that it finds are read as
    a whole. The session must read the relation with positions.
    """
    by_number = {number: list[Any]() for number in conditions}
    numbers = list(conditions)
    for start in range(0, len(numbers), AT_ONCE):
        batch = {number: conditions[number] for number in numbers[start : start + AT_ONCE]}
        for number, row in _rows(work, batch):
            by_number[number].append(shown(work, json.loads(row, parse_float=str)))
    return by_number


def _rows(work: Work, conditions: Mapping[int, str]) -> list[tuple[int, str]]:
    relation = quote(work.step.relation)
    # (SELECT 0 AS etl_number, etl_file, etl_row FROM "orders" WHERE amount < 0 LIMIT 10)
    # UNION ALL (SELECT 1 AS etl_number, etl_file, etl_row FROM "orders" WHERE ... LIMIT 10)
    places = " UNION ALL ".join(
        f"(SELECT {number} AS etl_number, {FILE}, {ROW} FROM {relation} WHERE {condition} "
        f"LIMIT {EXAMPLES})"
        for number, condition in conditions.items()
    )
    return work.session.execute(
        f"SELECT p.etl_number, CAST(to_json(r) AS VARCHAR) FROM {relation} AS r "
        f"JOIN ({places}) AS p ON p.{FILE} = r.{FILE} AND p.{ROW} = r.{ROW} "
        f"ORDER BY r.{FILE}, r.{ROW}"
    ).fetchall()


def examples_of_groups(work: Work, groups: str) -> tuple[int, list[dict[str, Any]]]:
    """Return how many rows break a rule, and the groups with most failing rows, in one pass.

    :param groups: a query that returns groups of rows; its last column, `failing`, counts the
        failing rows of a group.
    """
    row = work.session.execute(
        "SELECT coalesce(sum(failing), 0), CAST(to_json(max_by(grouped, failing, "
        f"{EXAMPLES}) FILTER (failing > 0)) AS VARCHAR) FROM ({groups}) AS grouped"
    ).fetchone()
    failing, worst_groups = row or (0, None)
    return int(failing), [
        shown(work, group) for group in json.loads(worst_groups or "[]", parse_float=str)
    ]
