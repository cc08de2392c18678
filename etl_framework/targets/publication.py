"""What one transaction does to the targets of a connection, in order."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from etl_framework.columns import Column, ColumnType
from etl_framework.sql.quote import quote
from etl_framework.storage.outcome import CheckResult
from etl_framework.targets import files, ledger
from etl_framework.targets.checks import TargetCheck
from etl_framework.targets.ledger import LedgerEntry, Statement
from etl_framework.targets.load import Load
from etl_framework.targets.strategies import Guard
from etl_framework.targets.tables import Table
from etl_framework.targets.target import Target

if TYPE_CHECKING:
    from etl_framework.targets.earlier import Read

LONGEST = 63
WHAT = "Empty: runs lock it while they load the table of this name, which readers never wait for."


@dataclass(frozen=True)
class Publication:
    """One transaction.

    :param locked: tables of ours that are locked first, so that every other statement sees what
        other runs have committed before.
    :param guards: what is looked for before anything changes.
    :param changes: for each target its statements; the last of them inserts its rows.
    :param checks: what must be true of the targets then.
    :param entry: what is written into the ledger.
    :param read: what the run has read of tables, which must not have changed since.
    :param counted: for each target a query for the number of rows that it got.
    :param altered: targets that get other columns first.
    """

    locked: Sequence[str]
    guards: Sequence[Guard]
    changes: Sequence[Sequence[Statement]]
    checks: Sequence[TargetCheck]
    entry: LedgerEntry
    counted: Sequence[Statement]
    read: Sequence[Read] = ()
    altered: Sequence[Table] = ()

    def recorded(self, results: Sequence[CheckResult] = ()) -> list[Statement]:
        """The statements that write the ledger.

        :param results: those of the checks.
        """
        checks = (*self.entry.checks, *(result.facts() for result in results))
        entry = replace(self.entry, checks=checks)
        return [*entry.statements(self.counted), *files.statements(entry)]

    @classmethod
    def of(
        cls,
        loads: Sequence[Load],
        stages: Sequence[str],
        entry: LedgerEntry,
        read: Sequence[Read] = (),
    ) -> Publication:
        """What brings loads into their targets.

        :param stages: the relation in the database that holds the rows of each load.
        :param read: what the run has read of tables.
        """
        guards, changes, inserted = list(files.guards(entry)), [], []
        for load, stage in zip(loads, stages, strict=True):
            strategy = load.target.loads_by
            found = [*_only_once(load, entry), *strategy.guards(load, stage, entry)]
            guards += [replace(guard, place=load.place) for guard in found]
            changes.append(strategy.statements(load, stage, entry))
            inserted.append(strategy.inserted(load, stage, entry))
        locked = sorted({lock_name(load.target.table) for load in loads})
        checks = [check for load in loads for check in load.checks]
        return cls(locked, guards, changes, checks, entry, inserted, read)

    def guarded(self) -> list[Statement]:
        """One statement that divides by zero if a guard finds rows; none without guards.

        It is for transactions that are sent as a whole.
        """
        if not self.guards:
            return []
        found = " + ".join(f"guard_{n}.found" for n in range(len(self.guards)))
        rest, values = _from(self.guards)
        return [(f"SELECT 1 / CASE WHEN {found} > 0 THEN 0 ELSE 1 END {rest}", values)]


def found_by(guards: Sequence[Guard]) -> Statement:
    """One query for how many rows each guard finds."""
    listed = ", ".join(f"guard_{n}.found AS guard_{n}" for n in range(len(guards)))
    rest, values = _from(guards)
    return f"SELECT {listed} {rest}", values


def _from(guards: Sequence[Guard]) -> Statement:
    queries = ", ".join(f"({g.count}) AS guard_{n} (found)" for n, g in enumerate(guards))
    return f"FROM {queries}", tuple(value for guard in guards for value in guard.values)


def _only_once(load: Load, entry: LedgerEntry) -> Iterator[Guard]:
    """Another run that published the data interval, where the target forbids to do it again."""
    if load.target.restate == "never":
        named, values = ledger.naming(load.target.table)
        yield Guard(
            f"SELECT COUNT(*) FROM {quote(ledger.TABLE)} WHERE {ledger.OF_INTERVAL} "
            f"AND run_id <> ? AND {named}",
            (*entry.of_interval, entry.run_id, *values),
            f"{load.target.table} has the rows of {entry.interval}, and its target says "
            "`restate: never`",
            "leave it out: etl restate ... --select; or write `restate: allow`",
        )


def lock_name(table: str) -> str:
    """The name of the table that runs lock while they load a target.

    For example `etl_lock_kpis_genre` for `kpis_genre`.
    """
    name = f"etl_lock_{table.lower()}"
    if "." not in name and len(name) <= LONGEST:
        return name
    # Two targets never share one: mart.a_b and mart_a.b differ in what is behind.
    digest = hashlib.sha256(table.lower().encode()).hexdigest()[:8]
    return f"{name.replace('.', '_')[: LONGEST - len(digest) - 1]}_{digest}"


def lock_table(target: Target) -> Table:
    """The definition of the table that runs lock while they load a target."""
    empty = Column(name="nothing", type=ColumnType.parse("boolean"))
    return Table(Target(connection=target.connection, table=lock_name(target.table)), [empty], WHAT)


def ledger_table(connection: str) -> Table:
    """Return the definition of the ledger table in the database of a connection."""
    return Table(Target(connection=connection, table=ledger.TABLE), ledger.COLUMNS, ledger.WHAT)


def locking(statement: str, tables: Sequence[str]) -> str:
    """A statement about tables: `LOCK "a", "b"`."""
    return f"{statement} {', '.join(map(quote, tables))}"
