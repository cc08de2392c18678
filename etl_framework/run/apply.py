"""Change the tables of a pipeline where a run refuses to, because something could be lost."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace

from etl_framework.errors import Diagnostic, StepError, did_you_mean
from etl_framework.plan.ddl import Change, wanted_tables
from etl_framework.plan.plan import Plan
from etl_framework.sql.quote import quote_table
from etl_framework.targets.apply import Apply
from etl_framework.targets.look import Look, Wish

# The tables of KPIs as they are, by connection and KPI.
Looks = dict[tuple[str, str], Look]


@dataclass(frozen=True)
class Application:
    """The changes of a pipeline's tables, looked at and not made yet.

    :param wishes: what is asked for, by connection and KPI.
    :param changes: what each table needs, in the same order.
    """

    plan: Plan
    wishes: dict[tuple[str, str], Wish]
    changes: list[Change]

    @classmethod
    def of(cls, plan: Plan, kpis: Collection[str], dropped: Sequence[str]) -> Application:
        """Look at the tables of KPIs, and change nothing.

        :param dropped: columns that go: `note` or, where several tables have it, `kpi.note`.
        :raises StepError: something would be lost; the error has every problem of every table.
        :raises DataMissingError: a database does not exist yet.
        :raises RetryableError: a warehouse does not answer.
        """
        with ExitStack() as opened:
            looks, problems = _assigned(_looks(plan, kpis, opened), dropped)
            problems += [problem for look in looks.values() for problem in look.problems()]
            if problems:
                raise StepError(problems)
            wishes = {place: look.wish for place, look in looks.items()}
            return cls(plan, wishes, list(map(_change, looks.values())))

    @property
    def empty(self) -> bool:
        """Whether the tables are as they should be."""
        return not any(change.alterations for change in self.changes)

    def make(self) -> None:
        """Make the changes, those of each warehouse in one transaction.

        :raises StepError: something would be lost by now, or a database refuses a change.
        :raises RetryableError: a warehouse does not answer, or others hold a table.
        """
        changes = dict(zip(self.wishes, self.changes, strict=True))
        for connection in dict.fromkeys(connection for connection, _ in self.wishes):
            here = [place for place in self.wishes if place[0] == connection]
            agreed = [made.what for place in here for made in changes[place].alterations]
            if agreed:
                with self.plan.workspace.warehouse(connection) as warehouse:
                    Apply(warehouse, [self.wishes[place] for place in here]).run(agreed)


def _looks(plan: Plan, kpis: Collection[str], opened: ExitStack) -> Looks:
    hidden, looks = frozenset(plan.pipeline.sensitive()), Looks()
    for connection, tables in wanted_tables(plan, kpis).items():
        warehouse = opened.enter_context(plan.workspace.warehouse(connection, read_only=True))
        found = Apply(warehouse, [Wish(table, (), hidden) for table in tables.values()]).looks()
        looks |= {(connection, kpi): look for kpi, look in zip(tables, found, strict=True)}
    return looks


def _change(look: Look) -> Change:
    made = tuple(look.alterations())
    count = f"SELECT COUNT(*) FROM {quote_table(look.table.name)}"
    rows = look.warehouse.number(count) if made and look.difference else None
    left = look.difference.left if look.difference else ()
    return Change(
        look.table.name, rows, made, tuple(name for name in left if name not in look.dropped)
    )


def _assigned(looks: Looks, dropped: Sequence[str]) -> tuple[Looks, list[Diagnostic]]:
    """The same, each with the columns that go, and what is wrong with their names."""
    problems = []
    for written in dropped:
        kpi, _, column = written.rpartition(".")
        named = {place: look for place, look in looks.items() if kpi in ("", place[1])}
        having = {place: look for place, look in named.items() if column in look}
        if len(having) == 1:
            ((place, look),) = having.items()
            names = (*look.wish.dropped, column)
            looks = {**looks, place: replace(look, wish=replace(look.wish, dropped=names))}
        else:
            problems.append(_unclear(written, list(named.values()), [k for _, k in having]))
    return looks, problems


def _unclear(written: str, looks: Sequence[Look], kpis: Sequence[str]) -> Diagnostic:
    if kpis:
        message = f"several tables have a column '{written}'"
        hint = f"write --drop {kpis[0]}.{written}, once for each"
    else:
        known: Iterator[str] = (name for look in looks for name in look.names)
        message = f"no table has a column '{written}'"
        hint = did_you_mean(written.rpartition(".")[2], known)
    return Diagnostic("", 0, 0, StepError.code, message, hint)
