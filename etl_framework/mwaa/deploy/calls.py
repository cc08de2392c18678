"""Calls to AWS as data, so that a deploy can print them before it makes them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from etl_framework.errors import Diagnostic

_PREFIXES = {"mwaa": "airflow"}  # services that have another prefix in IAM
_ACTIONS = {
    "s3:HeadObject": "s3:GetObject",
    "s3:ListObjectsV2": "s3:ListBucket",
    "s3:CopyObject": "s3:GetObjectVersion and s3:PutObject",
}
READING = ("get_", "list_", "head_", "filter_")


@dataclass(frozen=True)
class Body:
    """A file that is opened when the call is made."""

    path: Path

    def __repr__(self) -> str:
        return f"<{self.path.name}, {self.path.stat().st_size:,} bytes>"


@dataclass(frozen=True)
class VersionOf:
    """Stands for the version that S3 gives an object when an earlier call writes it."""

    key: str

    def __repr__(self) -> str:
        return f"<version of {self.key}>"


class Hidden(str):
    """A text that is sent and never shown."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "'***'"


@dataclass(frozen=True)
class Call:
    """One call: a service, an operation and arguments, as boto3 names them."""

    service: str
    operation: str
    arguments: Mapping[str, Any]

    def __str__(self) -> str:
        shown = (f"{name}={_shown(value)}" for name, value in self.arguments.items())
        return f"{self.service} {self.operation} {' '.join(shown)}"

    @property
    def reads(self) -> bool:
        """Whether the call changes nothing; a GET of Airflow's REST API only reads, too."""
        asks = self.operation == "invoke_rest_api" and self.arguments["Method"] == "GET"
        return asks or self.operation.startswith(READING)

    @property
    def action(self) -> str:
        """The name of the call's action in IAM, such as `s3:PutObject`."""
        name = "".join(part.capitalize() for part in self.operation.split("_"))
        action = f"{_PREFIXES.get(self.service, self.service)}:{name}"
        return _ACTIONS.get(action, action)


def finding(code: str, message: str, hint: str = "", *, warning: bool = False) -> Diagnostic:
    """A problem of a deploy, as a diagnostic that belongs to no file."""
    return Diagnostic("", 0, 0, code, message, hint, "warning" if warning else "error")


def _shown(value: Any) -> str:
    return f"<{len(value):,} bytes>" if isinstance(value, bytes) else repr(value)
