"""Rows of CSV files, read with their types; a row that does not parse is rejected, not lost."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Literal, cast

from jinja2 import TemplateError
from pydantic import Field, StringConstraints, field_validator, model_validator

from etl_framework.connections.files import File, Files
from etl_framework.errors import DataMissingError, StepError
from etl_framework.interval import DataInterval
from etl_framework.sources.base import Extracted, Extraction, Origin, Source
from etl_framework.sources.csv_dialect import Dialect
from etl_framework.sources.csv_files import Header, header_of
from etl_framework.sources.csv_origins import origins, remembered
from etl_framework.sources.csv_read import CsvRead
from etl_framework.span import Span
from etl_framework.sql.templates import render_text, text_values
from etl_framework.storage.staging import FETCHED

OneCharacter = Annotated[str, StringConstraints(min_length=1, max_length=1, pattern=r"[^\r\n\x00]")]


class CsvSource(Source):
    """CSV files with a header; columns are found by name, in any order."""

    accepts = Files

    type: Literal["csv"]
    path: str = Field(
        examples=["streaming-data/*.csv", "events/{{ interval.date }}/*.csv"],
        description="Files, with `*` for any name and the data interval where it belongs: "
        "`streaming-data/{{ interval.date }}/*.csv`.",
    )
    delimiter: OneCharacter = Field(",", description="Between two values.")
    quote: OneCharacter | Literal[""] = Field('"', description="Around values; empty for none.")
    escape: OneCharacter | Literal[""] = Field(
        "", description="Before a character that is meant as such; a doubled quote always is one."
    )
    encoding: str = Field("utf-8", description="`utf-8`, `latin-1`, `cp1252`, `utf-16`, ...")
    header: bool = Field(
        True,
        description="Whether the first line names the columns; without, they come as declared.",
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
    null_values: list[str] = Field(
        [], description="Texts that mean no value when not quoted; an empty text always does."
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
    def _archive_is_elsewhere(self) -> CsvSource:
        if self.archive and (self.path.startswith((self.archive, "*", "{"))):
            raise ValueError("'path' would find the files of 'archive' again")
        return self

    @field_validator("encoding")
    @classmethod
    def _known(cls, value: str) -> str:
        try:
            b"".decode(value)
        except LookupError as error:
            raise ValueError(f"unknown encoding '{value}'; for example utf-8, latin-1") from error
        return value

    @model_validator(mode="after")
    def _characters_differ(self) -> CsvSource:
        marks = [mark for mark in (self.delimiter, self.quote, self.escape) if mark]
        if len(set(marks)) < len(marks):
            raise ValueError("'delimiter', 'quote' and 'escape' are three different characters")
        return self

    @property
    def dialect(self) -> Dialect:
        """How the files are written."""
        return Dialect(
            self.delimiter,
            self.quote,
            self.escape,
            self.encoding,
            self.header,
            tuple(self.null_values),
        )

    def state(self, extraction: Extraction) -> str | None:
        """The files with their sizes and times of change."""
        return repr([(file.name, file.version) for file in self.files(extraction)])

    def extract(self, extraction: Extraction) -> Extracted:
        files = self.files(extraction)
        if not files:
            if self.may_be_empty:
                return self._read(extraction, {})
            raise DataMissingError(
                f"no file matches '{self._pattern(extraction.interval)}' "
                f"in connection '{self.connection}'",
                hint="if that is right, write `may_be_empty: true`",
            )
        _place(extraction).fetch(files)
        by_header: dict[Header, list[File]] = {}
        wanted = [column.name for column in self.columns]
        for file in files:
            by_header.setdefault(header_of(file, wanted, self.dialect), []).append(file)
        extracted = self._read(extraction, by_header)
        known = dict.fromkeys(name for header in by_header for name in header if name)
        extracted = replace(
            extracted,
            new_columns=tuple(n for n in known if n not in wanted),
            files=tuple((file.name, file.version) for file in files),
        )
        if extracted.read == 0 and not self.may_be_empty:
            raise DataMissingError(
                f"the files of '{self._pattern(extraction.interval)}' have no rows",
                hint="if that is right, write `may_be_empty: true`",
            )
        return extracted

    def origins(
        self, extraction: Extraction, part: str, numbers: Iterator[int]
    ) -> Iterator[Origin]:
        """Where rows of a part came from; nothing when one of its files has changed."""
        found = remembered(extraction.folder.path, part)
        if not found or not {read.file for read in found.files} <= set(self.files(extraction)):
            return iter(())
        _place(extraction).fetch([read.file for read in found.files])
        return origins(found, numbers, self.dialect)

    def _read(self, extraction: Extraction, by_header: dict[Header, list[File]]) -> Extracted:
        read = CsvRead(self.columns, self.dialect, extraction)
        return read.into_parquet(by_header)

    def files(self, extraction: Extraction) -> list[File]:
        """The files of the data interval, sorted by name."""
        here, place, root = extraction.folder.path / FETCHED, _place(extraction), extraction.root
        found = self.present(place, root, extraction.interval, here)
        known = {file.name for file in found}
        found += [
            place.moved_file(root, name, version, f"{self.archive}{name}", here)
            for name, version in extraction.archived
            if name not in known
        ]
        return sorted(found, key=lambda file: file.name)

    def present(self, place: Files, root: Path, interval: DataInterval, here: Path) -> list[File]:
        """The files of a data interval that are there now.

        :param root: the project's folder.
        :param here: where they go when they are brought to this machine.
        """
        return place.files(root, self._pattern(interval), here)

    def _pattern(self, interval: DataInterval) -> str:
        try:
            return render_text(self.path, text_values(interval))
        except TemplateError as error:
            raise StepError(f"the path '{self.path}' does not render: {error}") from error


def _place(extraction: Extraction) -> Files:
    return cast(Files, extraction.connection)
