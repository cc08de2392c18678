"""A project: every pipeline file, the environments, and what is wrong with any of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from etl_framework.errors import ConfigError, Diagnostic, did_you_mean
from etl_framework.project.defaults import defaults_paths, with_defaults
from etl_framework.project.environments import Environment, Environments
from etl_framework.project.expand import expand
from etl_framework.project.models import Pipeline
from etl_framework.project.params import with_values
from etl_framework.project.paths import ENVIRONMENTS, PIPELINES, TEMPLATES, pipeline_paths
from etl_framework.project.placed import placed
from etl_framework.project.relation import SECTIONS, Kind, Relation, relations_of
from etl_framework.project.validate import validate
from etl_framework.project.workspace import Workspace
from etl_framework.project.yaml_file import Keys, YamlFile, read_yaml
from etl_framework.sql.macros import macro_files

__all__ = ["ENVIRONMENTS", "PIPELINES", "TEMPLATES", "PipelineFile", "Project", "load_project"]


_IN_WORDS: dict[Kind, str] = {"source": "source", "transform": "transform", "kpi": "KPI"}


@dataclass(frozen=True)
class PipelineFile:
    """A file in `pipelines/`: its text with places, and the pipeline that could be made from it.

    :param model: the pipeline without the parts that are wrong; None if nothing is left.
    :param left_out: the keys of the parts that are wrong.
    :param stem: the name that the pipeline has by its file: that of the file without its ending, or
        of the instance.
    :param declared: the pipeline as it is written, before values of its `params` are in it.
    :param templates: the paths of the templates that it is made of.
    :param macros: the paths of the files with macros, which its SQL may import.
    """

    file: YamlFile
    model: Pipeline | None
    stem: str
    left_out: frozenset[Keys] = frozenset()
    declared: Pipeline | None = None
    templates: tuple[str, ...] = ()
    macros: tuple[str, ...] = ()

    @property
    def defaults(self) -> tuple[str, ...]:
        """Where its defaults are, or may be written, the nearest first."""
        return defaults_paths(self.file.path)

    @cached_property
    def relations(self) -> Mapping[str, Relation]:
        """The pipeline's relations by name, in the file's order."""
        if self.model is None:
            return {}
        return {relation.name: relation for relation in relations_of(self.model, self.file)}

    def broken(self) -> set[str]:
        """The names of relations whose block is wrong; nothing else is known of them."""
        return {
            str(keys[1])
            for keys in self.left_out
            if len(keys) == 2 and keys[0] in SECTIONS.values()
        }

    def loose(self) -> set[str]:
        """The names of relations with a wrong column; it is not known which columns they have."""
        return {str(keys[1]) for keys in self.left_out if len(keys) > 2 and keys[2] == "columns"}


@dataclass(frozen=True)
class Project:
    """A folder with `pipelines/`, `sql_templates/` and `environments.yml`, loaded.

    :param values: those that a run is given for the params of pipelines.
    :param written: the project as its files are, if this one is as it looks in an environment's own
        place, and the name of that environment.
    """

    root: Path
    pipelines: tuple[PipelineFile, ...]
    environments: Environments | None
    environments_file: YamlFile = field(repr=False)
    values: Mapping[str, object] = field(default_factory=dict)
    written: tuple[str, Project] | None = field(default=None, repr=False, compare=False)

    def diagnostics(self) -> list[Diagnostic]:
        """What is wrong with the files themselves."""
        files = [self.environments_file, *(pipeline_file.file for pipeline_file in self.pipelines)]
        return [diagnostic for file in files for diagnostic in file.diagnostics]

    def pipeline(self, name: str) -> PipelineFile:
        """The file of a pipeline, by the pipeline's name or the file's.

        :raises ConfigError: there is no such pipeline.
        """
        for pipeline_file in self.pipelines:
            if name in (
                pipeline_file.stem,
                pipeline_file.model.name if pipeline_file.model else "",
            ):
                return pipeline_file
        known = [pipeline_file.stem for pipeline_file in self.pipelines]
        raise ConfigError(f"there is no pipeline '{name}'", hint=did_you_mean(name, known))

    def given(self, values: Mapping[str, object]) -> Project:
        """The project with values for the params of pipelines, for a run.

        :raises ConfigError: no pipeline has a param of a name.
        """
        known = {name for model in self.models for name in model.params}
        if unknown := [name for name in values if name not in known]:
            message = f"no pipeline has a param '{unknown[0]}'"
            raise ConfigError(message, hint=did_you_mean(unknown[0], known))
        return replace(self, values={**self.values, **values})

    @property
    def models(self) -> list[Pipeline]:
        """Every pipeline that could be read."""
        return [pipeline.model for pipeline in self.pipelines if pipeline.model]

    def relations(self, *kinds: Kind) -> list[Relation]:
        """The relations of all pipelines, of the given kinds or, if none is given, of all kinds."""
        return [
            relation
            for pipeline in self.pipelines
            for relation in pipeline.relations.values()
            if not kinds or relation.kind in kinds
        ]

    def find(self, name: str, *kinds: Kind, also: Iterable[str] = ()) -> Relation:
        """Find a relation by its name, alone or with its pipeline's: `music_streaming.streams`.

        If no relation has the name, it may also be the name of a KPI's table.

        :param kinds: the kinds to look for; all kinds if none is given.
        :param also: other names that the caller knows, for the hint.
        :raises ConfigError: there is no such relation, or it is in several pipelines.
        """
        known = self.relations(*kinds)
        fitting = [relation for relation in known if name in (relation.name, relation.full_name)]
        fitting = fitting or [relation for relation in known if name in relation.names]
        if not fitting:
            *others, last = (_IN_WORDS[kind] for kind in kinds or _IN_WORDS)
            what = f"{', '.join(others)} or {last}" if others else last
            hint = did_you_mean(name, [*(relation.name for relation in known), *also])
            raise ConfigError(f"no pipeline has a {what} '{name}'", hint=hint)
        if len(fitting) > 1:
            names = " or ".join(relation.full_name for relation in fitting)
            raise ConfigError(f"'{name}' is in several pipelines", hint=f"write {names}")
        return fitting[0]

    def environment_name(self, name: str | None) -> str:
        """The name of the environment asked for, else of the default one.

        :raises ConfigError: there is no such environment.
        """
        if self.environments is None:
            diagnostics = self.environments_file.diagnostics
            raise ConfigError(diagnostics or f"{ENVIRONMENTS} holds nothing")
        chosen = name or self.environments.default
        if chosen not in self.environments.environments:
            hint = did_you_mean(chosen, self.environments.environments)
            raise ConfigError(f"there is no environment '{chosen}'", hint=hint)
        return chosen

    def environment(self, name: str | None) -> Environment:
        """The environment asked for, else the default one.

        :raises ConfigError: there is no such environment.
        """
        chosen = self.environment_name(name)
        environments = self.environments.environments if self.environments else {}
        return environments[chosen]

    def at(self, name: str | None) -> Project:
        """The project as it is in the environment asked for, else in the default one.

        In a place of the environment's own, tables have other names. What reads or writes tables
        looks at the project through this; doing so twice changes nothing.

        :raises ConfigError: there is no such environment, or its place has mistakes.
        """
        chosen, project = self.environment_name(name), self
        if self.written:
            there, written = self.written
            if there == chosen:
                return self
            project = replace(written, values=self.values)
        made = placed(project, chosen)
        return made if made is project else replace(made, written=(chosen, project))

    def workspace(self, name: str | None) -> Workspace:
        """Open the environment asked for, else the default one.

        :raises ConfigError: there is no such environment, or its `env_file` does not exist.
        """
        return Workspace(self.root, self.environment(name))


def load_project(root: Path) -> Project:
    """Read a project's files. This opens no connection, reads no secret and runs nothing.

    :raises ConfigError: the folder is not a project.
    """
    root = root.resolve()
    paths = pipeline_paths(root)
    project = load_environments(root)
    loaded = [pipeline_file for path in paths for pipeline_file in load_pipelines(root, path)]
    return replace(project, pipelines=tuple(loaded))


def load_environments(root: Path) -> Project:
    """Read a project without its pipelines."""
    file = read_yaml(root / ENVIRONMENTS, ENVIRONMENTS)
    environments = None
    if file.data is not None or not file.diagnostics:
        environments, _ = validate(Environments, file)
    return Project(root, (), environments, file)


def load_pipelines(root: Path, path: str) -> list[PipelineFile]:
    """Read a file, and the pipelines in it: one, or with `instances` of a template several.

    :param path: the file's path in the project's folder.
    """
    file = read_yaml(root / path, path)
    if made := expand(root, file):
        return [_loaded(root, one.file, one.name, one.templates) for one in made]
    return [_loaded(root, file, Path(path).stem)]


def _loaded(root: Path, read: YamlFile, name: str, templates: tuple[str, ...] = ()) -> PipelineFile:
    macros = tuple(f"{TEMPLATES}/{path}" for path in macro_files(root / TEMPLATES))
    file = with_defaults(root, read)
    unread = PipelineFile(file, None, name, templates=templates, macros=macros)
    if file.data is None and file.diagnostics:
        return unread
    declared, left_out = validate(Pipeline, file)
    model = declared
    if declared and declared.params:
        model = with_values(declared, {}, paths=False)
    return replace(unread, model=model, left_out=frozenset(left_out), declared=declared)
