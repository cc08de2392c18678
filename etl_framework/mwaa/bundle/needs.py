"""The names of the packages, connections, variables and secrets that pipelines need to run."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from etl_framework.errors import Diagnostic
from etl_framework.project.environments import Environment
from etl_framework.project.models import Pipeline
from etl_framework.project.project import Project
from etl_framework.project.yaml_file import Keys

_REFERENCE = re.compile(r"\b(var|env)\.(\w+)")
_LOGINS = ("postgres", "redshift")
# Types of connections that exist on one machine only, each with what to use instead.
_ELSEWHERE = {"directory": "s3", "duckdb": "redshift"}


@dataclass(frozen=True)
class Needs:
    """The names of what pipelines need, sorted and without duplicates."""

    requirements: tuple[str, ...]
    connections: tuple[str, ...]
    variables: tuple[str, ...]
    secrets: tuple[str, ...]


def needs_of(pipelines: Sequence[Pipeline], environment: Environment) -> Needs:
    """What pipelines need in an environment."""
    connections, variables, secrets = set[str](), set[str](), set[str]()
    for keys, kind, name in _references(pipelines, environment):
        if kind == "var":
            variables.add(name)
        if keys[-1] in ("url", "password"):
            secrets.add(f"variable:{name}" if kind == "var" else f"env:{name}")
    for used in environment.used(pipelines):
        model = environment.connections[used]
        for field in ("conn_id", "aws_conn_id"):
            if conn_id := getattr(model, field, None):
                connections.add(conn_id)
                if field == "conn_id" and getattr(model, "type", "") in _LOGINS:
                    secrets.add(f"connection:{conn_id}")
    for channel in (channel for pipeline in pipelines for channel in pipeline.notify):
        connections.add(channel.conn_id)
        if channel.type != "sns":
            secrets.add(f"connection:{channel.conn_id}")
    return Needs(
        _requirements(pipelines),
        tuple(sorted(connections)),
        tuple(sorted(variables)),
        tuple(sorted(secrets)),
    )


def not_on_mwaa(
    project: Project, pipelines: Sequence[Pipeline], label: str
) -> Iterator[Diagnostic]:
    """A finding for every setting that MWAA's workers cannot use: local files and variables."""
    environment, file = project.environment(label), project.environments_file
    above: Keys = ("environments", label)
    others = set(project.environments.environments if project.environments else ()) - {label}
    hint = f"name another environment: --env {' | '.join(sorted(others))}" if others else ""
    if not environment.staging.startswith(("s3://", "{{")):
        message = f"'{label}' keeps staging on one machine, and the tasks of MWAA run on several"
        yield file.diagnostic((*above, "staging"), "B101", message, hint or "write s3://...")
    for name in environment.used(pipelines):
        model = environment.connections[name]
        kind = "embedded" if getattr(model, "embedded", None) else getattr(model, "type", "")
        if kind in ("embedded", *_ELSEWHERE):
            message = f"the connection '{name}' of '{label}' is {kind}: on one machine only"
            yield file.diagnostic((*above, "connections", name), "B101", message, hint)
    if environment.env_file:
        message = f"'{label}' reads the file {environment.env_file}, which a bundle does not carry"
        yield file.diagnostic((*above, "env_file"), "B101", message, hint)
    for keys, kind, name in _references(pipelines, environment):
        if kind == "env":
            message = f"the environment variable {name} is not set on MWAA"
            instead = f"write a conn_id, or {{{{ var.{name.lower()} }}}}"
            yield file.diagnostic((*above, *keys), "B102", message, instead)


def _references(
    pipelines: Sequence[Pipeline], environment: Environment
) -> Iterator[tuple[Keys, str, str]]:
    """Each reference to a variable: its place in the file, `var` or `env`, and the name."""
    used = environment.used(pipelines)
    texts: list[tuple[Keys, object]] = [
        (("staging",), environment.staging),
        (("report",), environment.report),
    ]
    for name in used:
        for key, value in environment.connections[name].model_dump().items():
            texts.append((("connections", name, key), value))
    for keys, value in texts:
        if isinstance(value, str) and "{{" in value:
            yield from ((keys, kind, name) for kind, name in _REFERENCE.findall(value))


def _requirements(pipelines: Sequence[Pipeline]) -> tuple[str, ...]:
    requirements = {"etl-framework[aws]", "dag-factory>=1.1"}
    if any(query.python for pipeline in pipelines for query in pipeline.transforms.values()):
        requirements.add("etl-framework[pandas]")
    if any(channel.type == "slack" for pipeline in pipelines for channel in pipeline.notify):
        requirements.add("apache-airflow-providers-slack")
    return tuple(sorted(requirements))
