"""Some of the rows that break a rule, as reports show them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from etl_framework.checks.base import EXAMPLES
from etl_framework.engines.judge import shown
from etl_framework.engines.work import Work
from etl_framework.sql.quote import quote
from etl_framework.storage.parquet import FILE, ROW


def examples(work: Work, conditions: Mapping[int, str]) -> dict[int, list[dict[str, Any]]]:
    """Some of the relation's rows that meet each condition.

    Where they lie is looked for in the columns that the condition names; only the rows that are
    found are read whole. The relation is seen with positions.
    """
    relation, found = quote(work.step.relation), {number: list[Any]() for number in conditions}
    if not conditions:
        return found
    places = " UNION ALL ".join(
        f"(SELECT {number} AS etl_number, {FILE}, {ROW} FROM {relation} WHERE {each} "
        f"LIMIT {EXAMPLES})"
        for number, each in conditions.items()
    )
    rows = work.session.execute(
        f"SELECT p.etl_number, CAST(to_json(r) AS VARCHAR) FROM {relation} AS r "
        f"JOIN ({places}) AS p ON p.{FILE} = r.{FILE} AND p.{ROW} = r.{ROW} "
        f"ORDER BY r.{FILE}, r.{ROW}"
    ).fetchall()
    for number, row in rows:
        found[number].append(shown(work, json.loads(row, parse_float=str)))
    return found


def examples_of_groups(work: Work, groups: str) -> tuple[int, list[dict[str, Any]]]:
    """How many rows of all groups break a rule, and the groups with most of them: one pass.

    :param groups: a query whose last column is `failing`.
    """
    row = work.session.execute(
        "SELECT coalesce(sum(failing), 0), CAST(to_json(max_by(grouped, failing, "
        f"{EXAMPLES}) FILTER (failing > 0)) AS VARCHAR) FROM ({groups}) AS grouped"
    ).fetchone()
    failing, found = row or (0, None)
    return int(failing), [shown(work, each) for each in json.loads(found or "[]", parse_float=str)]
