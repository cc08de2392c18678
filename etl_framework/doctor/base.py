"""The base of examinations; each looks at one thing that can go wrong outside the project."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import ClassVar

from etl_framework.connections.base import Connection
from etl_framework.connections.s3 import S3
from etl_framework.errors import Diagnostic
from etl_framework.platforms.mwaa import EnvironmentClass, MwaaVersion
from etl_framework.project.environments import Environment
from etl_framework.project.models import Pipeline
from etl_framework.project.project import Project
from etl_framework.project.workspace import Workspace

STAGING = "staging"
ONCE = 1


@dataclass(frozen=True)
class Patient:
    """A project in one environment, and what it is to run on.

    :param target: the version of MWAA; None if it does not run on MWAA.
    :param size: the class of MWAA's environment.
    """

    project: Project
    name: str
    environment: Environment
    target: MwaaVersion | None = None
    size: EnvironmentClass | None = None

    @property
    def pipelines(self) -> list[Pipeline]:
        """The pipelines whose files could be read."""
        return self.project.models

    @property
    def connections(self) -> dict[str, Connection]:
        """The connections that are used."""
        return self.environment.used(self.pipelines)

    @cached_property
    def workspace(self) -> Workspace:
        """The environment, opened.

        :raises ConfigError: its `env_file` is not there.
        """
        return Workspace(self.project.root, self.environment)

    def buckets(self) -> dict[str, S3]:
        """The used connections that are buckets."""
        return {n: c for n, c in self.connections.items() if isinstance(c, S3)}

    def at(
        self, connection: str, code: str, message: str, hint: str = "", *, warning: bool = False
    ) -> Diagnostic:
        """A problem of a connection or of staging, at its place in `environments.yml`."""
        keys = ("environments", self.name, "connections", connection)
        if connection == STAGING:
            keys = ("environments", self.name, STAGING, "")
        said = f"{connection}: {message}"
        diagnostic = self.project.environments_file.diagnostic(keys, code, said, hint, of_key=True)
        return replace(diagnostic, severity="warning") if warning else diagnostic


class Examination:
    """One thing that can go wrong. Its docstring says what."""

    codes: ClassVar[tuple[str, ...]] = ()
    # 0: before anything is opened; 1: whether connections answer; 2: what those that answer can do.
    stage: ClassVar[int] = 0
    seconds: ClassVar[float] = 15.0

    def subjects(self, patient: Patient) -> list[str]:
        """The names of the connections to examine one by one; "" stands for the whole project."""
        return [""]

    def examine(self, patient: Patient, subject: str) -> Iterator[Diagnostic]:
        """Every problem of a subject."""
        raise NotImplementedError
