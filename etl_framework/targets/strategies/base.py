"""How a run's rows become part of a table: the base of all strategies."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from etl_framework.columns import Column, ColumnType
from etl_framework.errors import Diagnostic, StepError
from etl_framework.interval import DataInterval
from etl_framework.sql.quote import names, quote, quote_table
from etl_framework.targets import ledger
from etl_framework.targets.ledger import LedgerEntry, Statement

if TYPE_CHECKING:
    from etl_framework.targets.load import Load
    from etl_framework.targets.target import Target

RowsOf = Literal["interval", "all", "any"]
INTERVAL_COLUMN = "etl_interval_start"


@dataclass(frozen=True)
class Guard:
    """Rows that a strategy refuses, looked for in the transaction before anything changes.

    :param count: a query that counts them, with `?` for `values`.
    :param problem: what is wrong, with `{rows}` for their number.
    :param place: where the pipeline's file declares the KPI: path, line, column.
    """

    count: str
    values: tuple[Any, ...]
    problem: str
    hint: str
    place: tuple[str, int, int] = ("", 0, 0)

    def diagnostic(self, rows: int) -> Diagnostic:
        """What refuses that many of them."""
        message = self.problem.replace("{rows}", f"{rows:,}")
        return Diagnostic(*self.place, StepError.code, message, self.hint)


class Strategy(ABC):
    """How a run's rows become part of a table. The docstring of each says what a run does.

    Its statements are the same on every warehouse, with `?` for values. Deleting is always DELETE,
    for TRUNCATE commits in Redshift.
    """

    name: ClassVar[str]
    # The keys of the target that it needs.
    keys: ClassVar[tuple[str, ...]] = ()
    # What can become of a row that a run does not give: the values of `on_missing`.
    missing: ClassVar[tuple[str, ...]] = ()
    # What a run has to bring: the rows of its data interval, all rows that there are, or either.
    rows_of: ClassVar[RowsOf] = "any"
    # Whether the table holds the rows of the newest run alone.
    holds_newest: ClassVar[bool] = False
    # Whether each row says in a column of ours which data interval it came from.
    marks_rows: ClassVar[bool] = False
    # Whether the table says of all rows that there are, that they were so in the data interval.
    dates_all_rows: ClassVar[bool] = False

    def last_wins(self, target: Target) -> bool:
        """Whether the table depends on which of two runs ended last."""
        return self.holds_newest

    def replaces(self, target: Target) -> bool:
        """Whether a run of a data interval that was published before replaces its rows."""
        return True

    def restates(self, target: Target) -> bool:
        """Whether the rows of a past data interval can be replaced, and no others."""
        return self.replaces(target)

    def keeps_intervals(self, target: Target) -> bool:
        """Whether the table keeps the rows of every data interval, and tells them apart."""
        return False

    def history_columns(self, target: Target) -> tuple[Column, ...]:
        """The columns of a history, which say from when and until when a version was valid."""
        return ()

    def within(self, load: Load, time: DataInterval) -> Statement:
        """The condition for rows of data intervals that start within a time.

        It is asked only of a strategy that keeps data intervals.
        """
        return of_interval(load, time)

    def own_columns(self, target: Target) -> tuple[Column, ...]:
        """The columns that the table has behind those of the KPI."""
        if not (self.marks_rows and target.interval_column):
            return ()
        described = "Start of the data interval that the row came from."
        kind = ColumnType.parse("timestamptz")
        return (Column(name=target.interval_column, type=kind, description=described),)

    def guards(self, load: Load, stage: str, entry: LedgerEntry) -> Iterator[Guard]:
        """What the rows in the stage have to keep, so that a run can be repeated."""
        return iter(())

    @abstractmethod
    def statements(self, load: Load, stage: str, entry: LedgerEntry) -> list[Statement]:
        """What brings the rows of the stage into the target, in order; the last is an INSERT."""

    def inserted(self, load: Load, stage: str, entry: LedgerEntry) -> Statement:
        """A query for the number of rows that the statements have inserted, run after them."""
        return f"SELECT COUNT(*) FROM {quote(stage)}", ()

    def held(self, load: Load, interval: DataInterval) -> Statement:
        """A query for the number of rows in the target that a run of the interval would replace."""
        count = f"SELECT COUNT(*) FROM {quote_table(load.target.table)}"
        if not self.own_columns(load.target):
            return count, ()
        condition, values = of_interval(load, interval)
        return f"{count} WHERE {condition}", values

    def unused(self, target: Target, key: str) -> tuple[str, str] | None:
        """Why the statements cannot use a key of the table's layout, and what to write.

        :param key: `sort_key` or `dist_key`.
        """
        return None


def insert(
    load: Load, stage: str, entry: LedgerEntry, condition: Statement = ("", ())
) -> Statement:
    """The statement that inserts the stage's rows, with their data interval where it is kept.

    :param condition: what follows the stage, such as ` WHERE …`.
    """
    mark = load.target.loads_by.own_columns(load.target)
    columns = [column.name for column in load.columns]
    taken = ", ".join([names(columns), *("?" for _ in mark)])
    into = names([*columns, *(column.name for column in mark)])
    table, rest = quote_table(load.target.table), condition[0]
    values = (*(entry.interval.start for _ in mark), *condition[1])
    return f"INSERT INTO {table} ({into}) SELECT {taken} FROM {quote(stage)}{rest}", values


def of_interval(load: Load, interval: DataInterval) -> Statement:
    """The condition for rows of the target that came from a data interval.

    It holds also for rows of shorter intervals within it, which an earlier schedule had.
    """
    mark = quote(str(load.target.interval_column))
    return f"{mark} >= ? AND {mark} < ?", (interval.start, interval.end)


def keys_once(load: Load, stage: str, entry: LedgerEntry, hint: str) -> Iterator[Guard]:
    """That no row of the run has the key of a row that another data interval brought.

    A table that keeps data intervals apart had no key twice before; the run's own rows are checked.
    """
    table = quote_table(load.target.table)
    condition, values = load.target.loads_by.within(load, entry.interval)
    for keys in load.all_keys:
        there = (
            f"SELECT 1 FROM {table} WHERE {same_key(load, stage, keys)} "
            f"AND NOT COALESCE({condition}, FALSE)"
        )
        key = "primary key" if keys == load.primary_key else f"unique {', '.join(keys)}"
        yield Guard(
            f"SELECT COUNT(*) FROM {quote(stage)} WHERE EXISTS ({there})",
            values,
            f"rows for {load.target.table} have the {key} of a row of another data interval: "
            "{rows}",
            hint,
        )


def marked(load: Load, entry: LedgerEntry) -> Iterator[Guard]:
    """What keeps rows apart that know their data interval: no row is there that may be one of it.

    Rows of a table that got the column later know none, and a longer interval has rows of this one.
    """
    target = load.target
    table, mark = quote_table(target.table), quote(str(target.interval_column))
    named, values = ledger.naming(target.table)
    without, facts = ledger.naming(target.table, strategy=target.strategy, rows=0)
    condition, bounds = of_interval(load, entry.interval)
    listed = f"SELECT 1 FROM {quote(ledger.TABLE)} WHERE {ledger.OF_INTERVAL} AND {named}"
    yield Guard(
        f"SELECT COUNT(*) FROM {table} WHERE {mark} IS NULL "
        f"AND EXISTS ({listed} AND NOT ({without})) "
        f"AND NOT EXISTS (SELECT 1 FROM {table} WHERE {condition})",
        (*entry.of_interval, *values, *facts, *bounds),
        f"{target.table} got rows of {entry.interval} before rows knew their data interval, and "
        f"{{rows}} of its rows have no {target.interval_column}: these would be there twice",
        f"write the start of the interval into the {target.interval_column} of its rows, or "
        "`interval_column: false` to the target",
    )
    yield Guard(
        f"SELECT COUNT(*) FROM {quote(ledger.TABLE)} WHERE pipeline = ? AND interval_start < ? "
        f"AND interval_end > ? AND NOT (interval_start >= ? AND interval_end <= ?) AND {named} "
        f"AND NOT ({without}) AND EXISTS (SELECT 1 FROM {table})",
        (
            entry.pipeline,
            entry.interval.end,
            entry.interval.start,
            entry.interval.start,
            entry.interval.end,
            *values,
            *facts,
        ),
        f"{target.table} has rows of another data interval, which has a part of {entry.interval}: "
        "they would be there twice",
        "the schedule has changed since: run this time by the schedule that it was published with",
    )


def same_key(load: Load, stage: str, columns: Sequence[str]) -> str:
    """The condition that a row of the target and one of the stage have the same key."""
    table, staged = quote_table(load.table), quote(stage)
    return " AND ".join(f"{table}.{quote(key)} = {staged}.{quote(key)}" for key in columns)
