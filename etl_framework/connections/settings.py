"""Settings that a file refers to by name: environment variables and Airflow Variables."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from jinja2 import TemplateError

from etl_framework.connections.lookup import current
from etl_framework.errors import ConfigError
from etl_framework.sql.templates import render_text


class _Named:
    """Looks up `env.X` or `var.x` when it is used, never earlier."""

    def __init__(self, find: Callable[[str], str | None]) -> None:
        self._find = find

    def __getattr__(self, name: str) -> str:
        value = None if name.startswith("_") else self._find(name)
        if value is None:
            raise AttributeError(name)
        return value


def resolve(text: str, *, setting: str) -> str:
    """Return the value of a setting such as `{{ env.MUSIC_RDS_URL }}`.

    `{{ var.x }}` is an Airflow Variable. Outside Airflow its value comes from the environment
    variable AIRFLOW_VAR_X, which Airflow itself reads, too.

    :raises ConfigError: a variable is not set; the error names the variable, never a value.
    """
    known = {"env": _Named(os.environ.get), "var": _Named(current().variable)}
    try:
        return render_text(text, known)
    except TemplateError as error:
        raise ConfigError(
            f"{setting} is {text}, which cannot be looked up",
            hint="set the environment variable; for {{ var.x }} it is AIRFLOW_VAR_X",
        ) from error


def load_env_file(file: Path) -> None:
    """Set the variables of a file of NAME=value lines, unless they are set already.

    :raises ConfigError: the file does not exist.
    """
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise ConfigError(
            f"the file {file.name} that the environment's `env_file` names is not there",
            hint="for the environments of `etl dev`: etl dev up",
        ) from error
    for line in lines:
        name, equals, value = line.strip().partition("=")
        if equals and not name.startswith("#"):
            os.environ.setdefault(name.strip(), value.strip())
