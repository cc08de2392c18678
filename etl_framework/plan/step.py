"""The steps of a plan."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

from etl_framework.checks.base import Check, RowCheck
from etl_framework.columns import Column
from etl_framework.interval import DataInterval
from etl_framework.project.models import Kpi
from etl_framework.project.relation import Block, Place
from etl_framework.project.window import Window
from etl_framework.targets.checks import TargetCheck

Kind = Literal["extract", "earlier", "check", "transform", "kpi", "publish"]


def history_columns(kpi: Kpi) -> tuple[Column, ...]:
    """The columns that SQL sees behind those of a KPI whose table is a history; none of others."""
    return kpi.target.loads_by.history_columns(kpi.target)


@dataclass(frozen=True)
class CheckSql:
    """The SQL of one check as the engine runs it; empty where the check has none.

    :param query: a SELECT of the failing rows.
    :param where: true for a row that is checked.
    :param violation: true for a row that breaks the rule of a row check.
    """

    query: str = ""
    where: str = ""
    violation: str = ""

    @property
    def predicate(self) -> str:
        """SQL that is true for a row that is checked and breaks the rule of a row check."""
        return f"({self.where} AND {self.violation})" if self.where else self.violation


class RowRule(NamedTuple):
    """A row check and its SQL."""

    check: RowCheck
    sql: CheckSql


@dataclass(frozen=True)
class Step:
    """One unit of work, named after what it works on: `extract.streams`.

    :param needs: the steps that must finish before this one.
    :param inputs: the relations that the step reads, each with the step whose output it is; one
        that is there twice is both outputs together.
    :param window: the data intervals that an `earlier` step reads of its relation's table.
    :param own: whether such a step reads the run's own data interval too.
    :param of_target: checks of the whole table that a KPI is loaded into, which `publish` runs.
    :param section: the part of the file with its relation: `sources`, `transforms` or `kpis`.
    :param place: where the file declares its relation: path, line, column.
    :param check_places: the same for every check.
    :param check_sql: the same for the SQL of every check.
    :param template: the SQL as written.
    :param sql: the SQL as the engine runs it.
    """

    name: str
    kind: Kind
    relation: str
    needs: tuple[str, ...] = ()
    inputs: tuple[tuple[str, str], ...] = ()
    block: Block | None = None
    section: str = ""
    checks: tuple[Check, ...] = ()
    place: Place = ("", 0, 0)
    check_places: tuple[Place, ...] = ()
    check_sql: tuple[CheckSql, ...] = ()
    template: str = ""
    sql: str = ""
    window: Window | None = None
    own: bool = False
    of_target: tuple[TargetCheck, ...] = ()

    @property
    def is_history(self) -> bool:
        """Whether it reads versions of rows, which tell themselves of which time they are."""
        block = self.block
        return self.window is not None and isinstance(block, Kpi) and bool(history_columns(block))

    def time(self, interval: DataInterval) -> DataInterval | None:
        """The data intervals before that of a run which an `earlier` step reads; None for all."""
        if self.window is None:
            return None
        return Window.all_before(interval) if self.is_history else self.window.before(interval)

    @property
    def row_rules(self) -> list[RowRule]:
        """The row checks of a step that checks, in the order of the file."""
        pairs = zip(self.checks, self.check_sql, strict=True)
        return [RowRule(check, sql) for check, sql in pairs if isinstance(check, RowCheck)]
