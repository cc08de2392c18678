"""How a run's rows become part of a table: a class for every strategy.

Other packages add theirs through the entry-point group `etl_framework.strategies`.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar

from etl_framework.checks.primary_key import PrimaryKey
from etl_framework.errors import ConfigError
from etl_framework.interval import DataInterval
from etl_framework.plugins import STRATEGIES as GROUP
from etl_framework.plugins import loaded, registered
from etl_framework.sql.quote import names, quote, quote_table
from etl_framework.targets import ledger
from etl_framework.targets.ledger import LedgerEntry, Statement

if TYPE_CHECKING:
    from etl_framework.targets.load import Load
    from etl_framework.targets.target import Target


@dataclass(frozen=True)
class Limit:
    """Rows that a strategy refuses, since the same run, repeated, would not replace them.

    :param count: a query that counts them in the stage, with `?` for `values`.
    :param what: what they are, as it goes on after `12 rows`.
    """

    count: str
    values: tuple[Any, ...]
    what: str
    hint: str


class Strategy(ABC):
    """How a run's rows become part of a table. The docstring of each says what a run does.

    Its statements are the same on every warehouse, with `?` for values. Deleting is always DELETE,
    for TRUNCATE commits in Redshift.
    """

    name: ClassVar[str]
    # The keys of the target that it needs.
    keys: ClassVar[tuple[str, ...]] = ()
    # Whether the table depends on which of two runs ended last.
    last_wins: ClassVar[bool] = False
    # Whether the table holds the rows of the newest run alone.
    holds_newest: ClassVar[bool] = False
    # Whether a run of a data interval that was published before replaces that interval's rows.
    replaces: ClassVar[bool] = True

    def limits(self, load: Load, stage: str, interval: DataInterval) -> Iterator[Limit]:
        """What the rows in the stage have to keep, so that a run can be repeated."""
        return iter(())

    @abstractmethod
    def statements(self, load: Load, stage: str, entry: LedgerEntry) -> list[Statement]:
        """What brings the rows of the stage into the target, in order."""

    def unused(self, target: Target, key: str) -> tuple[str, str] | None:
        """Why the statements cannot use a key of the table's layout, and what to write.

        :param key: `sort_key` or `dist_key`.
        """
        return None


class Append(Strategy):
    """The rows are added, once per data interval: the ledger tells whether they were."""

    name = "append"
    replaces = False

    def statements(self, load: Load, stage: str, entry: LedgerEntry) -> list[Statement]:
        unknown = (
            f" WHERE NOT EXISTS (SELECT 1 FROM {quote(ledger.TABLE)} WHERE {ledger.OF_INTERVAL} "
            "AND POSITION(? IN targets) > 0)"
        )
        table = json.dumps({"table": load.target.table})[1:-1]
        return [(_insert(load, stage) + unknown, (*entry.of_interval, table))]


class Replace(Strategy):
    """The rows are the table."""

    name = "replace"
    last_wins = holds_newest = True

    def statements(self, load: Load, stage: str, entry: LedgerEntry) -> list[Statement]:
        return [(f"DELETE FROM {quote_table(load.target.table)}", ()), (_insert(load, stage), ())]


class Merge(Strategy):
    """The rows take the place of those with the same `unique_key`."""

    name = "merge"
    keys = ("unique_key",)
    last_wins = True

    def limits(self, load: Load, stage: str, interval: DataInterval) -> Iterator[Limit]:
        check = PrimaryKey(type="primary_key", columns=load.target.unique_key)
        yield Limit(
            f"SELECT COALESCE(SUM(failing), 0) FROM ({check.groups(quote(stage))}) AS keys",
            (),
            f"for {load.target.table} have no unique_key of their own",
            f"give one row for each {', '.join(load.target.unique_key)}, never empty",
        )

    def statements(self, load: Load, stage: str, entry: LedgerEntry) -> list[Statement]:
        table, staged = quote_table(load.target.table), quote(stage)
        same = " AND ".join(
            f"{table}.{quote(key)} = {staged}.{quote(key)}" for key in load.target.unique_key
        )
        delete = f"DELETE FROM {table} USING {staged} WHERE {same}"
        return [(delete, ()), (_insert(load, stage), ())]

    def unused(self, target: Target, key: str) -> tuple[str, str] | None:
        if key != "dist_key" or target.dist_key in target.unique_key:
            return None
        joined = ", ".join(target.unique_key)
        why = f"each run joins by {joined}, and rows lie by another column"
        return why, f"write dist_key: {target.unique_key[0]}"


class DeleteInsert(Strategy):
    """The rows take the place of those of the data interval, by `incremental_key`."""

    name = "delete+insert"
    keys = ("incremental_key",)

    def limits(self, load: Load, stage: str, interval: DataInterval) -> Iterator[Limit]:
        key = quote(str(load.target.incremental_key))
        yield Limit(
            f"SELECT COUNT(*) FROM {quote(stage)} WHERE {key} IS NULL OR {key} < ? OR {key} >= ?",
            load.bounds(interval),
            f"for {load.target.table} have a {key} outside of {interval}",
            "select only the interval's rows: WHERE ... >= {{ interval.start }} "
            "AND ... < {{ interval.end }}",
        )

    def statements(self, load: Load, stage: str, entry: LedgerEntry) -> list[Statement]:
        key = quote(str(load.target.incremental_key))
        delete = f"DELETE FROM {quote_table(load.target.table)} WHERE {key} >= ? AND {key} < ?"
        return [(delete, load.bounds(entry.interval)), (_insert(load, stage), ())]

    def unused(self, target: Target, key: str) -> tuple[str, str] | None:
        column = target.incremental_key
        if key != "sort_key" or column in target.sort_key:
            return None
        why = f"each run deletes by '{column}', which the table is not sorted by: it reads all"
        return why, f"write sort_key: [{column}]"


STRATEGIES: dict[str, Strategy] = {kind.name: kind() for kind in Strategy.__subclasses__()}


def strategy_names() -> tuple[str, ...]:
    """The strategies there are: those of this file, then those that packages register."""
    return tuple(dict.fromkeys([*STRATEGIES, *(entry.name for entry in registered(GROUP))]))


@cache
def strategy(name: str) -> Strategy:
    """A strategy by the name that targets give it; a package's is loaded when one asks for it.

    :raises ConfigError: the package that registers it does not load, or registers something else.
    """
    if name in STRATEGIES:
        return STRATEGIES[name]
    entry = next(entry for entry in registered(GROUP) if entry.name == name)
    kind = loaded(entry)
    if not (isinstance(kind, type) and issubclass(kind, Strategy) and kind.name == name):
        raise ConfigError(
            f"plug-in '{name}' ({entry.value}) is no strategy of this name",
            hint=f"register a class below Strategy whose name is '{name}'",
        )
    return kind()


def _insert(load: Load, stage: str) -> str:
    columns = names([column.name for column in load.columns])
    table = quote_table(load.target.table)
    return f"INSERT INTO {table} ({columns}) SELECT {columns} FROM {quote(stage)}"
