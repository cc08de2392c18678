"""`scd2` with `updated_at` and `on_missing: close`: changes, and the ends of rows that are gone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from etl_framework.sql.as_of import VALID_FROM as FROM
from etl_framework.sql.as_of import VALID_TO as TO
from etl_framework.sql.quote import names, quote, quote_table
from etl_framework.targets import ledger
from etl_framework.targets.ledger import LedgerEntry, Statement
from etl_framework.targets.strategies.base import same_key
from etl_framework.targets.strategies.changes import Changes, moment
from etl_framework.targets.strategies.scd2 import CURRENT

if TYPE_CHECKING:
    from etl_framework.targets.load import Load


class Endings(Changes):
    """Each row is a change, and a key that the newest run does not give has ended.

    Its version ends at the end of the run's data interval. A key that comes back has a version from
    the moment that its row names, or, where that lies before its end, from the end of the data
    interval that gives it again. Runs of older data intervals end nothing: a source that is read
    whole tells what there is today.
    """

    rows_of = "all"
    dates_all_rows = True

    def first(self, load: Load, stage: str, entry: LedgerEntry) -> Statement:
        """The keys whose versions may change, and from when on.

        `etl_ends` is the end of the data interval if no newer one was published, and `etl_given`
        says whether the run gives the key. For example, for the key `id` and the moment `at`:

            WITH given AS (
                SELECT "id", MIN("at" AT TIME ZONE 'UTC') AS etl_first, 1 AS etl_given
                FROM stage GROUP BY "id"
                UNION ALL SELECT "id", "valid_from", 0 FROM t
                WHERE "valid_to" IS NULL AND NOT EXISTS (SELECT 1 FROM stage WHERE …)
            ), newest AS (SELECT CAST(? AS TIMESTAMPTZ) AS etl_ends WHERE NOT EXISTS (…))
            SELECT "id", CASE WHEN etl_ends < etl_first THEN etl_ends ELSE etl_first END
                AS etl_first, etl_ends, etl_given
            FROM given LEFT JOIN newest ON 1 = 1 WHERE etl_given = 1 OR etl_first <= etl_ends
        """
        keys, table, staged = names(load.target.unique_key), quote_table(load.table), quote(stage)
        named, values = ledger.naming(load.target.table)
        newer = f"SELECT 1 FROM {quote(ledger.TABLE)} WHERE pipeline = ? AND interval_start > ?"
        here = f"SELECT 1 FROM {staged} WHERE {same_key(load, stage, load.target.unique_key)}"
        sql = (
            f"WITH given AS (SELECT {keys}, MIN({moment(load, entry)}) AS etl_first, "
            f"1 AS etl_given FROM {staged} GROUP BY {keys} "
            f"UNION ALL SELECT {keys}, {FROM}, 0 FROM {table} "
            f"WHERE {TO} IS NULL AND NOT EXISTS ({here})), "
            "newest AS (SELECT CAST(? AS TIMESTAMPTZ) AS etl_ends "
            f"WHERE NOT EXISTS ({newer} AND {named})) "
            f"SELECT {keys}, CASE WHEN etl_ends < etl_first THEN etl_ends ELSE etl_first END "
            "AS etl_first, etl_ends, etl_given FROM given LEFT JOIN newest ON 1 = 1 "
            "WHERE etl_given = 1 OR etl_first <= etl_ends"
        )
        return sql, (entry.interval.end, entry.pipeline, entry.interval.start, *values)

    def versions_of(self, load: Load, stage: str, entry: LedgerEntry, touched: str) -> Statement:
        """A query for the versions: from each change to the next one, or to the key's end.

        What this data interval had ended or begun again before, a rerun finds anew.
        """
        own, marks = [column.name for column in load.columns], self.marks(load)
        at_name = str(load.target.updated_at)
        keys, at = names(load.target.unique_key), quote(at_name)
        same, begins = names([*load.target.unique_key, at_name]), moment(load, entry)
        mark = "".join(f", {quote(name)}" for name in marks)
        newest = ", ".join([*(f"{quote(name)} DESC" for name in marks), "etl_stored"])
        first, table = quote(f"{stage}_first"), quote_table(load.table)
        sql = (
            f"WITH touched AS (SELECT {names([*own, *marks, FROM, TO], f'{table}.')}, etl_ends "
            f"FROM {table}, {first} WHERE {touched}), "
            f"changes AS (SELECT {names(own)}{''.join(f', ? AS {quote(m)}' for m in marks)}, "
            f"{begins} AS etl_begins, 0 AS etl_stored FROM {quote(stage)} "
            f"UNION ALL SELECT {names([*own, *marks])}, {FROM}, 1 FROM touched "
            f"WHERE etl_ends IS NULL OR {FROM} <> etl_ends OR {FROM} = {begins}), "
            f"told AS (SELECT {names([*own, *marks])}, ROW_NUMBER() OVER "
            f"(PARTITION BY {same} ORDER BY {newest}) AS etl_place FROM changes), "
            f"ended AS (SELECT {keys}, {TO} AS etl_ended FROM touched "
            f"WHERE {TO} IS NOT NULL AND (etl_ends IS NULL OR {TO} <> etl_ends) "
            f"UNION ALL SELECT {keys}, etl_ends FROM {first} WHERE etl_given = 0), "
            f"begun AS (SELECT DISTINCT {same}, etl_begins FROM changes "
            f"UNION ALL SELECT {same}, etl_ends FROM "
            f"(SELECT {keys}, MAX({at}) AS {at} FROM {quote(stage)} GROUP BY {keys}) AS given "
            f"JOIN {first} USING ({keys}) "
            f"JOIN (SELECT {keys}, MAX(etl_begins) AS etl_last FROM changes GROUP BY {keys}) "
            f"AS lasting USING ({keys}) "
            f"JOIN (SELECT {keys}, MAX(etl_ended) AS etl_gone FROM ended GROUP BY {keys}) "
            f"AS gone USING ({keys}) WHERE etl_gone > etl_last AND etl_gone < etl_ends), "
            f"moments AS (SELECT {same}, etl_begins, 1 AS etl_begun FROM begun "
            f"UNION ALL SELECT {keys}, NULL, etl_ended, 0 FROM ended), "
            f"following AS (SELECT {same}, etl_begun, etl_begins, LEAD(etl_begins) OVER "
            f"(PARTITION BY {keys} ORDER BY etl_begins, etl_begun, {at}) AS etl_next FROM moments) "
            f"SELECT {names(own)}, etl_begins AS {FROM}, etl_next AS {TO}, "
            f"etl_next IS NULL AS {CURRENT}{mark} FROM following JOIN told USING ({same}) "
            "WHERE etl_begun = 1 AND etl_place = 1"
        )
        return sql, tuple(entry.interval.start for _ in marks)
