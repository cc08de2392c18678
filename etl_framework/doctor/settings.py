"""Connections and variables that settings name and that do not exist."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator

from etl_framework.connections.lookup import current
from etl_framework.doctor.base import STAGING, Examination, Patient
from etl_framework.errors import ConfigError, Diagnostic

_NAMED = re.compile(r"\{\{[^}]*?\b(env|var)\.(\w+)")


class Settings(Examination):
    """A variable, or a connection of Airflow, is missing; messages show names, never values."""

    codes = ("D301", "D302")

    def subjects(self, patient: Patient) -> list[str]:
        return [*patient.connections, *([STAGING] if patient.environment.may_stage_in_s3 else [])]

    def examine(self, patient: Patient, subject: str) -> Iterator[Diagnostic]:
        connection = patient.connections.get(subject)
        text = connection.model_dump_json() if connection else patient.environment.staging
        for kind, name in sorted(set(_NAMED.findall(text))):
            find = os.environ.get if kind == "env" else current().variable
            if not find(name):
                where = name if kind == "env" else f"AIRFLOW_VAR_{name.upper()}"
                hint = f"set {where}" + (
                    "" if kind == "env" else ", or make the variable in Airflow"
                )
                yield patient.at(subject, "D302", f"the variable {name} is not set", hint)
        for key in ("conn_id", "aws_conn_id"):
            if conn_id := getattr(connection, key, None):
                try:
                    current().login(conn_id)
                except ConfigError as error:
                    first = error.diagnostics[0]
                    yield patient.at(subject, "D301", first.message, first.hint)
