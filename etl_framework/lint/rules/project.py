"""Rules across blocks and files: connections, names, tables."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from etl_framework.engines.base import engine_of
from etl_framework.errors import Diagnostic, did_you_mean
from etl_framework.lint.base import ApartRule, Checked, Fact, ProjectRule, Rule, fact
from etl_framework.project.paths import ASIDE, DEFAULTS, PIPELINES, strange_paths
from etl_framework.project.project import PipelineFile, Project
from etl_framework.project.relation import relations_of
from etl_framework.targets.warehouses import warehouse_for


class Connections(Rule):
    """Every connection that a pipeline names is in every environment, and of a fitting kind.

    A connection that is missing in one environment is a run that fails there and nowhere else.
    """

    codes = ("E301", "E303")

    def check(self, project: Project, files: list[Checked]) -> Iterator[Diagnostic]:
        for checked in files:
            for name, source in checked.pipeline.sources.items():
                keys: tuple[str, ...] = ("sources", name, "connection")
                yield from self._connection(
                    project, checked, keys, source.connection, source.accepts
                )
            for name, kpi in checked.pipeline.kpis.items():
                keys = ("kpis", name, "target", "connection")
                yield from self._connection(project, checked, keys, kpi.target.connection, None)

    def _connection(
        self,
        project: Project,
        checked: Checked,
        keys: tuple[str, ...],
        name: str,
        accepts: type | None,
    ) -> Iterator[Diagnostic]:
        environments = project.environments.environments if project.environments else {}
        without = [
            label
            for label, environment in environments.items()
            if name not in environment.connections
        ]
        if without:
            labels = ", ".join(f"'{label}'" for label in without)
            message = f"the connection '{name}' is not in environment {labels}"
            if 1 < len(without) == len(environments):
                message = f"the connection '{name}' is in no environment"
            hint = did_you_mean(
                name, {c for label in without for c in environments[label].connections}
            )
            yield checked.pipeline_file.file.diagnostic(keys, "E301", message, hint)
        for label, environment in environments.items():
            connection = environment.connections.get(name)
            if connection is None:
                continue
            fits = isinstance(connection, accepts) if accepts else warehouse_for(connection)
            if not fits:
                kind = getattr(connection, "type", "")
                what = "this source reads" if accepts else "targets lie in"
                message = (
                    f"the connection '{name}' is of type '{kind}' in '{label}', not one that {what}"
                )
                yield checked.pipeline_file.file.diagnostic(keys, "E303", message)


class Names(Rule):
    """A pipeline is called as its file, and no two relations share a name.

    SQL names relations without saying which section they are from. Names with `etl_` before them
    are those of the framework's own tables.
    """

    codes = ("E306",)

    def check(self, project: Project, files: list[Checked]) -> Iterator[Diagnostic]:
        for checked in files:
            file, name = checked.pipeline_file.file, checked.pipeline.name
            if name != checked.pipeline_file.stem:
                message = f"the pipeline is called '{name}' and its file {Path(file.path).name}"
                hint = f"rename the file to {name}.yml, or the pipeline"
                yield file.diagnostic(("name",), "E306", message, hint)
            seen: dict[str, str] = {}
            for relation in relations_of(checked.pipeline, file):
                name, keys = relation.name, relation.keys
                if name.startswith("etl_"):
                    message = f"'{name}' starts with etl_, as the framework's own tables do"
                    yield file.diagnostic(keys, "E306", message, "rename it", of_key=True)
                first = seen.setdefault(name, relation.section)
                if first != relation.section:
                    message = f"'{name}' is also one of the {first}"
                    yield file.diagnostic(keys, "E306", message, "rename one", of_key=True)


class OneFile(ProjectRule):
    """No two files are one pipeline, such as `orders.yml` and `orders.yaml`."""

    codes = ("E306",)

    def facts(self, pipeline_file: PipelineFile) -> Iterator[Fact]:
        if pipeline_file.model and pipeline_file.model.name == pipeline_file.stem:
            yield fact(pipeline_file, "is", (pipeline_file.model.name,), ("name",))

    def judge(self, project: Project, facts: list[Fact]) -> Iterator[Diagnostic]:
        owners: dict[str, str] = {}
        for pipeline_fact in facts:
            (name,) = pipeline_fact.values
            first = owners.setdefault(name, pipeline_fact.path)
            if first != pipeline_fact.path:
                message = f"{first} is a pipeline '{name}', too"
                yield pipeline_fact.diagnostic("E306", message, "rename or delete one of them")


class OnlyPipelines(ApartRule):
    """Each file in `pipelines/` is a pipeline, or a text about one; others would be passed over.

    Pipelines are files that end in `.yml` or `.yaml`, in any folder below.
    """

    codes = ("W309",)
    names = (f"{PIPELINES}/**",)

    def judge(self, project: Project, facts: list[Fact]) -> Iterator[Diagnostic]:
        for path in strange_paths(project.root):
            name = Path(path).name
            if path.endswith(ASIDE):
                message = f"no pipeline takes the defaults of this '{name}'"
                hint = f"call it {DEFAULTS}, in a folder that has pipelines"
            else:
                message = f"'{name}' is no pipeline, and no run knows of it"
                hint = f"rename it to end in .yml, or move it out of {PIPELINES}/"
            yield Diagnostic(path, 0, 0, "W309", message, hint, "warning")


class OneWriter(ProjectRule):
    """No two KPIs write one table: the later would undo the earlier."""

    codes = ("E307",)

    def facts(self, pipeline_file: PipelineFile) -> Iterator[Fact]:
        for name, kpi in pipeline_file.model.kpis.items() if pipeline_file.model else ():
            me, table = f"{pipeline_file.stem}.{name}", kpi.target.table
            keys = ("kpis", name, "target", "table")
            yield fact(pipeline_file, "writes", (kpi.target.connection, table, me), keys)

    def judge(self, project: Project, facts: list[Fact]) -> Iterator[Diagnostic]:
        writers: dict[tuple[str, str], str] = {}
        for pipeline_fact in facts:
            connection, table, me = pipeline_fact.values
            plain, first = re.sub(r"^(main|public)\.", "", table.lower()), me
            for place in _places(project, connection):
                first = writers.setdefault((place, plain), me)
                if first != me:
                    break
            if first != me:
                message = f"the table '{table}' is already written by {first}"
                yield pipeline_fact.diagnostic("E307", message, "give each KPI its own table")


def _places(project: Project, name: str) -> list[str]:
    """Return what a connection is in every environment, as two names may mean one database."""
    environments = project.environments.environments if project.environments else {}
    places = {
        f"{label} {connection.model_dump_json()}"
        for label, environment in environments.items()
        if (connection := environment.connections.get(name))
    }
    return sorted(places) or [name]


class Pushdown(Rule):
    """With the engine redshift all is SQL in one cluster: no Python, no target elsewhere.

    A warning, for the pipeline may be meant for other environments only; there a run is refused.
    """

    codes = ("W302",)

    def check(self, project: Project, files: list[Checked]) -> Iterator[Diagnostic]:
        environments = project.environments.environments if project.environments else {}
        for label, environment in environments.items():
            engine = engine_of(environment)
            for checked in files:
                for keys, why in engine.refused(checked.pipeline, environment):
                    what = f"whose engine is {environment.engine}: {why}"
                    message = f"cannot run in '{label}', {what}"
                    diagnostic = checked.pipeline_file.file.diagnostic(keys, "W302", message)
                    yield replace(diagnostic, severity="warning")


class OneTransaction(Rule):
    """The targets of a pipeline lie in one connection, so that they change in one transaction.

    With two, the first can have changed when the second fails; the next run mends it.
    """

    codes = ("W301",)

    def check(self, project: Project, files: list[Checked]) -> Iterator[Diagnostic]:
        environments = project.environments.environments if project.environments else {}
        known = {name for environment in environments.values() for name in environment.connections}
        for checked in files:
            connections = [kpi.target.connection for kpi in checked.pipeline.kpis.values()]
            if environments and not known.issuperset(connections):
                continue  # another rule reports a misspelt connection
            for name, kpi in checked.pipeline.kpis.items():
                if kpi.target.connection != connections[0]:
                    keys = ("kpis", name, "target", "connection")
                    message = f"targets in '{connections[0]}' and '{kpi.target.connection}' do not "
                    diagnostic = checked.pipeline_file.file.diagnostic(
                        keys, "W301", message + "change in one transaction"
                    )
                    yield replace(diagnostic, severity="warning")
