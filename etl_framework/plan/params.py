"""Give the params of a pipeline their values: of the run, of the environment, or by default."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from etl_framework.errors import ConfigError, Diagnostic
from etl_framework.project.environments import Environment
from etl_framework.project.params import Param, Scalar, with_values
from etl_framework.project.project import PipelineFile

# What a value may be made of in a path, so that it is one name in it.
_IN_PATH = re.compile(r"[\w .=@+-]+")


def with_params(
    pipeline_file: PipelineFile, environment: Environment, given: Mapping[str, object]
) -> tuple[PipelineFile, tuple[Diagnostic, ...]]:
    """A pipeline's file whose model has the values of a run.

    :param given: the run's own; those of other pipelines may be among them.
    :returns: the file, and which params have no value: templates see a sample of theirs.
    :raises ConfigError: values are wrong; the error holds every problem.
    """
    declared = pipeline_file.declared
    if declared is None or not declared.params:
        return pipeline_file, ()
    problems, unset, values = list[Diagnostic](), list[Diagnostic](), dict[str, Scalar]()
    for name, param in declared.params.items():
        try:
            value = _value(declared.name, name, param, environment, given)
        except ValueError as error:
            problems.append(_problem(pipeline_file, name, str(error)))
            continue
        if value is None:
            hint = f"etl run {declared.name} --var {name}=..., or give it a default"
            unset.append(_problem(pipeline_file, name, f"'{name}' has no value", hint))
        elif _in_a_path(pipeline_file, name) and not _IN_PATH.fullmatch(str(value)):
            problems.append(_problem(pipeline_file, name, f"'{value}' is no name in a path"))
        else:
            values[name] = value
    if problems:
        raise ConfigError([*problems, *unset])
    return replace(pipeline_file, model=with_values(declared, values)), tuple(unset)


def _value(
    pipeline: str,
    name: str,
    param: Param,
    environment: Environment,
    given: Mapping[str, object],
) -> Scalar | None:
    """The value of a param; None if nothing gives it one.

    :raises ValueError: it is a wrong one.
    """
    everywhere = environment.params.get(name, param.default)
    value = given.get(name, environment.params.get(f"{pipeline}.{name}", everywhere))
    return None if value is None else param.read(value)


def _problem(pipeline_file: PipelineFile, name: str, message: str, hint: str = "") -> Diagnostic:
    keys = ("params", name)
    return pipeline_file.file.diagnostic(keys, "E326", message, hint, of_key=True)


def _in_a_path(pipeline_file: PipelineFile, name: str) -> bool:
    sources = pipeline_file.declared.sources.values() if pipeline_file.declared else ()
    pattern = re.compile(rf"params\.{name}\b")
    return any(pattern.search(str(getattr(source, "path", ""))) for source in sources)
