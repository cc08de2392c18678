"""Secrets in wrong places: in a file, in git, or in a variable that many may read."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from urllib.parse import urlsplit

from etl_framework.connections.lookup import current
from etl_framework.doctor.base import Examination, Patient
from etl_framework.errors import Diagnostic
from etl_framework.lint.base import Checked
from etl_framework.lint.rules.dags import Passwords
from etl_framework.lint.rules.secrets import LiteralSecret

_VARIABLE = re.compile(r"\{\{[^}]*?\bvar\.(\w+)")


class SecretsInFiles(Examination):
    """A file of the project holds a secret, or takes a password from a variable of Airflow."""

    codes = ("D601",)

    def examine(self, patient: Patient, subject: str) -> Iterator[Diagnostic]:
        nothing: list[Checked] = []
        for rule in (LiteralSecret(), Passwords()):
            for diagnostic in rule.check(patient.project, nothing):
                yield replace(diagnostic, code="D601")


class SecretsInGit(Examination):
    """The file of variables is kept out of git."""

    codes = ("D602",)

    def examine(self, patient: Patient, subject: str) -> Iterator[Diagnostic]:
        file = patient.environment.env_file
        if not file:
            return
        command = ["git", "ls-files", "--error-unmatch", "--", file]
        try:
            done = subprocess.run(
                command, cwd=patient.project.root, capture_output=True, check=False, timeout=10
            )
        except OSError:  # git is not installed
            return
        if done.returncode == 0:
            keys = ("environments", patient.name, "env_file")
            message = f"git tracks {file}, which holds secrets"
            hint = f"git rm --cached {file}, add it to .gitignore, and change what is in it"
            yield patient.project.environments_file.diagnostic(keys, "D602", message, hint)


class SecretsInVariables(Examination):
    """A variable of Airflow holds a password, which all who may read variables can see."""

    codes = ("D603",)

    def subjects(self, patient: Patient) -> list[str]:
        return list(patient.connections)

    def examine(self, patient: Patient, subject: str) -> Iterator[Diagnostic]:
        text = patient.connections[subject].model_dump_json()
        for name in sorted(set(_VARIABLE.findall(text))):
            if _has_password(current().variable(name) or ""):
                message = f"Airflow's variable {name} is a URL with a password"
                hint = "keep it in a connection of Airflow: `conn_id`"
                yield patient.at(subject, "D603", message, hint, warning=True)


def _has_password(value: str) -> bool:
    try:
        return "://" in value and bool(urlsplit(value).password)
    except ValueError:
        return False
