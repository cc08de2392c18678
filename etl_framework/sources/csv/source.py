"""Rows of CSV files, read with their types; a row that does not parse is rejected, not lost."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Annotated, Literal

from pydantic import Field, StringConstraints, field_validator, model_validator

from etl_framework.connections.files import File
from etl_framework.sources.base import Extracted, Extraction, Origin
from etl_framework.sources.csv.columns import TextColumns
from etl_framework.sources.csv.dialect import Dialect
from etl_framework.sources.csv.header import Header, header_of
from etl_framework.sources.csv.origins import origins, remembered
from etl_framework.sources.csv.read import CsvRead
from etl_framework.sources.files import FilesSource
from etl_framework.sql.text_form import TextForm

OneCharacter = Annotated[str, StringConstraints(min_length=1, max_length=1, pattern=r"[^\r\n\x00]")]


class CsvSource(FilesSource):
    """CSV files with a header; columns are found by name, in any order."""

    type: Literal["csv"]
    path: str = Field(
        examples=["streaming-data/*.csv", "events/{{ interval.date }}/*.csv"],
        description="Files, with `*` for any name and the data interval where it belongs: "
        "`streaming-data/{{ interval.date }}/*.csv`.",
    )
    columns: TextColumns = Field(  # type: ignore[assignment]
        min_length=1, description="The columns to read, with their types."
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

    skip: int = Field(
        0, ge=0, description="Lines before the header, or before the first row without one."
    )
    footer: int = Field(
        0, ge=0, description="Lines behind the last row, such as a total; blank ones do not count."
    )
    comment: OneCharacter | Literal[""] = Field(
        "", description="At the start of lines that are no rows, for example `#`."
    )
    trim: bool = Field(
        False, description="Spaces around a value do not belong to it; one of spaces is none."
    )
    decimal_separator: OneCharacter = Field(".", description="Before the fraction of a number.")
    thousands_separator: OneCharacter | Literal[""] = Field(
        "", description="Between groups of three digits of a number; empty for none."
    )
    true_values: list[str] = Field(
        [], description="Texts that mean true; with `false_values`, no others are booleans."
    )
    false_values: list[str] = Field([], description="Texts that mean false.")

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

    @model_validator(mode="after")
    def _forms_differ(self) -> CsvSource:
        if self.decimal_separator == self.thousands_separator:
            raise ValueError("'decimal_separator' and 'thousands_separator' are two characters")
        if bool(self.true_values) != bool(self.false_values):
            raise ValueError("give both 'true_values' and 'false_values', or neither")
        if both := sorted({*self.true_values} & {*self.false_values}):
            raise ValueError(f"'{both[0]}' cannot mean both true and false")
        return self

    @property
    def form(self) -> TextForm:
        """How the files write numbers, booleans and moments."""
        formats = ((column.name, column.format) for column in self.columns)
        return TextForm(
            self.decimal_separator,
            self.thousands_separator,
            tuple(self.true_values),
            tuple(self.false_values),
            tuple((name, format_) for name, format_ in formats if format_),
        )

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
            self.skip,
            self.footer,
            self.comment,
            self.trim,
            self.form,
        )

    def into_parquet(self, extraction: Extraction, files: Sequence[File]) -> Extracted:
        declared = [column.name for column in self.columns]
        by_header: dict[Header, list[File]] = {}
        for file in files:
            if header := header_of(file, self.columns, self.dialect):
                by_header.setdefault(header, []).append(file)
        extracted = CsvRead(self.columns, self.dialect, extraction).into_parquet(by_header)
        names = dict.fromkeys(name for header in by_header for name in header if name)
        return replace(extracted, new_columns=tuple(n for n in names if n not in declared))

    def origins(
        self, extraction: Extraction, part: str, numbers: Iterator[int]
    ) -> Iterator[Origin]:
        """Where rows of a part came from; nothing if one of its files has changed."""
        known = remembered(extraction.folder.path, part)
        files = self.as_now(extraction, [read.file for read in known.files]) if known else None
        if known is None or files is None:
            return iter(())
        self.fetch(extraction, files)
        reads = [replace(read, file=file) for read, file in zip(known.files, files, strict=True)]
        return origins(replace(known, files=reads), numbers, self.dialect)
