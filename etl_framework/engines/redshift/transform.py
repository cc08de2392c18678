"""`transform.<name>` and `kpi.<name>`: make a table from others, with SQL."""

from __future__ import annotations

from collections.abc import Sequence

from etl_framework.columns import Column
from etl_framework.engines.redshift.cluster import cluster
from etl_framework.engines.work import Work
from etl_framework.sql.quote import names, quote, quote_table
from etl_framework.storage.outcome import Outcome


def transform(work: Work) -> Outcome:
    """Make the table of a transform or KPI, with exactly the declared columns and types."""
    columns = work.step.block.columns if work.step.block else []
    with cluster(work) as cluster_session:
        table = cluster_session.new_table(columns)
        sql = cluster_session.placed(work.step.sql)
        if columns:
            cluster_session.run(filled(table, columns, sql))
        else:
            cluster_session.run(f"CREATE TABLE {quote_table(table)} AS {sql}")
        return Outcome({"rows": cluster_session.count(table)}, table=table)


def filled(table: str, columns: Sequence[Column], sql: str) -> str:
    """Return an INSERT of a query's rows that casts each value to its column's type.

    Texts are not cast: a cast would cut off texts that are too long, and an INSERT refuses them.
    For a column `day date` and a column `country varchar(2)`:

        INSERT INTO "etl_staging"."…" ("day", "country")
        SELECT CAST("day" AS date) AS "day", "country" FROM (…) AS etl_rows
    """
    values = ", ".join(
        quote(column.name)
        if column.type.family == "text"
        else f"CAST({quote(column.name)} AS {column.type}) AS {quote(column.name)}"
        for column in columns
    )
    listed = names([column.name for column in columns])
    return f"INSERT INTO {quote_table(table)} ({listed}) SELECT {values} FROM ({sql}) AS etl_rows"
