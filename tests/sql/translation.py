"""A query from Redshift's words to those that DuckDB runs."""

from __future__ import annotations

from etl_framework.errors import PlanError
from etl_framework.sql.dialect import Schema, SqlSyntaxError, parse, typed
from etl_framework.sql.translate import for_duckdb


def translate(sql: str, schema: Schema) -> str:
    """One SELECT, as DuckDB runs it.

    :param schema: table to column to type.
    :raises PlanError: it does not parse, or cannot mean the same on DuckDB.
    """
    try:
        tree = parse(sql)
    except SqlSyntaxError as error:
        raise PlanError(str(error)) from error
    return for_duckdb(typed(tree, schema))
