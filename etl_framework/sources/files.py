"""Sources that are files of any format: find them by a pattern, wait, fetch and archive them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import cast

from jinja2 import TemplateError
from pydantic import Field, field_validator, model_validator

from etl_framework.connections.files import File, Files
from etl_framework.errors import DataMissingError, StepError
from etl_framework.interval import DataInterval, Span
from etl_framework.sources.base import Extracted, Extraction, Source
from etl_framework.sql.quote import quote
from etl_framework.sql.templates import render_text, text_values
from etl_framework.storage.parquet import write_parquet
from etl_framework.storage.staging import FETCHED

EMPTY_PART = "empty.parquet"


class FilesSource(Source):
    """Files that a pattern matches. A format is a subclass with a `type` and `into_parquet`."""

    accepts = Files

    path: str = Field(
        examples=["streaming-data/*", "events/{{ interval.date }}/*"],
        description="Files, with `*` for any name and the data interval where it belongs: "
        "`streaming-data/{{ interval.date }}/*`.",
    )
    archive: str | None = Field(
        None,
        description="Where files go once what was made of them is published, for example"
        " `processed/`; they stay where they are if not given.",
    )
    wait: Span | None = Field(
        None, description="In Airflow: how long the step waits for its files, for example `6h`."
    )
    deferrable: bool = Field(
        True,
        description="In Airflow: leave the worker while the step waits; `false` stays in it, where"
        " there is no triggerer.",
    )

    @field_validator("path", "archive")
    @classmethod
    def _stays_inside(cls, value: str | None) -> str | None:
        if value and (value.startswith("/") or ".." in value.split("/")):
            raise ValueError("a path starts at its connection's folder and stays in it")
        return value

    @field_validator("archive")
    @classmethod
    def _is_a_folder(cls, value: str | None) -> str | None:
        if value is not None and not value.endswith("/"):
            raise ValueError("an archive is a folder, and ends in '/'")
        return value

    @model_validator(mode="after")
    def _archive_is_elsewhere(self) -> FilesSource:
        if self.archive and (self.path.startswith((self.archive, "*", "{"))):
            raise ValueError("'path' would find the files of 'archive' again")
        return self

    def reads(self) -> str:
        return self.path

    def state(self, extraction: Extraction) -> str | None:
        """The names and versions of the files."""
        return repr([(file.name, file.version) for file in self.files(extraction)])

    def extract(self, extraction: Extraction) -> Extracted:
        files = self.files(extraction)
        if not files and not self.may_be_empty:
            raise DataMissingError(
                f"no file matches '{self._pattern(extraction.interval)}' "
                f"in connection '{self.connection}'",
                hint="if that is right, write `may_be_empty: true`",
            )
        self.fetch(extraction, files)
        extracted = self.into_parquet(extraction, files) if files else Extracted(0, 0)
        if not extraction.folder.files("data"):
            self._write_empty(extraction)
        if files and extracted.read == 0 and not self.may_be_empty:
            raise DataMissingError(
                f"the files of '{self._pattern(extraction.interval)}' have no rows",
                hint="if that is right, write `may_be_empty: true`",
            )
        return replace(extracted, files=tuple((file.name, file.version) for file in files))

    def into_parquet(self, extraction: Extraction, files: Sequence[File]) -> Extracted:
        """Write the rows of files as Parquet into the folder's `data`, with the declared columns.

        Write rows that cannot be read to its `rejected`. If no row is kept, no file is needed.

        :param files: one or more files, each of them on this machine at its `path`.
        :raises StepError: a file cannot be read at all.
        """
        raise NotImplementedError

    def files(self, extraction: Extraction) -> list[File]:
        """The files of the data interval, sorted by name, including those already archived."""
        here, place, root = extraction.folder.path / FETCHED, _place(extraction), extraction.root
        files = self.present(place, root, extraction.interval, here)
        present = {file.name for file in files}
        files += [
            place.moved_file(root, name, version, f"{self.archive}{name}", here)
            for name, version in extraction.archived
            if name not in present
        ]
        return sorted(files, key=lambda file: file.name)

    def present(self, place: Files, root: Path, interval: DataInterval, here: Path) -> list[File]:
        """The files of a data interval that exist now.

        :param root: the project's folder.
        :param here: the folder for copies of the files on this machine.
        """
        return place.files(root, self._pattern(interval), here)

    def fetch(self, extraction: Extraction, files: Sequence[File]) -> None:
        """Bring files to this machine, each to its `path`.

        :raises RetryableError: a file changed after it was listed, or the place does not answer.
        """
        _place(extraction).fetch(files)

    def _pattern(self, interval: DataInterval) -> str:
        try:
            return render_text(self.path, text_values(interval))
        except TemplateError as error:
            raise StepError(f"the path '{self.path}' does not render: {error}") from error

    def _write_empty(self, extraction: Extraction) -> None:
        """Write a file without rows, because SQL takes the columns of a relation from its files."""
        columns = ", ".join(
            f"CAST(NULL AS {column.type.duckdb}) AS {quote(column.name)}" for column in self.columns
        )
        part = extraction.folder.part("data") / EMPTY_PART
        write_parquet(extraction.session, f"SELECT {columns} LIMIT 0", part, text=False)


def _place(extraction: Extraction) -> Files:
    return cast(Files, extraction.connection)
