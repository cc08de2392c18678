"""The rows that checks take out of a relation."""

from __future__ import annotations

from collections.abc import Sequence

from etl_framework.checks.base import RowCheck
from etl_framework.sql.quote import literal, names, quote
from etl_framework.steps.base import Work
from etl_framework.storage.parquet import FILE, ROW, write


def quarantine(work: Work, checks: Sequence[RowCheck]) -> list[str]:
    """Split the relation: the rows to keep; the others, with the rule that each broke.

    Where they lie is in the temporary table `etl_scan`, as lists of file, row and rule.

    :param checks: all row checks, as the rules are numbered.
    :returns: the files of the rows kept.
    """
    relation = quote(work.step.relation)
    described = work.session.execute(f"DESCRIBE {relation}").fetchall()
    columns = [str(row[0]) for row in described if row[0] not in (FILE, ROW)]
    work.session.execute(
        "CREATE OR REPLACE TEMP TABLE etl_broken AS "
        "SELECT unnest(broken, recursive := true) FROM etl_scan"
    )
    same = f"etl_broken.file = r.{FILE} AND etl_broken.row = r.{ROW}"
    write(
        work.session,
        f"SELECT {names(columns, 'r.')} FROM {relation} AS r ANTI JOIN etl_broken ON {same}",
        work.folder.part("data"),
    )
    labels = literal([found.label for found in checks]).strip("()")
    as_it_came = ", ".join(f"{literal(name)}: r.{quote(name)}" for name in columns)
    write(
        work.session,
        f"SELECT {literal(work.step.relation)} AS source, [{labels}][rule + 1] AS rule, "
        "CAST(NULL AS VARCHAR) AS file, CAST(NULL AS BIGINT) AS line, "
        'CAST(NULL AS INTEGER) AS "column", CAST(NULL AS VARCHAR) AS name, '
        f"'breaks the check ' || [{labels}][rule + 1] AS reason, "
        f'CAST(to_json({{{as_it_came}}}) AS VARCHAR) AS "row" '
        f"FROM {relation} AS r JOIN etl_broken ON {same}",
        work.folder.part("rejected"),
    )
    return work.folder.files("data")
