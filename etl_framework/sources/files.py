"""Sources that are files of any format: find them by a pattern, wait, fetch and archive them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from itertools import chain, count
from pathlib import Path
from typing import cast

from jinja2 import TemplateError
from pydantic import Field, field_validator, model_validator

from etl_framework.connections.files import File, Files
from etl_framework.errors import DataMissingError, StepError
from etl_framework.interval import DataInterval, Span
from etl_framework.model import wrong_at
from etl_framework.sources.base import Extracted, Extraction, Source
from etl_framework.sources.read_files import ReadFiles
from etl_framework.sql.quote import quote
from etl_framework.sql.templates import names_interval, render_text, text_values
from etl_framework.storage.parquet import write_parquet

EMPTY_PART = "empty.parquet"


class FilesSource(Source):
    """Files that a pattern matches. A format is a subclass with a `type` and `into_parquet`."""

    accepts = Files

    path: str = Field(
        examples=["streaming-data/*", "events/{{ interval.date }}/*"],
        description="Files, with `*` for any name and the data interval where it belongs: "
        "`streaming-data/{{ interval.date }}/*`.",
    )
    exclude: list[str] = Field(
        [],
        examples=[["_SUCCESS", "*.crc"]],
        description="Names of files that are left out, with `*` for any text.",
    )
    archive: str | None = Field(
        None,
        description="Where files go once what was made of them is published, for example"
        " `processed/`; a second file of one name gets a folder of its own there. They stay where"
        " they are if not given.",
    )
    new_files: bool = Field(
        False,
        description="Each file is read once: a data interval reads the files that none has read"
        " before, and a rerun of it the same ones. Its path names no interval.",
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

    @model_validator(mode="after")
    def _new_files_of_all(self) -> FilesSource:
        if self.new_files and names_interval(self.path):
            raise wrong_at("'path' says already which files an interval reads", "new_files")
        if self.new_files and self.archive:
            raise wrong_at("files with an 'archive' are read once already", "new_files")
        return self

    def by_interval(self) -> bool | None:
        if self.new_files or names_interval(self.path):
            return True
        return None if self.archive else False  # those that came since the last run, or all

    def reads_once(self) -> bool:
        return self.new_files

    def reads(self) -> str:
        return self.path

    def state(self, extraction: Extraction) -> str | None:
        """The names and versions of the files."""
        return repr([(file.name, file.version) for file in self.files(extraction)])

    def extract(self, extraction: Extraction) -> Extracted:
        files = self.files(extraction)
        self.refuse_gone(extraction, files)
        if not files and not self.may_be_empty:
            new = "new " if self.new_files else ""
            raise DataMissingError(
                f"no {new}file matches '{self._pattern(extraction.interval)}' "
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
        return with_files(extracted, files)

    def into_parquet(self, extraction: Extraction, files: Sequence[File]) -> Extracted:
        """Write the rows of files as Parquet into the folder's `data`, with the declared columns.

        Write rows that cannot be read to its `rejected`. If no row is kept, no file is needed.

        :param files: one or more files, each of them on this machine at its `path`.
        :raises StepError: a file cannot be read at all.
        """
        raise NotImplementedError

    def files(self, extraction: Extraction) -> list[File]:
        """The files of the data interval, sorted by name, including those already archived.

        If another file came in the place of an archived one, the archived one is of this interval,
        unless the interval is in the path: then the other one is a new delivery of it.
        """
        here, place, root = extraction.folder.fetched, _place(extraction), extraction.root
        present = self.present(place, root, extraction.interval, here, extraction.read_files)
        files = {file.name: file for file in present}
        every_interval = self._pattern(extraction.interval) == self.path
        for file in extraction.archived:
            now = files.get(file.name)
            if now is None or (every_interval and now.version != file.version):
                moved = place.moved_file(root, file.name, file.version, file.place, here)
                files[file.name] = moved
        return [files[name] for name in sorted(files)]

    def refuse_gone(self, extraction: Extraction, files: Sequence[File]) -> None:
        """Refuse files that are not in the archive any more as this interval read them.

        :raises DataMissingError: a file is gone, or another one is in its place.
        """
        read = extraction.read_files
        if gone := read.gone(files) if read else []:
            raise DataMissingError(
                f"the file '{gone[0]}' of this data interval is gone",
                hint="put it back; the tables are as the last run left them",
            )
        known = {file.name: file for file in extraction.archived}
        for file in (file for file in files if file.moved):
            version = _place(extraction).version_of(extraction.root, file.moved)
            if not known[file.name].is_still(version):
                what = "is not there" if version is None else "is another file by now"
                raise DataMissingError(
                    f"the file '{file.name}' of this data interval is gone: '{file.moved}', where "
                    f"it was archived, {what}",
                    hint=f"put it back to '{file.moved}'; the tables are as the last run left them",
                )

    def as_now(self, extraction: Extraction, files: Sequence[File]) -> list[File] | None:
        """Files that were read before, where they are now; None if one is gone or has changed."""
        now = {(file.name, file.version): file for file in self.files(extraction)}
        try:
            found = [now[file.name, file.version] for file in files]
            self.refuse_gone(extraction, found)
        except (KeyError, DataMissingError):
            return None
        return found

    @property
    def archived_path(self) -> str:
        """The pattern of the names that files have in the archive."""
        folder, slash, name = self.path.rpartition("/")
        return f"{self.archive}{folder}{slash}*{name}"

    def free_place(self, place: Files, root: Path, name: str, version: str) -> str:
        """Return the name that a file gets in the archive, which no file there has.

        :param version: the version of the file.
        """
        folder, slash, last = f"{self.archive}{name}".rpartition("/")
        digest = hashlib.sha256(version.encode()).hexdigest()[:8]
        # done/in/export.csv, done/in/5f2c8e01/export.csv, done/in/5f2c8e01-2/export.csv
        marks = chain(["", f"{digest}/"], (f"{digest}-{number}/" for number in count(2)))
        names = (f"{folder}{slash}{mark}{last}" for mark in marks)
        return next(name for name in names if place.version_of(root, name) is None)

    def present(
        self,
        place: Files,
        root: Path,
        interval: DataInterval,
        here: Path,
        read: ReadFiles | None = None,
    ) -> list[File]:
        """The files of a data interval that exist now.

        :param root: the project's folder.
        :param here: the folder for copies of the files on this machine.
        :param read: the files that were published, if the source reads each file once.
        """
        found = place.files(root, self._pattern(interval), here)
        files = [file for file in found if not self._is_excluded(file.name.rpartition("/")[2])]
        return read.of_interval(files) if read else files

    def _is_excluded(self, name: str) -> bool:
        return any(fnmatchcase(name, pattern) for pattern in self.exclude)

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


def with_files(extracted: Extracted, files: Sequence[File]) -> Extracted:
    """What was extracted, with the files that it came from and when the newest was written."""
    read = tuple((file.name, file.version) for file in files)
    arrived = max((file.modified for file in files), default="")
    return replace(extracted, files=read, arrived=arrived)


def _place(extraction: Extraction) -> Files:
    return cast(Files, extraction.connection)
