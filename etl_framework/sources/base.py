"""The base of all sources, which bring rows from elsewhere into staging as Parquet."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field

from etl_framework.checks.base import Check
from etl_framework.checks.threshold import Threshold
from etl_framework.columns import Column
from etl_framework.connections.base import Connection
from etl_framework.interval import DataInterval, Span
from etl_framework.model import Model, Name
from etl_framework.plugins import below, one_of
from etl_framework.sources.columns import MaskedColumns
from etl_framework.sources.read_files import ReadFiles
from etl_framework.sql.text_form import USUAL, TextForm
from etl_framework.storage.archive import Archived
from etl_framework.storage.step_folder import StepFolder

if TYPE_CHECKING:
    import duckdb

    AnyCheck = Check


# All changes there ever were.
ALL = "all"


@dataclass(frozen=True)
class Extraction:
    """What a source is given to do its work.

    :param root: the project's folder.
    :param run: an id that no other run has.
    :param folder: the folder that the rows are, or were, written to.
    :param session: a DuckDB connection with limited memory, for this step only.
    :param on_cancel: to be called with a function that stops what is running, for Ctrl-C.
    :param archived: the files that a run of this interval read and moved.
    :param since: where the last published interval before this one ended; None if there is none,
        or the source does not give changes.
    :param read_files: the files that were published, for a source that reads each file once.
    """

    source: str
    run: str
    interval: DataInterval
    connection: Connection
    root: Path
    folder: StepFolder
    session: duckdb.DuckDBPyConnection
    on_cancel: Callable[[Callable[[], Any]], None] = lambda cancel: None
    archived: tuple[Archived, ...] = ()
    since: datetime | None = None
    read_files: ReadFiles | None = None


@dataclass(frozen=True)
class Extracted:
    """How many rows a source gave: `read = kept + rejected`.

    :param new_columns: the columns that exist but are not declared.
    :param files: the files that were read, with their versions.
    :param warnings: what else the user is told, each with the name that its result gets.
    :param since: from when on changes were read, as ISO 8601, or ALL; empty if not by changes.
    :param arrived: when the newest file was written, as ISO 8601; empty if nobody can tell.
    :param forgotten: rows that were left out, as `etl forget` was told; they do not count as read.
    """

    kept: int
    rejected: int
    new_columns: tuple[str, ...] = ()
    files: tuple[tuple[str, str], ...] = ()
    warnings: tuple[tuple[str, str], ...] = ()
    since: str = ""
    arrived: str = ""
    forgotten: int = 0

    @property
    def read(self) -> int:
        """The number of all rows, kept or rejected."""
        return self.kept + self.rejected


@dataclass(frozen=True)
class Origin:
    """Where one row of a part of the relation came from.

    :param number: the row's number in its part, from 0.
    :param text: the row as it stands in the file; None if that must not be seen.
    """

    number: int
    file: str
    line: int
    text: str | None


class Source(Model):
    """Where rows come from, what they look like, and which rules they keep."""

    description: str = Field("", description="What the rows are.")
    accepts: ClassVar[type[Connection]] = Connection

    connection: Name = Field(description="Where the rows are, a name in `environments.yml`.")
    columns: MaskedColumns = Field(
        min_length=1, description="The columns to read, with their types."
    )
    checks: list[AnyCheck] = Field([], description="Rules that the rows keep.")
    max_rejected: Threshold = Field(
        "1%",
        validate_default=True,
        description='Stop when more rows than this are rejected, for example `"1%"` or `"100"`.',
    )
    may_be_empty: bool = Field(False, description="No rows at all are no error.")
    may_be_newer: bool = Field(
        False,
        description="Rows of a past data interval are meant to be joined with these as they are"
        " today: they hardly change, or nobody has their history. Else lint warns.",
    )

    on_new_column: Literal["ignore", "warn", "fail"] = Field(
        "ignore", description="What a column that is there and not declared does to a run."
    )

    @property
    def form(self) -> TextForm:
        """How the texts of rejected rows write their values, and corrections of them."""
        return USUAL

    @property
    def staged(self) -> list[Column]:
        """The columns as they lie in staging: masked, and without those that are dropped."""
        return [column.staged for column in self.columns if column.mask != "drop"]

    @property
    def is_masked(self) -> bool:
        """Whether values of a column are masked before they lie in staging."""
        return any(column.is_masked for column in self.columns)

    def by_interval(self) -> bool | None:
        """Whether it gives the rows of the data interval alone; None if nobody can tell."""
        return None

    def reads(self) -> str:
        """The name of the table or path that it reads; empty if there is no such name."""
        return ""

    def gives_changes(self) -> bool:
        """Return whether a row is read again in each data interval in which it has changed."""
        return False

    def reads_once(self) -> bool:
        """Return whether each of its files is read by one data interval, as the ledger lists."""
        return False

    def looks_back(self) -> Span | None:
        """How far back a run looks for rows that came late; not at all if None."""
        return None

    def rows_of(
        self, connection: Connection, root: Path, intervals: Sequence[DataInterval]
    ) -> list[int] | None:
        """How many rows each data interval has now, kept or rejected; None if nobody can tell.

        :param root: the project's folder.
        :raises RetryableError: the connection was lost.
        """
        return None

    def state(self, extraction: Extraction) -> str | None:
        """A text for the rows that `extract` would give now: equal texts mean equal rows.

        None if there is no such text; then the source is always read again.
        """
        return None

    def extract(self, extraction: Extraction) -> Extracted:
        """Write the interval's rows to `folder`: good ones to `data`, others to `rejected`.

        :raises DataMissingError: there is no data, no such table or no such column.
        :raises RetryableError: the connection was lost.
        """
        raise NotImplementedError

    def origins(
        self, extraction: Extraction, part: str, numbers: Iterator[int]
    ) -> Iterator[Origin]:
        """Where rows of a part came from; rows are left out if that is not known.

        :param part: a file that `extract` wrote to `data`.
        :param numbers: the numbers of the rows in that file, from 0, ascending.
        """
        return iter(())


if not TYPE_CHECKING:
    # Last: a package that brings checks may bring sources too, which are made from what is above.
    AnyCheck = one_of(Check)
    for source in (Source, *below(Source)):
        source.model_rebuild(force=True, _types_namespace={"AnyCheck": AnyCheck})
