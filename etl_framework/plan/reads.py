"""What queries read of other data intervals: the steps that fetch it, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from itertools import islice

from etl_framework.errors import Diagnostic, did_you_mean
from etl_framework.plan.compilation import Shape
from etl_framework.plan.step import Step, history_columns
from etl_framework.project.models import Kpi, Transform
from etl_framework.project.project import PipelineFile
from etl_framework.project.relation import Block, Relation
from etl_framework.project.window import ALL, THIS, Window

# What the names of steps begin with that read other data intervals.
EARLIER = "earlier."


def kpi_read(reader: str, name: str) -> str:
    """The KPI that a name under `reads` stands for."""
    return reader if name == THIS else name


def histories(reader: Block, relations: Mapping[str, Relation]) -> dict[str, Shape]:
    """The histories that a query reads, each with the columns that its SQL sees."""
    shapes: dict[str, Shape] = {}
    for name in reader.reads if isinstance(reader, Kpi | Transform) else ():
        kpi = relations[name].block if name in relations else None
        if isinstance(kpi, Kpi) and history_columns(kpi):
            shapes[name] = history_shape(kpi)
    return shapes


def history_shape(kpi: Kpi) -> Shape:
    """The columns of a KPI's history, as SQL sees it."""
    columns = (*kpi.columns, *history_columns(kpi))
    return tuple((column.name, column.type.duckdb) for column in columns)


def all_histories(relations: Mapping[str, Relation]) -> dict[str, Shape]:
    """The histories that any query of a pipeline reads."""
    shapes: dict[str, Shape] = {}
    for relation in relations.values():
        shapes |= histories(relation.block, relations)
    return shapes


def earlier_step(kpi: Relation, window: Window, reader: Relation, given: str) -> Step:
    """The step that reads a KPI's table.

    :param reader: the relation that says so under `reads`.
    :param given: the step with the run's own rows of the KPI, which belong into a history.
    """
    name = f"{EARLIER}{kpi.name}_{window}"
    keys = (*reader.keys, "reads")
    place = reader.file.where(keys, of_key=True)
    block, section = kpi.block, reader.section
    step = Step(name, "earlier", kpi.name, (), (), block, section, place=place, window=window)
    if not step.is_history:
        return step
    return replace(step, needs=(given,), inputs=((kpi.name, given),))


def reads_problems(
    pipeline_file: PipelineFile, read: Mapping[str, Collection[str]]
) -> Iterator[Diagnostic]:
    """What is wrong with `reads`, as far as the parts that it names are right.

    :param read: the relations that the SQL of each query names, where that is known.
    """
    for relation in pipeline_file.relations.values():
        if relation.name == THIS:
            message = f"no relation can be called '{THIS}'"
            hint = f"'{THIS}' is what a KPI calls its own table: take another name"
            yield pipeline_file.file.diagnostic(relation.keys, "E323", message, hint, of_key=True)
        if not isinstance(relation.block, Kpi | Transform):
            continue
        for name, window in relation.block.reads.items():
            problem = _problem(pipeline_file, relation, name, window)
            if not problem and name not in read.get(relation.name, (name,)):
                problem = (
                    f"'{relation.name}' does not read '{name}'",
                    f"read {name} in its SQL, or take it out here",
                )
            if problem:
                keys = (*relation.keys, "reads", name)
                yield pipeline_file.file.diagnostic(keys, "E323", *problem, of_key=True)


def _problem(
    pipeline_file: PipelineFile, reader: Relation, name: str, window: Window
) -> tuple[str, str] | None:
    """Why a query cannot read other data intervals of a KPI, and what to write."""
    if name == reader.name:
        return f"'{name}' cannot read itself", f"its own table is called {THIS}"
    if name == THIS and reader.kind != "kpi":
        message = f"'{THIS}' is the table of a KPI, and '{reader.name}' has none"
        return message, "name the KPI whose table is to be read"
    read = kpi_read(reader.name, name)
    relation = pipeline_file.relations.get(read)
    if relation is None or not isinstance(relation.block, Kpi):
        if read in pipeline_file.broken():
            return None
        kpis = [r.name for r in pipeline_file.relations.values() if r.kind == "kpi"]
        hint = did_you_mean(read, kpis)
        if relation:
            hint = f"make a KPI of '{read}' with strategy: append, and read that"
        return f"'{read}' is no KPI, whose table has the rows of other data intervals", hint
    target = relation.block.target
    if history_columns(relation.block) and name != THIS:
        if window.span is None:
            return None
        return f"'{read}' is a history, which has no part of '{window}'", f"write {read}: {ALL}"
    if not target.loads_by.keeps_intervals(target):
        message = f"'{target.table}' does not keep the rows of each data interval apart"
        return message, "write strategy: append, snapshot, delete+insert or scd2 to its target"
    return _wrong_span(reader, window) if window.span else _wrong_whole(reader, name)


def _wrong_span(reader: Relation, window: Window) -> tuple[str, str] | None:
    first = reader.pipeline.some_interval()
    second = next(islice(reader.pipeline.cut().intervals_from(first.start.date()), 1, None))
    time = window.before(second)
    if time is None or time.start <= first.start:
        return None
    message = f"'{window}' reaches back to no whole data interval before that of a run"
    return message, "write a longer span, such as two intervals: that of the run is a part of it"


def _wrong_whole(reader: Relation, name: str) -> tuple[str, str] | None:
    """Why a query cannot read all data intervals: what it makes would be another after each run."""
    if name == THIS:
        return f"'{THIS}: {ALL}' would depend on the order of runs", f"write a span: {THIS}: 2d"
    if not isinstance(reader.block, Kpi) or reader.block.target.loads_by.rows_of == "all":
        return None
    message = (
        f"'{reader.name}' reads all data intervals, and its target keeps what each run made: it "
        "would depend on the order of runs"
    )
    return message, "write strategy: replace to its target, or a span of time"
