"""Rules about secrets in files, and about connections that expose them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from urllib.parse import urlsplit

from etl_framework.errors import Diagnostic
from etl_framework.lint.base import ApartRule, Checked, Fact, Rule, source_of
from etl_framework.lint.files import matching_files
from etl_framework.lint.rules.dags import PATTERNS
from etl_framework.project.project import Project
from etl_framework.project.yaml_file import texts
from etl_framework.sql.template_names import line_and_column

_SECRET_KEY = re.compile(r"password|secret|token|access_key|private_key", re.IGNORECASE)
# Texts that are certainly secrets, by the formats of their issuers.
_ISSUED = re.compile(
    r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b|-----BEGIN (?:\w+ )*PRIVATE KEY-----|\bgh[pousr]_\w{36}\b"
    r"|\bxox[abprs]-[\w-]{10,}|https://hooks\.slack\.com/services/\w+/\w+/\w+"
)
_URL = re.compile(r"\b\w+://[^\s/:@'\"]+:[^\s/@'\"{]+@")
_LOCAL = {"localhost", "127.0.0.1", "::1"}
_WEAK = dict.fromkeys(("disable", "allow", "prefer"), "may talk in the clear, to anybody")
HINT = 'refer to it: "{{ env.RDS_PASSWORD }}", or a connection of Airflow by conn_id'


class LiteralSecret(Rule):
    """No password, key or token stands in a file: files are copied, shown and kept for ever."""

    codes = ("E701",)

    def check(self, project: Project, files: list[Checked]) -> Iterator[Diagnostic]:
        for file in (
            project.environments_file,
            *(pipeline_file.file for pipeline_file in project.pipelines),
        ):
            for keys, value in texts(file.data):
                if "{{" in value or "{%" in value:
                    continue
                name = str(keys[-1]) if keys else ""
                if _ISSUED.search(value) or (_is_secret(name) and value):
                    yield file.diagnostic(keys, "E701", "a secret stands in the file", HINT)
                elif _password_in_url(value):
                    yield file.diagnostic(keys, "E701", "a URL with a password in it", HINT)

        for checked in files:
            for path, text in checked.templates.items():
                yield from _in_text(path, text)


class SecretInDag(ApartRule):
    """The same of the files of Python under `dags/`."""

    codes = ("E701",)
    reads = PATTERNS

    def judge(self, project: Project, facts: list[Fact]) -> Iterator[Diagnostic]:
        for path in matching_files(project.root, self.reads):
            yield from _in_text(path, source_of(project, path))


class InTheClear(ApartRule):
    """An address of another machine begins with https: what is sent else can be read on its way."""

    codes = ("W703",)

    def judge(self, project: Project, facts: list[Fact]) -> Iterator[Diagnostic]:
        file = project.environments_file
        for keys, value in texts(file.data):
            if value.startswith("http://") and urlsplit(value).hostname not in _LOCAL:
                message, hint = "what goes there can be read on its way", "write https://"
                yield replace(file.diagnostic(keys, "W703", message, hint), severity="warning")


class UnverifiedTls(ApartRule):
    """A connection asks for a certificate and looks at it."""

    codes = ("W702",)

    def judge(self, project: Project, facts: list[Fact]) -> Iterator[Diagnostic]:
        file = project.environments_file
        for keys, value in texts(file.data):
            name = str(keys[-1]) if keys else ""
            mode = value if name in ("sslmode", "ssl_mode") else _mode_in_url(value)
            if mode in _WEAK or (mode == "require" and name == "ssl_mode"):
                message = f"sslmode '{mode}' {_WEAK.get(mode, 'looks at no certificate')}"
                hint = "write verify-full, with ssl_root_cert where the authority is your own"
                yield replace(file.diagnostic(keys, "W702", message, hint), severity="warning")


def _in_text(path: str, text: str) -> Iterator[Diagnostic]:
    for match in [*_ISSUED.finditer(text), *_URL.finditer(text)]:
        place = line_and_column(text, match.start())
        yield Diagnostic(path, *place, "E701", "a secret stands in the file", HINT)


def _is_secret(name: str) -> bool:
    return bool(_SECRET_KEY.search(name)) and not name.endswith(("_file", "_arn", "_id"))


def _password_in_url(value: str) -> bool:
    try:
        return "://" in value and bool(urlsplit(value).password)
    except ValueError:
        return False


def _mode_in_url(value: str) -> str:
    match = re.search(r"[?&]sslmode=([\w-]+)", value) if "://" in value else None
    return match[1] if match else ""
