"""`extract.<source>`: read a source for the run's data interval."""

from __future__ import annotations

from etl_framework.engines.corrections import with_corrections
from etl_framework.engines.judge import extracted, new_columns
from etl_framework.engines.work import Work
from etl_framework.storage.outcome import Outcome


def extract(work: Work) -> Outcome:
    """Read a source.

    :raises CheckFailedError: more rows were rejected than the source allows.
    """
    rows = work.source.extract(work.extraction(work.folder))
    results = new_columns(work, rows)
    rows = with_corrections(work, rows)
    made = Outcome(checks=results, files=tuple(work.folder.files("data")))
    return extracted(work, rows, made)
