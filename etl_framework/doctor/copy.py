"""Try COPY: load one row from staging into a temporary table, which is gone afterwards."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import suppress
from typing import cast

from etl_framework.connections.redshift.connection import Redshift
from etl_framework.doctor.base import ONCE, Examination, Patient
from etl_framework.errors import Diagnostic, EtlError
from etl_framework.errors.secrets import without_secrets
from etl_framework.sql.quote import redshift_literal

TABLE = "etl_doctor"


class Copying(Examination):
    """Redshift can read staging with the role of the connection."""

    codes = ("D405",)
    stage = 2
    seconds = 30.0

    def subjects(self, patient: Patient) -> list[str]:
        if not patient.pipelines:
            return []
        return [n for n, c in patient.connections.items() if isinstance(c, Redshift)]

    def examine(self, patient: Patient, subject: str) -> Iterator[Diagnostic]:
        connection = cast(Redshift, patient.connections[subject])
        staging = patient.workspace.staging_prefix(attempts=ONCE)
        if staging is None:  # which lint tells of
            return
        place = staging / patient.pipelines[0].name
        name = f"probe-{secrets.token_hex(8)}"
        try:
            place.write(name, b"1\n")
        except EtlError:  # the examination of staging reports this
            return
        role = connection.role()
        session = connection.open_session(patient.project.root)
        try:
            session.run(f"CREATE TEMP TABLE {TABLE} (n integer)")
            by = "default" if role == "default" else redshift_literal(role)
            session.run(f"COPY {TABLE} FROM {redshift_literal(place.uri(name))} IAM_ROLE {by} CSV")
        except EtlError as error:
            told = f"COPY does not work: {without_secrets(error.diagnostics[0].message)}"
            hint = "attach the role to the cluster and let it read staging: etl iam"
            yield patient.at(subject, "D405", told, hint)
        finally:
            session.close()
            with suppress(EtlError):
                place.delete([name])
