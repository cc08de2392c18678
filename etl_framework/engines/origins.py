"""Where rows of a source came from, without what its masks hide."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from etl_framework.engines.work import Work
from etl_framework.sources.base import Extraction, Origin, Source

# The count of a step with the rows that were left out.
FORGOTTEN = "forgotten"


@contextmanager
def reading_again(about: Extraction) -> Iterator[None]:
    """Delete at the end what was fetched of a source to find out where its rows came from."""
    try:
        yield
    finally:
        shutil.rmtree(about.folder.fetched, ignore_errors=True)


def origins_of(
    work: Work, source: Source, about: Extraction, file: str, numbers: Iterator[int]
) -> Iterator[Origin]:
    """Yield where rows of one of the relation's files came from; none if that is not known.

    It is not where rows of the forgotten were left out, because the others have other numbers then.
    A source with masks gives no text of a row, which would show what they hide.

    :param file: the file of the relation.
    :param numbers: the numbers of the rows in it, from 0, ascending.
    """
    extracted = work.run.step(f"extract.{work.step.relation}").outcome()
    if extracted and extracted.counts.get(FORGOTTEN):
        return
    for origin in source.origins(about, Path(file).name, numbers):
        yield replace(origin, text=None) if source.is_masked else origin
