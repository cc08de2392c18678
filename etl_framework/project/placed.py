"""A project as it is in an environment's own place: every table has the name that it has there."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from etl_framework.errors import ConfigError, Diagnostic
from etl_framework.project.models import Pipeline
from etl_framework.project.place import LONGEST, Place
from etl_framework.project.workspace import Workspace, usual_schema
from etl_framework.sources.postgres.source import PostgresSource

if TYPE_CHECKING:
    from etl_framework.project.project import PipelineFile, Project

# Tables by the connection and the name, in lower case and with a schema, that pipelines write.
Written = Mapping[tuple[str, str], str]


def placed(project: Project, name: str) -> Project:
    """The project with the tables of an environment's own place; the same one if it has none.

    Sources that read what a KPI of the project writes read it from there, too.

    :param name: the environment's name.
    :raises ConfigError: a value in the place's name is not known, or the place has mistakes.
    """
    environment = project.environment(name)
    if not environment.has_place:
        return project
    place = environment.place_as_written
    if not place.fixed:  # what is looked up may be a variable of `env_file`
        place = Workspace(project.root, environment).place
    targets = [
        (k.target.connection, k.target.table) for m in project.models for k in m.kpis.values()
    ]
    if problems := list(place_problems(project, name, place, targets)):
        raise ConfigError(problems)
    fixed = environment.model_copy(
        update={"own_schema": place.schema or None, "prefix": place.prefix or None}
    )
    known = project.environments.environments if project.environments else {}
    environments = project.environments and project.environments.model_copy(
        update={"environments": {**known, name: fixed}}
    )
    written = _tables(project, name, place, targets)
    files = tuple(_file(file, written, project, name) for file in project.pipelines)
    return replace(project, pipelines=files, environments=environments)


def like(other: Project, project: Project, name: str) -> Project:
    """Another state of the files whose environment has the place that it has in a project.

    :param project: as it is in that environment; its folder alone knows the branch.
    """
    known = other.environments
    if known is None or name not in known.environments:
        return other
    place = project.environment(name).model_dump(include={"own_schema", "prefix"})
    changed = known.environments[name].model_copy(update=place)
    environments = {**known.environments, name: changed}
    return replace(other, environments=known.model_copy(update={"environments": environments}))


def place_problems(
    project: Project, name: str, place: Place, targets: Collection[tuple[str, str]]
) -> Iterator[Diagnostic]:
    """What is wrong with a place: names that are too long, and tables that fall together.

    :param targets: connections and tables that pipelines write.
    """
    environment, file = project.environment(name), project.environments_file
    keys = ("environments", name, "schema" if place.schema else "prefix")
    schemas = {(table.rpartition(".")[0], of) for of, table in targets}
    homes = {place.home(schema or usual_schema(environment, of)) for schema, of in schemas}
    for home in sorted(homes):
        if len(home) > LONGEST:
            message = f"the schema '{home}' has a name of {len(home)} bytes; {LONGEST} are allowed"
            yield file.diagnostic(keys, "E329", message, "shorten it, or the name of the schema")
    seen: dict[tuple[str, str], str] = {}
    for (connection, written), there in sorted(_tables(project, name, place, targets).items()):
        first = seen.setdefault((connection, there.lower()), written)
        if first != written:
            message = f"{first} and {written} would both be {there}"
            hint = "give `prefix`, which keeps schemas apart, or rename one of the tables"
            yield file.diagnostic(keys, "E330", message, hint)


def _tables(
    project: Project, name: str, place: Place, targets: Collection[tuple[str, str]]
) -> Written:
    """Where each table that pipelines write lies in a place."""
    environment = project.environment(name)
    return {
        _key(project, name, of, table): place.table(table, usual_schema(environment, of))
        for of, table in targets
    }


def _key(project: Project, name: str, connection: str, table: str) -> tuple[str, str]:
    schema = "" if "." in table else f"{usual_schema(project.environment(name), connection)}."
    return connection, f"{schema}{table}".lower()


def _file(file: PipelineFile, written: Written, project: Project, name: str) -> PipelineFile:
    def there(connection: str, table: str) -> str:
        return written.get(_key(project, name, connection, table), table)

    def moved(model: Pipeline | None) -> Pipeline | None:
        if model is None:
            return None
        kpis = {}
        for of, kpi in model.kpis.items():
            table = there(kpi.target.connection, kpi.target.table)
            target = kpi.target.model_copy(update={"table": table})
            kpis[of] = kpi.model_copy(update={"target": target})
        sources = {
            of: source.model_copy(update={"table": there(source.connection, source.table)})
            if isinstance(source, PostgresSource)
            else source
            for of, source in model.sources.items()
        }
        return model.model_copy(update={"kpis": kpis, "sources": sources})

    return replace(file, model=moved(file.model), declared=moved(file.declared))
