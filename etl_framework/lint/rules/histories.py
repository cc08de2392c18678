"""Rules about rows that change, beside facts of data intervals of the past."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from etl_framework.errors import Diagnostic
from etl_framework.lint.base import Checked, Rule
from etl_framework.lint.rules.joins import conditions
from etl_framework.lint.sql_base import Query, queries_of
from etl_framework.plan.reads import histories
from etl_framework.plan.step import history_columns
from etl_framework.project.project import Project
from etl_framework.sql.as_of import VALID_FROM, VALID_TO, histories_of
from etl_framework.sql.references import offset_of, table_name

if TYPE_CHECKING:
    from sqlglot import exp
    from sqlglot.optimizer.scope import Scope

MOMENTS = ("DATE", "TIMESTAMP")
MEANT = "if it is meant, write may_be_newer: true to the source"


class TodaysRows(Rule):
    """Rows of a data interval are joined with what was valid at their time.

    A source that is read whole gives its rows as they are today, in a backfill too: old facts get
    the values of today. A table that keeps what each data interval gave keeps them.
    """

    codes = ("W421", "W422")

    def check(self, project: Project, files: list[Checked]) -> Iterator[Diagnostic]:
        for checked in files:
            by_interval = checked.compilation.by_interval(checked.pipeline_file.relations)
            for query in queries_of(checked):
                if by_interval.get(query.name) and _is_kept(checked, query.name):
                    for scope, alias, table in _todays(query, by_interval):
                        yield from _problem(query, by_interval, scope, alias, table)


class TodayAsThePast(Rule):
    """A table that keeps rows by the data interval gets those of that interval in a backfill.

    With `catchup`, a source that is read whole gives every past data interval the rows of today.
    """

    codes = ("W423",)

    def check(self, project: Project, files: list[Checked]) -> Iterator[Diagnostic]:
        for checked in files:
            pipeline = checked.pipeline
            by_interval = checked.compilation.by_interval(checked.pipeline_file.relations)
            for name, kpi in pipeline.kpis.items() if pipeline.catchup else ():
                whole = [
                    source
                    for source in dict.fromkeys(checked.compilation.upstream(name))
                    if source in pipeline.sources and not pipeline.sources[source].may_be_newer
                ]
                if whole and kpi.target.loads_by.dates_all_rows and by_interval[name] is False:
                    message = (
                        f"catchup would keep rows of today as those of each past data interval: "
                        f"'{whole[0]}' is read whole"
                    )
                    hint = (
                        "write catchup: false, so that the history grows from now on; or read what "
                        f"each interval had, such as a file of each day; {MEANT}"
                    )
                    keys = ("kpis", name, "target", "strategy")
                    place = checked.pipeline_file.file.where(keys)
                    yield _at(place, "W423", message, hint)


def _is_kept(checked: Checked, name: str) -> bool:
    """Return whether a table keeps what each data interval gave of a query."""
    return any(
        not kpi.target.loads_by.holds_newest
        for kpi_name, kpi in checked.pipeline.kpis.items()
        if name == kpi_name or name in checked.compilation.upstream(kpi_name)
    )


def _todays(
    query: Query, by_interval: Mapping[str, bool | None]
) -> Iterator[tuple[Scope, str, exp.Table]]:
    """Return what a query reads whole, and not as of a moment, with the name that it has there."""
    from sqlglot import exp
    from sqlglot.optimizer.scope import Scope

    of_moment: dict[int, set[str]] = {}
    within: set[int] = set()
    for scope in query.scopes:
        of_moment[id(scope)] = histories_of(conditions(scope.expression))
        for source in map(scope.sources.get, of_moment[id(scope)]):
            within |= (
                {id(inner) for inner in source.traverse()} if isinstance(source, Scope) else set()
            )
    for scope in query.scopes:
        for alias, source in scope.sources.items() if id(scope) not in within else ():
            if not isinstance(source, exp.Table) or alias in of_moment[id(scope)]:
                continue
            if by_interval.get(table_name(source)) is False:
                yield scope, alias, source


def _problem(
    query: Query, by_interval: Mapping[str, bool | None], scope: Scope, alias: str, table: exp.Table
) -> Iterator[Diagnostic]:
    checked, name = query.checked, table_name(table)
    pipeline, compilation = checked.pipeline, checked.compilation
    sources = {name, *compilation.upstream(name)} & pipeline.sources.keys()
    if all(pipeline.sources[source].may_be_newer for source in sources):
        return
    place = query.rendered.where(offset_of(table.this))
    condition = f"{{{{ as_of('{alias}', '{_moment(query, by_interval, scope)}') }}}}"
    read = histories(pipeline.queries()[query.name], checked.pipeline_file.relations)
    columns = {column for column, _ in read.get(name) or compilation.shapes.get(name) or ()}
    kept = [
        kpi
        for kpi, block in pipeline.kpis.items()
        if history_columns(block) and sources & {*compilation.upstream(kpi)}
    ]
    if {VALID_FROM, VALID_TO} <= columns:
        message = f"'{name}' has versions of each row, and no condition says of which time"
        yield _at(place, "W422", message, f"write AND {condition}; {MEANT}")
    elif kept:
        message = f"'{name}' is read as it is today, and '{kept[0]}' has its history"
        hint = f"write reads: {{{kept[0]}: all}}, and join that, AND {condition}; {MEANT}"
        yield _at(place, "W422", message, hint)
    else:
        message = f"'{name}' is read as it is today, also for rows of a past data interval"
        hint = f"keep its history with strategy: scd2, and join that as of their time; {MEANT}"
        yield _at(place, "W421", message, hint)


def _moment(query: Query, by_interval: Mapping[str, bool | None], scope: Scope) -> str:
    """Return a column that says when the facts of a FROM happened; `f.at` if none is known."""
    from sqlglot import exp

    shapes = query.checked.compilation.shapes
    for alias, source in scope.sources.items():
        if isinstance(source, exp.Table) and by_interval.get(table_name(source)):
            for column, type_ in shapes.get(table_name(source)) or ():
                if type_.startswith(MOMENTS):
                    return f"{alias}.{column}"
    return "f.at"


def _at(place: tuple[str, int, int], code: str, message: str, hint: str) -> Diagnostic:
    return Diagnostic(*place, code, message, hint, "warning")
