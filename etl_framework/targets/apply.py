"""The transaction of `etl apply`: all changes of a warehouse's tables, or none."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain

from etl_framework.errors import StepError
from etl_framework.targets.alteration import Alteration
from etl_framework.targets.base import Warehouse
from etl_framework.targets.look import Look, Wish, guards
from etl_framework.targets.publication import lock_name
from etl_framework.targets.tables import Table


@dataclass(frozen=True)
class Apply:
    """Changes tables of one warehouse: all of them in one transaction, or none."""

    warehouse: Warehouse
    wishes: Sequence[Wish]

    def looks(self) -> list[Look]:
        """The tables as they are at the moment."""
        difference = self.warehouse.difference
        return [Look(self.warehouse, wish, difference(wish.table)) for wish in self.wishes]

    def refuse(self, told: Sequence[str] | None = None) -> None:
        """Refuse the changes if something would be lost.

        :param told: the changes that somebody has agreed to, if somebody has.
        :raises StepError: it would, or they are others; the error has every problem.
        """
        if problems := [problem for look in self.looks() for problem in look.problems()]:
            raise StepError(problems)
        if told is not None and self.told() != list(told):
            message = "the tables have been changed meanwhile, and need other changes now"
            raise StepError(message, hint="nothing was changed: look at them again")

    def told(self) -> list[str]:
        """All changes in words."""
        return [made.what for look in self.looks() for made in look.alterations()]

    def run(self, told: Sequence[str]) -> None:
        """Change the tables.

        :param told: the changes that somebody has agreed to.
        :raises StepError: something would be lost, or the database refuses a change, or other
            changes are needed by now; the tables are as they were.
        :raises RetryableError: others have held a table all the time, or the connection broke.
        """
        warehouse, looks = self.warehouse, self.looks()
        there = [look.table for look in looks if look.difference]
        targets = [table.target for table in there]
        warehouse.prepare(warehouse.lock_tables(targets))
        if there and warehouse.interactive:
            self._in_a_transaction(there, told)
        elif there:
            self._as_a_whole(there, told)
        # What is left loses nothing: missing tables, and what runs in no transaction.
        warehouse.prepare([wish.table for wish in self.wishes])

    def _in_a_transaction(self, there: Sequence[Table], told: Sequence[str]) -> None:
        warehouse, names = self.warehouse, [table.name for table in there]
        locks = [lock_name(name) for name in names]
        warehouse.execute("BEGIN")
        try:
            with warehouse.waiting_for([*locks, *names]):
                for sql in [*warehouse.lock(sorted(locks)), *warehouse.keep_out(names)]:
                    warehouse.execute(sql)
            self.refuse(told)
            with warehouse.waiting_for(names):
                for look in self.looks():
                    for alteration in look.difference.renames() if look.difference else ():
                        self._make(alteration)
                for look in self.looks():  # as they are called now
                    for alteration in look.alterations() if look.difference else ():
                        self._make(alteration)
            warehouse.execute("COMMIT")
        except StepError:
            with suppress(StepError):  # a connection that is gone has rolled back
                warehouse.execute("ROLLBACK")
            raise

    def _make(self, alteration: Alteration) -> None:
        for sql in () if alteration.when != "with" else alteration.statements:
            self.warehouse.execute(sql)

    def _as_a_whole(self, there: Sequence[Table], told: Sequence[str]) -> None:
        """Change the tables where a transaction is sent as a whole."""
        warehouse, names = self.warehouse, [table.name for table in there]
        self.refuse(told)
        for look in self.looks():
            for alteration in look.difference.renames() if look.difference else ():
                warehouse.together([(sql, ()) for sql in alteration.statements])
        looks = [look for look in self.looks() if look.difference]
        made = [a.statements for look in looks for a in look.alterations() if a.when == "with"]
        if made:
            start = [
                *warehouse.lock_limits(warehouse.lock_seconds),
                *warehouse.lock(sorted(map(lock_name, names))),
                *warehouse.keep_out(names),
                *warehouse.lock_limits(0),
                *(sql for look in looks for sql in guards(look)),
            ]
            with warehouse.telling_holders([*map(lock_name, names), *names]):
                warehouse.together([(sql, ()) for sql in (*start, *chain(*made))])
