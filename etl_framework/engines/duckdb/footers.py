"""Use what Parquet files tell about their columns in their footers, to avoid reading every row."""

from __future__ import annotations

from collections.abc import Sequence

from etl_framework.checks.base import OneColumn, RowCheck
from etl_framework.engines.work import Work
from etl_framework.plan.step import RowRule
from etl_framework.sql.quote import literal, quote
from etl_framework.storage.parquet import FILE, ROW, as_path

# Types whose smallest and largest value are exact in a footer. Footers may shorten texts, and they
# may ignore NaN in floats.
EXACT = ("SMALLINT", "INTEGER", "BIGINT", "DECIMAL", "DATE", "TIMESTAMP")
# How many rows are read to see whether a column repeats its values.
SAMPLE = 120_000


class Footers:
    """The footers of the files of a step's relation.

    They are read into a temporary table. It has one row for each column of each row group of a
    file: the type, the number of values and of empty ones, the smallest and the largest value.

    :param corrected: the files of rows that corrections put into the relation.
    """

    table = "etl_chunks"

    def __init__(self, work: Work, corrected: Sequence[str] = ()) -> None:
        self._work = work
        self._files = work.inputs[work.step.relation]
        files = ", ".join(as_path(file) for file in [*self._files, *corrected])
        work.session.execute(
            f"CREATE OR REPLACE TEMP TABLE {self.table} AS SELECT file_name, path_in_schema AS "
            "name, type, num_values, encodings, stats_null_count AS empty, stats_min_value AS "
            f"least, stats_max_value AS greatest FROM parquet_metadata([{files}])"
        )

    def unbroken(self, rules: Sequence[RowRule]) -> set[int]:
        """Return the indexes of the checks that no row can break, as the footers prove."""
        # SELECT 0 WHERE NOT EXISTS (...) UNION ALL SELECT 2 WHERE NOT EXISTS (...)
        described = self._work.session.execute(
            f"SELECT * FROM (DESCRIBE {quote(self._work.step.relation)}) "
            f"WHERE column_name IN (SELECT name FROM {self.table})"
        ).fetchall()
        types = {str(row[0]): str(row[1]) for row in described}
        proofs = [
            f"SELECT {index} WHERE NOT EXISTS ({doubt})"
            for index, rule in enumerate(rules)
            if (doubt := self._doubt(rule, types))
        ]
        rows = self._work.session.execute(" UNION ALL ".join(proofs)).fetchall() if proofs else []
        return {int(index) for (index,) in rows}

    def _doubt(self, rule: RowRule, types: dict[str, str]) -> str:
        """Return a query that has rows if some row may break the check.

        Return an empty text if footers cannot tell. For a `quantity` that must be at least 1:

            FROM (SELECT unnest([TRY_CAST(least AS INTEGER), TRY_CAST(greatest AS INTEGER)])
                  AS quantity FROM etl_chunks WHERE name = 'quantity' AND …)
            WHERE quantity IS NULL OR quantity < 1
        """
        check, columns = rule.check, rule.check.checked_columns()
        if not types.keys() >= set(columns):
            return ""
        if check.told_by == "empty":
            return (
                f"FROM {self.table} WHERE name IN {literal(columns)} AND empty IS DISTINCT FROM 0"
            )
        if check.told_by == "extremes" and (type_ := types[columns[0]]).startswith(EXACT):
            column = quote(columns[0])
            extremes = (
                f"SELECT unnest([TRY_CAST(least AS {type_}), TRY_CAST(greatest AS {type_})]) AS "
                f"{column} FROM {self.table} WHERE name = {literal(columns[0])} "
                "AND empty IS DISTINCT FROM num_values"
            )
            return f"FROM ({extremes}) WHERE {column} IS NULL OR {rule.sql.violation}"
        return ""

    def repeated(self, checks: Sequence[RowCheck]) -> set[str]:
        """Return the text columns that have few different values.

        Parquet stores at least 90 % of such a column as a dictionary: the last row group may have
        too few rows for one. A column of a costly check also counts without a dictionary, if a
        sample shows that it repeats its values.
        """
        rows = self._work.session.execute(
            f"SELECT name FROM {self.table} WHERE type = 'BYTE_ARRAY' GROUP BY name HAVING "
            "sum(num_values) FILTER (contains(encodings, 'DICTIONARY')) >= 0.9 * sum(num_values)"
        ).fetchall()
        few = {str(name) for (name,) in rows}
        costly = {check.column for check in checks if isinstance(check, OneColumn) and check.costly}
        return few | {column for column in sorted(costly - few) if self._recurs(column)}

    def _recurs(self, column: str) -> bool:
        """Return whether nearly all of the last values of a column are among its first values."""
        session, files, name = self._work.session, self._files, quote(column)
        row = session.execute(
            f"SELECT sum(num_values), sum(num_values) FILTER (file_name = ?) FROM {self.table} "
            "WHERE name = ?",
            [files[-1], column],
        ).fetchone()
        rows, last = row or (None, None)
        if not last or rows < 10 * SAMPLE:
            return False
        relation = quote(self._work.step.relation)
        values = f"SELECT {name} FROM {relation} WHERE {name} IS NOT NULL AND {FILE}"
        first = f"{values} = {literal(files[0])} AND {ROW} < {SAMPLE}"
        others = f"{values} = {literal(files[-1])} AND {ROW} >= {last - SAMPLE // 2}"
        counted = session.execute(
            f"SELECT count(*) FROM ({others}) AS others ANTI JOIN ({first}) AS first USING ({name})"
        ).fetchone()
        return bool(counted and counted[0] < SAMPLE // 20)
