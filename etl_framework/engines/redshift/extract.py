"""`extract.<source>`: load a source into a staging table; CSV files come directly from S3."""

from __future__ import annotations

import shutil
from dataclasses import replace

from etl_framework.connections.s3 import S3
from etl_framework.engines.corrections import with_corrections
from etl_framework.engines.judge import extracted, remarks
from etl_framework.engines.masks import extract_rows
from etl_framework.engines.redshift.cluster import Cluster, cluster
from etl_framework.engines.redshift.copy_csv import CsvCopy, copy_reads
from etl_framework.engines.work import Work
from etl_framework.errors import DataMissingError
from etl_framework.sources.base import Source
from etl_framework.storage.outcome import Outcome


def extract(work: Work) -> Outcome:
    """Read a source.

    :raises CheckFailedError: more rows were rejected than the source allows.
    """
    source = work.source
    connection = work.plan.workspace.connection(source.connection)
    with cluster(work) as cluster_session:
        table = cluster_session.new_table(source.staged)
        if copy_reads(source) and isinstance(connection, S3) and not work.forgotten:
            rows = CsvCopy(work, cluster_session, source, table).into_table()
        else:
            rows = extract_rows(work)
        results = remarks(work, rows)
        rows = with_corrections(work, rows)
        _load(work, cluster_session, source, table)
        rows = replace(rows, kept=cluster_session.count(table))
    if rows.read == 0 and not source.may_be_empty:
        raise DataMissingError(
            f"'{work.step.relation}' has no rows", hint="if that is right: `may_be_empty: true`"
        )
    return extracted(work, rows, Outcome(checks=results, table=table))


def _load(work: Work, cluster_session: Cluster, source: Source, table: str) -> None:
    """Load the Parquet files made on this machine: rows of a database, and corrected rows."""
    cluster_session.copy_parquet(table, source.staged, work.folder.files("data"))
    shutil.rmtree(work.folder.path / "data", ignore_errors=True)
