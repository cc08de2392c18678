"""Rules about the params of pipelines and the values that environments give them."""

from __future__ import annotations

from collections.abc import Iterator

from etl_framework.errors import Diagnostic, did_you_mean
from etl_framework.interval import NONE
from etl_framework.lint.base import Checked, Fact, ProjectRule, Rule, fact
from etl_framework.project.environments import Environment
from etl_framework.project.models import Pipeline
from etl_framework.project.params import Param
from etl_framework.project.project import PipelineFile, Project


class Values(ProjectRule):
    """A value of an environment is for a param that a pipeline has, and of its type."""

    codes = ("E326",)

    def facts(self, pipeline_file: PipelineFile) -> Iterator[Fact]:
        model = pipeline_file.declared
        for name, param in model.params.items() if model else ():
            values = (pipeline_file.stem, name, param.model_dump_json())
            yield fact(pipeline_file, "param", values, ("params", name))

    def judge(self, project: Project, facts: list[Fact]) -> Iterator[Diagnostic]:
        environments = project.environments.environments if project.environments else {}
        file = project.environments_file
        for label, environment in environments.items():
            for name, value in environment.params.items():
                keys = ("environments", label, "params", name)
                having = [known.values for known in facts if _is_meant(name, *known.values[:2])]
                if not having:
                    hint = did_you_mean(name, {known.values[1] for known in facts})
                    message = f"no pipeline has a param '{name}'"
                    yield file.diagnostic(keys, "E326", message, hint, of_key=True)
                for pipeline, _, declared in having:
                    try:
                        Param.model_validate_json(declared).read(value)
                    except ValueError as error:
                        yield file.diagnostic(keys, "E326", f"for '{pipeline}', {error}")


class Scheduled(Rule):
    """A pipeline with a schedule has values for its params: nobody is there to give one."""

    codes = ("E327",)

    def check(self, project: Project, files: list[Checked]) -> Iterator[Diagnostic]:
        environments = project.environments.environments if project.environments else {}
        for checked in files:
            pipeline = checked.pipeline
            for name, param in pipeline.params.items():
                if param.default is not None or (pipeline.schedule == NONE and not pipeline.after):
                    continue
                without = [
                    label
                    for label, environment in environments.items()
                    if not _given(name, pipeline, environment)
                ]
                if without:
                    message = f"'{name}' has no value in '{without[0]}', and runs by schedule"
                    hint = f"give it a default, or write it under `params` of '{without[0]}'"
                    keys = ("params", name)
                    yield checked.pipeline_file.file.diagnostic(
                        keys, "E327", message, hint, of_key=True
                    )


def _is_meant(name: str, pipeline: str, param: str) -> bool:
    """Whether a name, written `param` or `pipeline.param`, means a pipeline's param."""
    return name in (param, f"{pipeline}.{param}")


def _given(name: str, pipeline: Pipeline, environment: Environment) -> bool:
    return name in environment.params or f"{pipeline.name}.{name}" in environment.params
