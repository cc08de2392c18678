"""Connections that do not check who answers."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

from etl_framework.connections.lookup import resolve
from etl_framework.connections.postgres import Postgres
from etl_framework.connections.redshift.connection import Redshift
from etl_framework.connections.s3 import S3
from etl_framework.doctor.base import Examination, Patient
from etl_framework.errors import Diagnostic

HERE = ("localhost", "127.0.0.1", "::1")
CHECKED = ("verify-full", "verify-ca")


class UncheckedTls(Examination):
    """The server may be somebody else's, or others on the network may read the traffic."""

    codes = ("D314",)
    stage = 2

    def subjects(self, patient: Patient) -> list[str]:
        return list(patient.connections)

    def examine(self, patient: Patient, subject: str) -> Iterator[Diagnostic]:
        connection = patient.connections[subject]
        if isinstance(connection, S3) and connection.endpoint_url:
            url = urlsplit(resolve(connection.endpoint_url, setting="endpoint_url"))
            if url.scheme != "https" and url.hostname not in HERE:
                yield patient.at(subject, "D314", "S3 is spoken to in the clear", "write https://")
            return
        mode = self._mode(patient, connection)
        if mode is None or mode in CHECKED:
            return
        clear = mode in ("disable", "allow", "prefer")
        what = "may be in the clear" if clear else "the certificate is not looked at"
        yield patient.at(
            subject,
            "D314",
            f"sslmode is '{mode}': {what}",
            "write verify-full, with the file of Amazon's authorities as sslrootcert",
            warning=not clear,
        )

    def _mode(self, patient: Patient, connection: object) -> str | None:
        """The mode in which a certificate is checked; None if none is used, as on a Unix socket."""
        if isinstance(connection, Redshift) and connection.driver != "data_api":
            return connection.settings().get("ssl_mode", connection.ssl_mode)
        if not isinstance(connection, Postgres) or connection.embedded:
            return None
        with_address = connection.connect(patient.project.root)
        try:
            told = with_address.get_dsn_parameters()
        finally:
            with_address.close()
        return None if told.get("host", "/").startswith("/") else told.get("sslmode", "prefer")
