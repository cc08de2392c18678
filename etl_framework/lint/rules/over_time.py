"""Rules about tables that data intervals fill, one after the other and again."""

from __future__ import annotations

from collections.abc import Iterator

from etl_framework.errors import Diagnostic
from etl_framework.lint.base import Checked, Rule
from etl_framework.lint.rules.keys import is_constant
from etl_framework.lint.sql_base import Finding, Query, SqlRule
from etl_framework.project.project import Project
from etl_framework.targets.strategies.append import ALL_AGAIN

MEANT = "if it is meant, write rows_of: "


class OneIntervalIsTheTable(Rule):
    """A table that each run replaces is made from all rows, not from those of one data interval.

    Else it holds the rows of the newest interval alone, and a rerun of an older one would take
    them away.
    """

    codes = ("E321",)

    def check(self, project: Project, files: list[Checked]) -> Iterator[Diagnostic]:
        for checked, name in _unmeant(files, rows_of="all", by_interval=True):
            target = checked.pipeline.kpis[name].target
            message = f"each run brings its data interval's rows, and '{target.table}' "
            if target.on_missing == "close":
                hint = "write on_missing: keep; or read all rows; or, where those of each interval "
                hint += f"are all, take updated_at out: its history is exact; {MEANT}interval"
                yield _at(checked, name, "E321", f"{message}would end all others", hint)
                continue
            message += "keeps no others"
            hint = (
                "write strategy: append, which keeps those of each interval and replaces them when "
                f"it is run again; {MEANT}interval"
            )
            yield _at(checked, name, "E321", message, hint)


class AllRowsAgain(Rule):
    """A table to which each data interval adds its rows is made from the rows of the interval.

    Else every run adds all rows that there are once more.
    """

    codes = ("E322",)

    def check(self, project: Project, files: list[Checked]) -> Iterator[Diagnostic]:
        for checked, name in _unmeant(files, rows_of="interval", by_interval=False):
            table = checked.pipeline.kpis[name].target.table
            message = f"each run brings all rows, and '{table}' gets those of its data interval"
            yield _at(checked, name, "E322", message, f"{ALL_AGAIN}; {MEANT}all")
        for checked, name in _unmeant(files, rows_of="interval", by_interval=True):
            sources = checked.pipeline.sources
            for source in dict.fromkeys(checked.compilation.upstream(name)):
                if source in sources and sources[source].gives_changes():
                    table = checked.pipeline.kpis[name].target.table
                    message = f"'{source}' gives a row in each data interval in which it changes, "
                    message += f"and '{table}' would keep it for each"
                    hint = f"write strategy: merge with a unique_key, or scd2; {MEANT}interval"
                    yield _at(checked, name, "E322", message, hint)


class PartOfAnAggregate(SqlRule):
    """What `merge` puts in the place of a row is aggregated from all rows of its key.

    From the rows of one data interval it is a part: a late row alone takes the place of the sum.
    """

    codes = ("W420",)

    def find(self, query: Query) -> Iterator[Finding]:
        from sqlglot import exp

        kpi = query.checked.pipeline.kpis.get(query.name)
        if kpi is None or kpi.target.strategy != "merge" or not isinstance(query.tree, exp.Select):
            return
        relations = query.checked.pipeline_file.relations
        if not query.checked.compilation.by_interval(relations).get(query.name):
            return
        group, columns = query.tree.args.get("group"), query.tree.selects
        keys = [column for column in columns if column.alias_or_name in kpi.target.unique_key]
        if group and not any(is_constant(column.unalias()) for column in keys):
            named = ", ".join(kpi.target.unique_key)
            message = f"one data interval's rows are aggregated, and replace what {named} had"
            hint = (
                "write strategy: append with the interval's day as a column, and add the days up "
                "where they are read; or read all rows"
            )
            yield Finding(group.expressions[0], message, hint)


def _unmeant(
    files: list[Checked], *, rows_of: str, by_interval: bool
) -> Iterator[tuple[Checked, str]]:
    """The KPIs whose strategy wants other rows than they get, and whose target does not say so.

    :param rows_of: what the strategy wants.
    :param by_interval: whether they get the rows of the data interval alone.
    """
    for checked in files:
        found = checked.compilation.by_interval(checked.pipeline_file.relations)
        for name, kpi in checked.pipeline.kpis.items():
            unmeant = kpi.target.rows_of is None and kpi.target.loads_by.rows_of == rows_of
            if unmeant and found.get(name) is by_interval:
                yield checked, name


def _at(checked: Checked, kpi: str, code: str, message: str, hint: str) -> Diagnostic:
    keys = ("kpis", kpi, "target", "strategy")
    return checked.pipeline_file.file.diagnostic(keys, code, message, hint)
