"""SQL that finds the values of PostgreSQL which a declared type cannot hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from etl_framework.columns import Column, ColumnType
from etl_framework.sources.postgres.types import TableType, selected
from etl_framework.sql.quote import quote

# The number of the first column whose value does not fit, and the row as JSON; NULL if all fit.
MISFIT, ROW = "etl_misfit", "etl_row"
RANGES = {"smallint": 2**15, "integer": 2**31, "bigint": 2**63}
# The first moment that fits, and the first one that does not; infinity is no smaller.
MOMENTS = {"date": "date", "timestamp": "timestamp", "timestamptz": "timestamptz"}
FIRST, END = "0001-01-01", "10000-01-01"
UTF8_BYTES = 4


def misfit(column: Column, table_type: TableType) -> str:
    """A condition that is true for values that the column's type cannot hold.

    It is empty if the type holds all values of the table's type, and not true for NULL.
    """
    family, name = column.type.family, quote(column.name)
    if family in MOMENTS:
        kind = MOMENTS[table_type.moment or family]
        return f"NOT ({name} >= {kind} '{FIRST}' AND {name} < {kind} '{END}')"
    if family == "text":
        return _too_long(name, column.type.arguments[0], table_type)
    if family == "decimal":
        return _no_decimal(name, column.type, table_type)
    if family == "integer":
        return _no_integer(name, RANGES[column.type.name], table_type)
    return ""


def _too_long(name: str, most: int, table_type: TableType) -> str:
    if table_type.length and table_type.length * UTF8_BYTES <= most:
        return ""
    if table_type.name in ("text", "character varying", "character"):
        return f"octet_length({name}) > {most}"
    # As COPY writes it; a cast would write some values otherwise.
    return f"octet_length(concat({name})) > {most}"


def _no_decimal(name: str, declared: ColumnType, table_type: TableType) -> str:
    digits, scale = declared.arguments
    if table_type.name in RANGES:
        largest = len(str(RANGES[table_type.name]))
        return "" if digits - scale >= largest else f"abs({name}::numeric) >= 1e{digits - scale}"
    if not table_type.is_longer_than(declared):
        return f"{name} = 'NaN'"
    # NaN is larger than any number, and infinity too.
    return f"NOT (abs({name}) < 1e{digits - scale} AND {name} = round({name}, {scale}))"


def _no_integer(name: str, end: int, table_type: TableType) -> str:
    if RANGES.get(table_type.name, end + 1) <= end:
        return ""
    inside = f"{name} BETWEEN {-end} AND {end - 1}"
    return f"NOT ({inside})" if table_type.name in RANGES else (
        f"NOT ({inside} AND {name} = trunc({name}))"
    )  # fmt: skip


def columns_and_misfits(
    columns: Sequence[Column], types: Mapping[str, TableType], rest: str, needed: str | None = None
) -> str:
    """Return a query for the columns, and MISFIT and ROW if any value may not fit.

    :param needed: a column that has to have a value.
    :param rest: what follows the columns: FROM, and WHERE.
    """
    written = {column.name: selected(column, types) for column in columns}
    conditions = [(n, _misfit_or_missing(c, types[c.name], needed)) for n, c in enumerate(columns)]
    misfits = [f"CASE WHEN {condition} THEN {n} END" for n, condition in conditions if condition]
    if not misfits:
        return f"SELECT {', '.join(written.values())} {rest}"
    guarded = {columns[n].name for n, condition in conditions if condition}
    # SELECT "id", CASE WHEN etl_misfit IS NULL THEN "at" END AS "at", etl_misfit,
    #     CASE WHEN etl_misfit IS NOT NULL THEN (SELECT row_to_json(etl_texts)::text FROM
    #         (SELECT "id"::text AS "id", "at"::text AS "at") AS etl_texts) END AS etl_row
    # FROM (SELECT "id", "at", COALESCE(CASE WHEN NOT (...) THEN 1 END) AS etl_misfit
    #       FROM "t" OFFSET 0) AS etl_rows
    # OFFSET 0 keeps PostgreSQL from computing etl_misfit again for every column.
    shown = ", ".join(
        f"CASE WHEN {MISFIT} IS NULL THEN {expression.partition(' AS ')[0]} END AS {quote(name)}"
        if name in guarded
        else expression
        for name, expression in written.items()
    )
    texts = ", ".join(f"{quote(name)}::text AS {quote(name)}" for name in written)
    plain = ", ".join(quote(column.name) for column in columns)
    return (
        f"SELECT {shown}, {MISFIT}, "
        f"CASE WHEN {MISFIT} IS NOT NULL THEN (SELECT row_to_json(etl_texts)::text FROM "
        f"(SELECT {texts}) AS etl_texts) END AS {ROW} "
        f"FROM (SELECT {plain}, COALESCE({', '.join(misfits)}) AS {MISFIT} {rest} OFFSET 0) "
        "AS etl_rows"
    )


def _misfit_or_missing(column: Column, table_type: TableType, needed: str | None) -> str:
    condition = misfit(column, table_type)
    if column.name != needed:
        return condition
    missing = f"{quote(column.name)} IS NULL"
    return f"({condition}) OR {missing}" if condition else missing


def advice(column: Column, value: str | None) -> str:
    """What to do about a value that does not fit, for the reason of its rejection."""
    name = quote(column.name)
    if column.type.family in MOMENTS and str(value).strip("-") == "infinity":
        return f"leave it out with where: isfinite({name}), or declare varchar"
    if value == "NaN":
        return f"leave it out with where: {name} <> 'NaN', or declare varchar"
    return "declare a wider type, or varchar"
