"""The numbers of a KPI's table, as charts and comparisons take them together."""

from __future__ import annotations

from etl_framework.columns import Column
from etl_framework.project.models import Kpi
from etl_framework.sql.quote import quote

WHOLE = {"smallint", "integer", "bigint"}
NUMBERS = {*WHOLE, "decimal", "real", "double precision"}
# The last words of names of columns whose numbers name things.
IDS = {"id", "key", "sk"}
TIMES = ("date", "timestamp", "timestamptz")
# So many columns are compared at the most.
MEASURES = 20


def measured(kpi: Kpi, hidden: set[str]) -> list[Column]:
    """The columns of numbers that may be shown; a part of the key is none.

    :param hidden: the names, in lower case, of columns whose values are not shown.
    """
    return [
        column
        for column in kpi.columns
        if column.type.name in NUMBERS and not column.primary_key
        if column.name.lower() not in hidden
    ]


def measure(column: Column) -> str:
    """The SQL that takes the values of several rows together; a sum of ids would say nothing."""
    name = quote(column.name)
    if _is_id(column):
        return f"COUNT(DISTINCT {name})"
    return f"SUM({name})" if column.type.name in WHOLE else f"AVG({name})"


def title(column: Column, single: bool) -> str:
    """What that is called.

    :param single: whether it was one row each time, so that its value is the result.
    """
    if _is_id(column):
        return f"distinct {column.name}"
    if single:
        return column.name
    return f"{'sum' if column.type.name in WHOLE else 'mean'} of {column.name}"


def _is_id(column: Column) -> bool:
    return column.type.name in WHOLE and column.name.lower().split("_")[-1] in IDS
