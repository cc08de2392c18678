"""Rights on secrets: the connections and variables of Airflow that the project names.

Source: MWAA's User Guide, "Configuring an Apache Airflow connection using an AWS Secrets Manager
secret". Secrets Manager ends a secret's ARN with six random characters.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from etl_framework.iam.facts import Facts
from etl_framework.iam.policy import Statement
from etl_framework.model import Model
from etl_framework.project.environments import Environment
from etl_framework.project.models import Pipeline
from etl_framework.project.notify import Sns

_VARIABLE = re.compile(r"\{\{[^}]*?\bvar\.(\w+)")


def secrets(facts: Facts, used: Environment, pipelines: Iterable[Pipeline]) -> Iterator[Statement]:
    """The right to read the named connections and variables, and no others."""
    folders = (
        (facts.fact("connections_prefix", "Where connections lie."), connections(used, pipelines)),
        (facts.fact("variables_prefix", "Where variables lie."), variables(used)),
    )
    arns = [
        facts.arn("secretsmanager", f"secret:{folder}/{name}-??????")
        for folder, names in folders
        for name in sorted(names)
    ]
    if arns:
        yield Statement("ReadSecrets", ("secretsmanager:GetSecretValue",), arns)


def topics(pipelines: Iterable[Pipeline]) -> Iterator[Statement]:
    """The right to publish to the topics of SNS that the pipelines name."""
    arns = [channel.topic for p in pipelines for channel in p.notify if isinstance(channel, Sns)]
    if arns:
        yield Statement("Notify", ("sns:Publish",), arns)


def connections(used: Environment, pipelines: Iterable[Pipeline]) -> set[str]:
    """The connections of Airflow that an environment and its pipelines name."""
    blocks: list[Model] = [*used.connections.values(), *(n for p in pipelines for n in p.notify)]
    return {
        value
        for block in blocks
        for key in ("conn_id", "aws_conn_id")
        if (value := getattr(block, key, None))
    }


def variables(used: Environment) -> set[str]:
    """The variables of Airflow that an environment names."""
    return set(_VARIABLE.findall(used.model_dump_json()))
