"""`transform.<name>` and `kpi.<name>`: make a table of others, by SQL."""

from __future__ import annotations

from collections.abc import Sequence

from etl_framework.columns import Column
from etl_framework.engines.redshift.cluster import cluster
from etl_framework.engines.work import Work
from etl_framework.sql.quote import names, quote, quote_table
from etl_framework.storage.outcome import Outcome


def transform(work: Work) -> Outcome:
    """Make a transform's or KPI's table, with exactly the columns and types that it declares."""
    columns = work.step.block.columns if work.step.block else []
    with cluster(work) as found:
        table = found.new_table(columns)
        sql = found.placed(work.step.sql)
        if columns:
            found.run(filled(table, columns, sql))
        else:
            found.run(f"CREATE TABLE {quote_table(table)} AS {sql}")
        return Outcome({"rows": found.count(table)}, table=table)


def filled(table: str, columns: Sequence[Column], sql: str) -> str:
    """The INSERT that brings a query's rows into a table, each value cast to its column's type.

    Texts are not cast, for a cast would cut those that are too long, and an INSERT refuses them.
    """
    values = ", ".join(
        quote(column.name)
        if column.type.family == "text"
        else f"CAST({quote(column.name)} AS {column.type}) AS {quote(column.name)}"
        for column in columns
    )
    listed = names([column.name for column in columns])
    return f"INSERT INTO {quote_table(table)} ({listed}) SELECT {values} FROM ({sql}) AS etl_rows"
