"""Rules across blocks and files: connections, names, tables."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from etl_framework.config.project import Project
from etl_framework.errors import Diagnostic, did_you_mean
from etl_framework.lint.base import Checked, Rule
from etl_framework.targets.warehouse import warehouse_for


class Connections(Rule):
    """Every connection that a pipeline names is in every environment, and of a fitting kind.

    A connection that is missing in one environment is a run that fails there and nowhere else.
    """

    codes = ("E301", "E303")

    def check(self, project: Project, files: list[Checked]) -> Iterator[Diagnostic]:
        for checked in files:
            for name, source in checked.pipeline.sources.items():
                keys: tuple[str, ...] = ("sources", name, "connection")
                yield from self._source(project, checked, keys, source.connection, source.accepts)
            for name, kpi in checked.pipeline.kpis.items():
                keys = ("kpis", name, "target", "connection")
                yield from self._source(project, checked, keys, kpi.target.connection, None)

    def _source(
        self,
        project: Project,
        checked: Checked,
        keys: tuple[str, ...],
        name: str,
        accepts: type | None,
    ) -> Iterator[Diagnostic]:
        environments = project.environments.environments if project.environments else {}
        for label, environment in environments.items():
            connection = environment.connections.get(name)
            if connection is None:
                message = f"the connection '{name}' is not in environment '{label}'"
                hint = did_you_mean(name, environment.connections)
                yield checked.found.file.diagnostic(keys, "E301", message, hint)
                continue
            fits = isinstance(connection, accepts) if accepts else warehouse_for(connection)
            if not fits:
                kind = getattr(connection, "type", "")
                what = "this source reads" if accepts else "targets lie in"
                message = (
                    f"the connection '{name}' is of type '{kind}' in '{label}', not one that {what}"
                )
                yield checked.found.file.diagnostic(keys, "E303", message)


class Names(Rule):
    """A pipeline is called as its file; no two relations, and no two pipelines, share a name.

    SQL names relations without saying which section they are from.
    """

    codes = ("E306",)

    def check(self, project: Project, files: list[Checked]) -> Iterator[Diagnostic]:
        for checked in files:
            file, name = checked.found.file, checked.pipeline.name
            if name != Path(file.path).stem:
                message = f"the pipeline is called '{name}' and its file {Path(file.path).name}"
                hint = f"rename the file to {name}.yml, or the pipeline"
                yield file.diagnostic(("name",), "E306", message, hint)
            seen: dict[str, str] = {}
            for section in ("sources", "transforms", "kpis"):
                for relation in getattr(checked.pipeline, section):
                    first = seen.setdefault(relation, section)
                    if first != section:
                        message = f"'{relation}' is also one of the {first}"
                        keys = (section, relation)
                        yield file.diagnostic(keys, "E306", message, "rename one", of_key=True)


class OneWriter(Rule):
    """No two KPIs write one table: the later would undo the earlier."""

    codes = ("E307",)

    def check(self, project: Project, files: list[Checked]) -> Iterator[Diagnostic]:
        writers: dict[tuple[str, str], str] = {}
        for found in project.pipelines:
            for name, kpi in found.model.kpis.items() if found.model else ():
                me = f"{Path(found.file.path).stem}.{name}"
                place = (kpi.target.connection, kpi.target.table.lower().removeprefix("main."))
                first = writers.setdefault(place, me)
                if first != me:
                    keys = ("kpis", name, "target", "table")
                    message = f"the table '{kpi.target.table}' is already written by {first}"
                    hint = "give each KPI its own table"
                    yield found.file.diagnostic(keys, "E307", message, hint)
