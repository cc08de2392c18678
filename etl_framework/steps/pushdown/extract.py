"""`extract.<source>`: a source's rows into a staging table; CSV goes there straight from S3."""

from __future__ import annotations

import shutil
from dataclasses import replace

from etl_framework.connections.s3 import S3
from etl_framework.errors import DataMissingError
from etl_framework.sources.base import Source
from etl_framework.steps.base import Outcome, Work
from etl_framework.steps.extract import corrected, extraction, new_columns, within_limit
from etl_framework.steps.pushdown.cluster import Cluster, cluster
from etl_framework.steps.pushdown.copy_csv import CsvCopy, copy_reads


def extract(work: Work) -> Outcome:
    """Read a source.

    :raises CheckFailedError: more rows were rejected than the source allows.
    """
    source = work.step.block
    if not isinstance(source, Source):
        raise TypeError(f"{work.step.name} is not a source")
    connection = work.plan.environment.connections[source.connection]
    with cluster(work) as found:
        table = found.new_table(source.columns)
        if copy_reads(source) and isinstance(connection, S3):
            extracted = CsvCopy(work, found, source, table).into_table()
        else:
            extracted = source.extract(extraction(work, work.folder))
        results = new_columns(work, source, extracted)
        extracted = corrected(work, source, extracted)
        _load(work, found, source, table)
        kept = found.count(table)
        extracted = replace(extracted, kept=kept)
    if extracted.read == 0 and not source.may_be_empty:
        raise DataMissingError(
            f"'{work.step.relation}' has no rows", hint="if that is right: `may_be_empty: true`"
        )
    within_limit(work.step, source, extracted.rejected, extracted.read)
    counts = {"read": extracted.read, "kept": extracted.kept, "rejected": extracted.rejected}
    return Outcome(counts, results, table=table, sources=extracted.files)


def _load(work: Work, found: Cluster, source: Source, table: str) -> None:
    """Load the Parquet files that were made here: rows of a database, corrected rows."""
    found.copy_parquet(table, source.columns, work.folder.files("data"))
    shutil.rmtree(work.folder.path / "data", ignore_errors=True)
