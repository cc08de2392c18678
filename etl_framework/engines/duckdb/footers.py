"""What Parquet files tell of their columns in their footers, which saves looking at every row."""

from __future__ import annotations

from collections.abc import Sequence

from etl_framework.checks.base import OneColumn, RowCheck
from etl_framework.engines.work import Work
from etl_framework.sql.dialect import transpile_condition
from etl_framework.sql.quote import literal, quote
from etl_framework.storage.parquet import FILE, ROW, as_path

# Types of which a footer gives the least and greatest value exactly: texts may be cut off there,
# and of floats NaN may be left out.
EXACT = ("SMALLINT", "INTEGER", "BIGINT", "DECIMAL", "DATE", "TIMESTAMP")
# Rows that are looked at to see whether a column repeats its values.
SAMPLE = 120_000


def read_footers(work: Work) -> None:
    """One row for each column of each part of the files, in the temporary table `etl_chunks`."""
    files = ", ".join(as_path(file) for file in work.inputs[work.step.relation])
    work.session.execute(
        "CREATE OR REPLACE TEMP TABLE etl_chunks AS SELECT file_name, path_in_schema AS name, "
        "type, num_values, encodings, stats_null_count AS empty, stats_min_value AS least, "
        f"stats_max_value AS greatest FROM parquet_metadata([{files}])"
    )


def unbroken(work: Work, checks: Sequence[RowCheck]) -> set[int]:
    """Checks that no row can break: they are kept by the extremes of their columns."""
    described = work.session.execute(
        f"SELECT * FROM (DESCRIBE {quote(work.step.relation)}) "
        "WHERE column_name IN (SELECT name FROM etl_chunks)"
    ).fetchall()
    types = {str(row[0]): str(row[1]) for row in described}
    proofs = []
    for index, found in enumerate(checks):
        names = found.checked_columns()
        if not types.keys() >= set(names):
            continue
        if found.told_by == "empty":
            doubt = f"name IN {literal(names)} AND empty IS DISTINCT FROM 0"
            proofs.append(f"SELECT {index} WHERE NOT EXISTS (FROM etl_chunks WHERE {doubt})")
        elif found.told_by == "extremes" and (type_ := types[names[0]]).startswith(EXACT):
            column, violation = quote(names[0]), transpile_condition(found.violation(), to="duckdb")
            extremes = (
                f"SELECT unnest([TRY_CAST(least AS {type_}), TRY_CAST(greatest AS {type_})]) AS "
                f"{column} FROM etl_chunks WHERE name = {literal(names[0])} "
                "AND empty IS DISTINCT FROM num_values"
            )
            doubt = f"FROM ({extremes}) WHERE {column} IS NULL OR {violation}"
            proofs.append(f"SELECT {index} WHERE NOT EXISTS ({doubt})")
    rows = work.session.execute(" UNION ALL ".join(proofs)).fetchall() if proofs else []
    return {int(index) for (index,) in rows}


def repeated(work: Work, checks: Sequence[RowCheck]) -> set[str]:
    """Columns of text with few different values: dictionaries, or seen to be as good as one.

    A last part of a few rows may be written plain, whatever its values.
    """
    rows = work.session.execute(
        "SELECT name FROM etl_chunks WHERE type = 'BYTE_ARRAY' GROUP BY name HAVING "
        "sum(num_values) FILTER (contains(encodings, 'DICTIONARY')) >= 0.9 * sum(num_values)"
    ).fetchall()
    few = {str(name) for (name,) in rows}
    costly = {found.column for found in checks if isinstance(found, OneColumn) and found.costly}
    return few | {column for column in sorted(costly - few) if _recurs(work, column)}


def _recurs(work: Work, column: str) -> bool:
    """Whether the last values of a column are nearly all among its first ones."""
    files, name = work.inputs[work.step.relation], quote(column)
    row = work.session.execute(
        "SELECT sum(num_values), sum(num_values) FILTER (file_name = ?) FROM etl_chunks "
        "WHERE name = ?",
        [files[-1], column],
    ).fetchone()
    rows, last = row or (None, None)
    if not last or rows < 10 * SAMPLE:
        return False
    values = f"SELECT {name} FROM {quote(work.step.relation)} WHERE {name} IS NOT NULL AND {FILE}"
    first = f"{values} = {literal(files[0])} AND {ROW} < {SAMPLE}"
    others = f"{values} = {literal(files[-1])} AND {ROW} >= {last - SAMPLE // 2}"
    counted = work.session.execute(
        f"SELECT count(*) FROM ({others}) AS others ANTI JOIN ({first}) AS first USING ({name})"
    ).fetchone()
    return bool(counted and counted[0] < SAMPLE // 20)
