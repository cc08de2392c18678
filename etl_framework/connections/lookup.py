"""Look up variables and connections, in Airflow or in the environment.

Outside Airflow both are read from the environment variables that Airflow itself reads:
AIRFLOW_VAR_X is the variable `x`, AIRFLOW_CONN_X is the connection `x`. Inside a task Airflow looks
them up, also in its secrets backend.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from jinja2 import TemplateError

from etl_framework.errors import ConfigError
from etl_framework.errors.secrets import keep_address, keep_secret, names_a_secret
from etl_framework.sql.templates import render_text


@dataclass(frozen=True)
class Login:
    """The settings of an Airflow connection; its repr and messages show no secret.

    :param extra: further settings by name.
    """

    host: str = ""
    port: int | None = None
    user: str = ""
    password: str = field(default="", repr=False)
    database: str = ""
    extra: Mapping[str, Any] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        keep_secret(self.password)
        keep_address(json.dumps(dict(self.extra), default=str))


class Lookup:
    """Variables and connections from the environment."""

    def variable(self, name: str) -> str | None:
        """Return a variable; None if there is none."""
        return os.environ.get(f"AIRFLOW_VAR_{name.upper()}")

    def login(self, conn_id: str) -> Login:
        """Return a connection.

        :raises ConfigError: there is no such connection, or it cannot be read.
        """
        name = f"AIRFLOW_CONN_{conn_id.upper()}"
        text = os.environ.get(name)
        keep_address(text)
        if text is None:
            raise ConfigError(
                f"there is no connection '{conn_id}'",
                hint=f"make it in Airflow; outside Airflow set {name}",
            )
        try:
            return _of_json(text) if text.lstrip().startswith("{") else _of_url(text)
        except (ValueError, AttributeError):
            raise ConfigError(
                f"{name} is neither a URL nor JSON",
                hint='{"conn_type": "postgres", "host": "...", "login": "...", ...}',
            ) from None

    def aws(self, conn_id: str, service: str, region: str | None) -> tuple[Any, str | None]:
        """Return a boto3 session, and the address of the service if it is not AWS's own.

        :raises ConfigError: there is no such connection.
        """
        import boto3

        login = self.login(conn_id)
        session = boto3.session.Session(
            aws_access_key_id=login.user or None,
            aws_secret_access_key=login.password or None,
            aws_session_token=login.extra.get("aws_session_token"),
            region_name=region or login.extra.get("region_name"),
            profile_name=login.extra.get("profile_name"),
        )
        of_service = login.extra.get("service_config", {}).get(service, {})
        return session, of_service.get("endpoint_url") or login.extra.get("endpoint_url")


def current() -> Lookup:
    """Return the lookup that is in use."""
    return _asked[-1]


def use(lookup: Lookup) -> None:
    """Use this lookup from now on, in this process."""
    _asked[:] = [lookup]


_asked = [Lookup()]


def _of_json(text: str) -> Login:
    connection = json.loads(text)
    extra = connection.get("extra") or {}
    return Login(
        host=connection.get("host") or "",
        port=int(connection["port"]) if connection.get("port") else None,
        user=connection.get("login") or "",
        password=connection.get("password") or "",
        database=connection.get("schema") or "",
        extra=json.loads(extra) if isinstance(extra, str) else extra,
    )


def _of_url(text: str) -> Login:
    parts = urlsplit(text)
    extra = dict(parse_qsl(parts.query))
    extra |= json.loads(extra.pop("__extra__", "{}"))
    return Login(
        host=unquote(parts.hostname or ""),
        port=parts.port,
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        database=unquote(parts.path.lstrip("/")),
        extra=extra,
    )


class _Named:
    """Looks up `env.X` or `var.x` when it is used, never earlier."""

    def __init__(self, find: Callable[[str], str | None]) -> None:
        self._find = find

    def __getattr__(self, name: str) -> str:
        value = None if name.startswith("_") else self._find(name)
        if value is None:
            raise AttributeError(name)
        if names_a_secret(name):
            keep_secret(value)
        return value


def resolve(text: str, *, setting: str) -> str:
    """Return the value of a setting such as `{{ env.MUSIC_RDS_URL }}`.

    `{{ var.x }}` is an Airflow Variable. Outside Airflow its value comes from the environment
    variable AIRFLOW_VAR_X, which Airflow itself reads, too.

    :raises ConfigError: a variable is not set; the error names the variable, never a value.
    """
    known = {"env": _Named(os.environ.get), "var": _Named(current().variable)}
    try:
        value = render_text(text, known)
    except TemplateError as error:
        raise ConfigError(
            f"{setting} is {text}, which cannot be looked up",
            hint="set the environment variable; for {{ var.x }} it is AIRFLOW_VAR_X",
        ) from error
    if names_a_secret(setting):
        keep_secret(value)
    keep_address(value)
    return value
