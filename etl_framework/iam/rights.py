"""The least rights that a project's pipelines need in one environment."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from etl_framework.connections.redshift.connection import Redshift
from etl_framework.connections.s3 import S3
from etl_framework.engines.base import engine_of
from etl_framework.iam.buckets import Buckets, below, pattern_of
from etl_framework.iam.cluster import copy_trust, way_in
from etl_framework.iam.facts import Facts
from etl_framework.iam.grants import Grants, grants
from etl_framework.iam.network import Ingress, ingress
from etl_framework.iam.policy import Statement, documents
from etl_framework.iam.secrets import secrets, topics
from etl_framework.project.environments import REPORT_MARK, Environment
from etl_framework.project.models import Pipeline
from etl_framework.project.project import Project
from etl_framework.sources.files import FilesSource

NO_SLASH = ", without a slash at its end"


@dataclass(frozen=True)
class CopyRole:
    """The role that Redshift assumes to read what it loads."""

    trust: dict[str, Any]
    policies: list[dict[str, Any]]


@dataclass(frozen=True)
class Rights:
    """All rights that the pipelines need.

    :param parameters: the description of every unknown fact, which appears as `${name}`.
    :param execution: policies for MWAA's execution role, besides those that MWAA itself needs.
    """

    environment: str
    parameters: dict[str, str]
    execution: list[dict[str, Any]]
    copy_role: CopyRole | None
    grants: list[Grants]
    ingress: list[Ingress]


@dataclass(frozen=True)
class Wanted:
    """What the caller wants that the project's files do not say.

    :param addresses: ranges that may reach the databases, besides MWAA.
    :param secrets: whether connections and variables lie in Secrets Manager.
    :param may_create: whether runs create their tables.
    """

    addresses: Sequence[str] = ()
    secrets: bool = True
    may_create: bool = False


def rights_of(
    project: Project, environment: str | None, facts: Facts, wanted: Wanted | None = None
) -> Rights:
    """The rights that the pipelines need, read from the project's files alone.

    :raises ConfigError: a given fact or address is not valid.
    """
    wanted = wanted or Wanted()
    if project.environment(environment).place_as_written.fixed:
        project = project.at(environment)
    used = project.environment(environment)
    pipelines = project.models
    rights = Rights(
        environment=project.environment_name(environment),
        parameters={},
        execution=documents(_execution(facts, used, pipelines, wanted)),
        copy_role=_copy_role(facts, used, pipelines),
        grants=list(grants(facts, used, pipelines, may_create=wanted.may_create)),
        ingress=list(ingress(facts, used, pipelines, wanted.addresses)),
    )
    facts.refuse_unknown()
    rights.parameters.update(facts.parameters)
    return rights


def _execution(
    facts: Facts, used: Environment, pipelines: list[Pipeline], wanted: Wanted
) -> Iterator[Statement]:
    buckets = Buckets(facts)
    for pipeline in pipelines:
        for source in _files(used, pipeline):
            _use_files(buckets, used, source)
        if used.may_stage_in_s3:
            bucket, prefix, key = _staging(facts, used)
            place = used.place_as_written
            folder = place.folder if place.fixed else "place-*"
            objects = below(prefix, "/".join(filter(None, (folder, pipeline.name, "*"))))
            buckets.read(bucket, objects, key)
            buckets.write(bucket, objects, key)
            buckets.delete(bucket, objects)
    if used.report:
        _publish(buckets, used, used.report)
    yield from buckets.statements()
    for name, connection in used.used(pipelines).items():
        if isinstance(connection, Redshift):
            yield from way_in(facts, name, connection)
    if wanted.secrets:
        yield from secrets(facts, used, pipelines)
    yield from topics(pipelines)


def _use_files(buckets: Buckets, used: Environment, source: FilesSource) -> None:
    bucket, prefix, key = _place(buckets.facts, used.connections[source.connection])
    pattern = pattern_of(prefix, source.path)
    buckets.read(bucket, pattern, key)
    if source.archive:
        buckets.move(bucket, pattern, pattern_of(prefix, source.archived_path), key)


def _publish(buckets: Buckets, used: Environment, report: str) -> None:
    """What `etl report --publish` does: of all objects, it reads the mark alone."""
    connection = used.report_connection or used.staging_connection
    bucket, prefix, key = _in_s3(buckets.facts, used, report, connection)
    pages = below(prefix, "*")
    buckets.list_(bucket, pages)
    buckets.read_one(bucket, below(prefix, REPORT_MARK), key)
    buckets.write(bucket, pages, key)
    buckets.delete(bucket, pages)


def _copy_role(facts: Facts, used: Environment, pipelines: list[Pipeline]) -> CopyRole | None:
    """The role of COPY, which reads staging and, where the cluster computes, sources' files.

    Where the cluster gives rows to the workers, UNLOAD writes them with the same role.
    """
    connections: dict[str, Redshift] = {}
    buckets = Buckets(facts)
    for pipeline in pipelines:
        clusters = {
            name: connection
            for name, connection in used.used([pipeline]).items()
            if isinstance(connection, Redshift)
        }
        if not clusters:
            continue
        connections |= clusters
        bucket, prefix, key = _staging(facts, used)
        buckets.read(bucket, below(prefix, f"{pipeline.name}/*"), key)
        engine = engine_of(used)
        if engine.unloads(pipeline):
            buckets.write(bucket, below(prefix, f"{pipeline.name}/*/loads/*"), key)
        for source in _files(used, pipeline):
            if not engine.reads(source):
                continue  # its files come through the worker, and are staged
            bucket, prefix, key = _place(facts, used.connections[source.connection])
            buckets.read(bucket, pattern_of(prefix, source.path), key)
            if source.archive:
                buckets.read(bucket, pattern_of(prefix, source.archived_path), key)
    if not connections:
        return None
    trust = copy_trust(facts, dict(sorted(connections.items())))
    return CopyRole(trust, documents(buckets.statements()))


def _files(used: Environment, pipeline: Pipeline) -> Iterator[FilesSource]:
    for source in pipeline.sources.values():
        if isinstance(source, FilesSource) and isinstance(used.connections[source.connection], S3):
            yield source


def _place(facts: Facts, connection: Any) -> tuple[str, str, str | None]:
    """The bucket, the prefix and the KMS key of a connection."""
    key = facts.text(connection.kms_key) if connection.kms_key else None
    return facts.text(connection.bucket), facts.text(connection.prefix, NO_SLASH), key


def _staging(facts: Facts, used: Environment) -> tuple[str, str, str | None]:
    return _in_s3(facts, used, used.staging, used.staging_connection)


def _in_s3(
    facts: Facts, used: Environment, address: str, name: str | None
) -> tuple[str, str, str | None]:
    """The bucket, the prefix and the KMS key of `s3://bucket/prefix`, reached by a connection."""
    bucket, _, prefix = facts.text(address, NO_SLASH).removeprefix("s3://").partition("/")
    known = used.connections.get(name or "")
    key = known.kms_key if isinstance(known, S3) else None
    return bucket, prefix.strip("/"), facts.text(key) if key else None
