"""A project: every pipeline file, the environments, and what is wrong with any of them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

from etl_framework.config.environments import Environment, Environments
from etl_framework.config.files import ENVIRONMENTS, PIPELINES, TEMPLATES, pipeline_paths
from etl_framework.config.models import Pipeline
from etl_framework.config.validate import validate
from etl_framework.config.yaml_file import Keys, YamlFile, read_yaml
from etl_framework.errors import ConfigError, Diagnostic, did_you_mean

__all__ = ["ENVIRONMENTS", "PIPELINES", "TEMPLATES", "PipelineFile", "Project", "load_project"]


@dataclass(frozen=True)
class PipelineFile:
    """A file under `pipelines/`: its text with places, and what could be made of it.

    :param model: the pipeline without the parts that are wrong; None when nothing is left.
    """

    file: YamlFile
    model: Pipeline | None
    left_out: frozenset[Keys] = frozenset()

    def broken(self) -> set[str]:
        """Relations that the file names but whose block is wrong; nothing is known of them."""
        return {
            str(keys[1])
            for keys in self.left_out
            if len(keys) == 2 and keys[0] in ("sources", "transforms", "kpis")
        }

    def loose(self) -> set[str]:
        """Relations some of whose columns are wrong; which columns they have is not known."""
        return {str(keys[1]) for keys in self.left_out if len(keys) > 2 and keys[2] == "columns"}


@dataclass(frozen=True)
class Project:
    """A folder with `pipelines/`, `sql_templates/` and `environments.yml`, loaded."""

    root: Path
    pipelines: tuple[PipelineFile, ...]
    environments: Environments | None
    environments_file: YamlFile = field(repr=False)

    def diagnostics(self) -> list[Diagnostic]:
        """What is wrong with the files themselves."""
        files = [self.environments_file, *(found.file for found in self.pipelines)]
        return [diagnostic for file in files for diagnostic in file.diagnostics]

    def pipeline(self, name: str) -> PipelineFile:
        """The file of a pipeline, by the name inside it or the file's own.

        :raises ConfigError: there is none.
        """
        for found in self.pipelines:
            if name in (Path(found.file.path).stem, found.model.name if found.model else ""):
                return found
        known = [Path(found.file.path).stem for found in self.pipelines]
        raise ConfigError(f"there is no pipeline '{name}'", hint=did_you_mean(name, known))

    def relation(self, name: str) -> tuple[Pipeline, str]:
        """A relation and its pipeline, by its name or by both: `music_streaming.streams`.

        :raises ConfigError: there is none, or several pipelines have one of that name.
        """
        wanted, _, relation = name.rpartition(".")
        known = [
            (found.model, each)
            for found in self.pipelines
            if found.model
            for each in found.model.relations()
        ]
        fitting = [
            (pipeline, each)
            for pipeline, each in known
            if each == relation and wanted in ("", pipeline.name)
        ]
        if not fitting:
            message = f"no pipeline has a source, transform or KPI '{name}'"
            raise ConfigError(message, hint=did_you_mean(name, [each for _, each in known]))
        if len(fitting) > 1:
            names = " or ".join(f"{pipeline.name}.{relation}" for pipeline, _ in fitting)
            raise ConfigError(f"'{name}' is in several pipelines", hint=f"write {names}")
        return fitting[0]

    def environment_name(self, name: str | None) -> str:
        """The environment asked for, else the default.

        :raises ConfigError: there is no such environment.
        """
        if self.environments is None:
            found = self.environments_file.diagnostics
            raise ConfigError(found or f"{ENVIRONMENTS} holds nothing")
        chosen = name or self.environments.default
        if chosen not in self.environments.environments:
            hint = did_you_mean(chosen, self.environments.environments)
            raise ConfigError(f"there is no environment '{chosen}'", hint=hint)
        return chosen

    def environment(self, name: str | None) -> Environment:
        """The environment asked for, else the default.

        :raises ConfigError: there is no such environment.
        """
        chosen = self.environment_name(name)
        environments = self.environments.environments if self.environments else {}
        return environments[chosen]


def load_project(root: Path) -> Project:
    """Read a project's files. Opens no connection, reads no secret, runs nothing.

    :raises ConfigError: the folder is not a project at all.
    """
    root = root.resolve()
    paths = pipeline_paths(root)
    project = load_environments(root)
    return replace(project, pipelines=tuple(load_pipeline(root, path) for path in paths))


def load_environments(root: Path) -> Project:
    """A project without its pipelines."""
    file = read_yaml(root / ENVIRONMENTS, ENVIRONMENTS)
    environments = None
    if file.data is not None or not file.diagnostics:
        environments, _ = validate(Environments, file)
    return Project(root, (), environments, file)


def load_pipeline(root: Path, path: str) -> PipelineFile:
    """One pipeline's file.

    :param path: below the project's folder.
    """
    file = read_yaml(root / path, path)
    if file.data is None and file.diagnostics:
        return PipelineFile(file, None)
    model, left_out = validate(Pipeline, file)
    return PipelineFile(file, model, frozenset(left_out))
