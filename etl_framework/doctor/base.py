"""What an examination is: one thing that can go wrong outside of the project's files."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import ClassVar

from etl_framework.config.environments import Environment
from etl_framework.config.models import Pipeline
from etl_framework.config.project import Project
from etl_framework.connections.base import Connection
from etl_framework.connections.s3 import S3
from etl_framework.errors import Diagnostic
from etl_framework.mwaa.versions import EnvironmentClass, MwaaVersion

STAGING = "staging"
ONCE = 1


@dataclass(frozen=True)
class Patient:
    """A project in one environment, and what it is to run on.

    :param target: the version of MWAA, if one is meant.
    :param size: the class of its environment.
    """

    project: Project
    name: str
    environment: Environment
    target: MwaaVersion | None = None
    size: EnvironmentClass | None = None

    @property
    def pipelines(self) -> list[Pipeline]:
        """Those that could be read."""
        return [found.model for found in self.project.pipelines if found.model]

    @property
    def connections(self) -> dict[str, Connection]:
        """The connections that pipelines or staging use."""
        used = {
            name
            for pipeline in self.pipelines
            for name in (
                *(source.connection for source in pipeline.sources.values()),
                *(kpi.target.connection for kpi in pipeline.kpis.values()),
            )
        }
        used |= {self.environment.staging_connection or ""}
        return {n: c for n, c in sorted(self.environment.connections.items()) if n in used}

    def buckets(self) -> dict[str, S3]:
        """Those of them that are buckets."""
        return {n: c for n, c in self.connections.items() if isinstance(c, S3)}

    def at(
        self, connection: str, code: str, message: str, hint: str = "", *, warning: bool = False
    ) -> Diagnostic:
        """A problem of a connection, where `environments.yml` has it; or of staging."""
        keys = ("environments", self.name, "connections", connection)
        if connection == STAGING:
            keys = ("environments", self.name, STAGING, "")
        said = f"{connection}: {message}"
        found = self.project.environments_file.diagnostic(keys, code, said, hint, of_key=True)
        return replace(found, severity="warning") if warning else found


class Examination:
    """One thing that can go wrong. Its docstring says what."""

    codes: ClassVar[tuple[str, ...]] = ()
    # 0: before anything is opened; 1: whether connections answer; 2: of those that do.
    stage: ClassVar[int] = 0
    seconds: ClassVar[float] = 15.0

    def subjects(self, patient: Patient) -> list[str]:
        """What it looks at, one by one, by the names of connections; "" for the whole."""
        return [""]

    def examine(self, patient: Patient, subject: str) -> Iterator[Diagnostic]:
        """Every problem of one subject."""
        raise NotImplementedError
