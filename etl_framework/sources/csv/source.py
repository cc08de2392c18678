"""Rows of CSV files, read with their types; a row that does not parse is rejected, not lost."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Annotated, Literal

from pydantic import Field, StringConstraints, field_validator, model_validator

from etl_framework.connections.files import File
from etl_framework.sources.base import Extracted, Extraction, Origin
from etl_framework.sources.csv.dialect import Dialect
from etl_framework.sources.csv.origins import origins, remembered
from etl_framework.sources.csv.read import CsvRead
from etl_framework.sources.csv.records import Header, header_of
from etl_framework.sources.files import FilesSource

OneCharacter = Annotated[str, StringConstraints(min_length=1, max_length=1, pattern=r"[^\r\n\x00]")]


class CsvSource(FilesSource):
    """CSV files with a header; columns are found by name, in any order."""

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
    null_values: list[str] = Field(
        [], description="Texts that mean no value when not quoted; an empty text always does."
    )

    @field_validator("encoding")
    @classmethod
    def _known(cls, value: str) -> str:
        try:
            "a".encode(value)  # Python looks up no encoding for an empty text
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

    def into_parquet(self, extraction: Extraction, files: Sequence[File]) -> Extracted:
        declared = [column.name for column in self.columns]
        by_header: dict[Header, list[File]] = {}
        for file in files:
            by_header.setdefault(header_of(file, declared, self.dialect), []).append(file)
        extracted = CsvRead(self.columns, self.dialect, extraction).into_parquet(by_header)
        names = dict.fromkeys(name for header in by_header for name in header if name)
        return replace(extracted, new_columns=tuple(n for n in names if n not in declared))

    def origins(
        self, extraction: Extraction, part: str, numbers: Iterator[int]
    ) -> Iterator[Origin]:
        """Where rows of a part came from; nothing if one of its files has changed."""
        known = remembered(extraction.folder.path, part)
        if not known or not {read.file for read in known.files} <= set(self.files(extraction)):
            return iter(())
        self.fetch(extraction, [read.file for read in known.files])
        return origins(known, numbers, self.dialect)
