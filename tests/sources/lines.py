"""A source of files as a package of somebody else has it: not imported where other tests run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from etl_framework.connections.files import File
from etl_framework.sources.base import Extracted, Extraction
from etl_framework.sources.files import FilesSource
from etl_framework.sql.quote import quote
from etl_framework.storage.parquet import as_path, write


class LinesSource(FilesSource):
    """Text files; each line is one row."""

    type: Literal["lines"]

    def into_parquet(self, extraction: Extraction, files: Sequence[File]) -> Extracted:
        paths = ", ".join(as_path(file.path) for file in files)
        lines = "unnest(string_split(rtrim(content, chr(10)), chr(10)))"
        rows = (
            f"SELECT {lines} AS {quote(self.columns[0].name)} "
            f"FROM read_text([{paths}]) WHERE content <> ''"
        )
        return Extracted(write(extraction.session, rows, extraction.folder.part("data")), 0)
