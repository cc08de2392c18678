"""Give the columns of a query types that a relation can hold without a change of their values."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from etl_framework.columns import ColumnType
from etl_framework.errors import PlanError
from etl_framework.sql.blame import UntranslatableError, first_offset
from etl_framework.sql.quote import quote
from etl_framework.sql.scope import ScopeProblem

if TYPE_CHECKING:
    from sqlglot import exp

Types = Sequence[tuple[str, str]]

# DuckDB's types that Redshift has not, with those of Redshift that hold every value of theirs.
HELD = {
    "HUGEINT": "DECIMAL(38,0)", "UHUGEINT": "DECIMAL(38,0)", "BIGNUM": "DECIMAL(38,0)",
    "UBIGINT": "DECIMAL(20,0)", "UINTEGER": "BIGINT", "USMALLINT": "INTEGER",
    "UTINYINT": "SMALLINT", "TINYINT": "SMALLINT", "TIMESTAMP_NS": "TIMESTAMP",
    "TIMESTAMP_MS": "TIMESTAMP", "TIMESTAMP_S": "TIMESTAMP", "JSON": "VARCHAR", "UUID": "VARCHAR",
    "NULL": "VARCHAR", '"NULL"': "VARCHAR",
}  # fmt: skip


def held(tree: exp.Query, sql: str, columns: Types) -> tuple[str, Types]:
    """A query and its columns, each in a type that Parquet, Redshift and our columns have.

    `SELECT COUNT(*) * 2 AS n` of type HUGEINT becomes

        SELECT CAST("n" AS DECIMAL(38,0)) AS "n" FROM (SELECT ...)

    :param tree: the query as written, for the places of its columns.
    :param columns: the name and DuckDB type of every column.
    :raises PlanError: no type can hold a column's values; the cause of the error has the place.
    """
    types = [_held(type_) for _, type_ in columns]
    for (name, given), type_, select in zip(columns, types, _selects(tree, columns), strict=True):
        if not type_:
            message = f"a column cannot hold {_named(given)}, which '{name}' is"
            place = UntranslatableError(first_offset(select), message)
            raise PlanError(message, "write CAST(... AS VARCHAR)") from place
    if types == [given for _, given in columns]:
        return sql, columns
    values = [
        f"{quote(name)}" if type_ == given else f"CAST({quote(name)} AS {type_}) AS {quote(name)}"
        for (name, given), type_ in zip(columns, types, strict=True)
    ]
    result = [(name, type_) for (name, _), type_ in zip(columns, types, strict=True)]
    return f"SELECT {', '.join(values)} FROM ({sql})", result


def without_values(tree: exp.Query, columns: Types) -> Types:
    """The columns, with the type NULL for those that hold nothing else on any DuckDB."""
    from sqlglot import exp

    nothing = [isinstance(select.unalias(), exp.Null) for select in _selects(tree, columns)]
    return [
        (name, '"NULL"' if empty else type_)
        for (name, type_), empty in zip(columns, nothing, strict=True)
    ]


def unnamed(tree: exp.Query) -> Iterator[ScopeProblem]:
    """The columns of a query that have no name.

    :param tree: the query as parsed; later, sqlglot gives a name to each column.
    """
    for select in tree.selects:
        if not (select.output_name or select.is_star):
            hint = "write AS and a name behind it"
            yield ScopeProblem(first_offset(select), "E417", "a column without a name", hint)


def repeated_names(tree: exp.Expr) -> list[ScopeProblem]:
    """The columns of a query whose name an earlier one has.

    :param tree: the query with its stars filled in.
    """
    from sqlglot import exp

    seen: set[str] = set()
    problems = []
    for select in tree.selects if isinstance(tree, exp.Query) else ():
        name = select.alias_or_name.lower()
        if name in seen:
            message = f"two columns are called '{select.alias_or_name}'"
            hint = "write AS and another name behind it"
            problems.append(ScopeProblem(first_offset(select), "E417", message, hint))
        seen.add(name)
    return problems


def _held(given: str) -> str:
    """The type that holds a DuckDB type's values; empty if there is none."""
    if given in HELD:
        return HELD[given]
    if given.startswith("ENUM("):
        return "VARCHAR"
    return given if ColumnType.of_duckdb(given) else ""


def _named(given: str) -> str:
    """What values of a DuckDB type are, in words."""
    if given.endswith("]") or given.startswith("LIST"):
        return "a list"
    kind = given.partition("(")[0]
    words = {"TIME": "a time of day", "INTERVAL": "an interval", "BLOB": "bytes"}
    if kind in ("STRUCT", "MAP", "UNION", "VARIANT"):
        return "a value with parts"
    return words.get(kind, "a " + kind.lower().replace("_", " "))


def _selects(tree: exp.Query, columns: Types) -> Sequence[exp.Expr]:
    """The part of a query that each column comes from."""
    selects = tree.selects
    return selects if len(selects) == len(columns) else [tree] * len(columns)
