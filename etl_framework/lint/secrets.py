"""Rules about secrets and the ways that they travel."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from urllib.parse import urlsplit

from etl_framework.config.project import Project
from etl_framework.config.yaml_file import texts
from etl_framework.errors import Diagnostic
from etl_framework.lint.base import Checked, Rule

_SECRET_KEY = re.compile(r"password|secret|token|access_key|private_key", re.IGNORECASE)
_AWS_KEY = re.compile(r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b")
_WEAK = {"disable", "allow", "prefer"}
HINT = 'refer to it: "{{ env.RDS_PASSWORD }}", or a connection of Airflow by conn_id'


class LiteralSecret(Rule):
    """No password, key or token stands in a file: files are copied, shown and kept for ever."""

    codes = ("E701",)

    def check(self, project: Project, files: list[Checked]) -> Iterator[Diagnostic]:
        for file in (project.environments_file, *(found.file for found in project.pipelines)):
            for keys, value in texts(file.data):
                if "{{" in value or "{%" in value:
                    continue
                name = str(keys[-1]) if keys else ""
                if _AWS_KEY.search(value) or (_is_secret(name) and value):
                    yield file.diagnostic(keys, "E701", "a secret stands in the file", HINT)
                elif _password_in_url(value):
                    yield file.diagnostic(keys, "E701", "a URL with a password in it", HINT)


class UnverifiedTls(Rule):
    """A connection asks for a certificate and looks at it."""

    codes = ("W702",)

    def check(self, project: Project, files: list[Checked]) -> Iterator[Diagnostic]:
        file = project.environments_file
        for keys, value in texts(file.data):
            name = str(keys[-1]) if keys else ""
            mode = value if name == "sslmode" else _mode_in_url(value)
            if mode in _WEAK:
                message = f"sslmode '{mode}' may talk in the clear, to anybody"
                hint = "write verify-full, with ssl_root_cert where the authority is your own"
                yield replace(file.diagnostic(keys, "W702", message, hint), severity="warning")


def _is_secret(name: str) -> bool:
    return bool(_SECRET_KEY.search(name)) and not name.endswith(("_file", "_arn", "_id"))


def _password_in_url(value: str) -> bool:
    try:
        return "://" in value and bool(urlsplit(value).password)
    except ValueError:
        return False


def _mode_in_url(value: str) -> str:
    found = re.search(r"[?&]sslmode=([\w-]+)", value) if "://" in value else None
    return found[1] if found else ""
