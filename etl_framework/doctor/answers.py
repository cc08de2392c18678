"""Connections that do not answer, or refuse the login."""

from __future__ import annotations

import re
from collections.abc import Iterator

from etl_framework.connections.duckdb import DuckDB
from etl_framework.connections.postgres import Postgres
from etl_framework.connections.redshift.connection import Redshift
from etl_framework.connections.s3 import S3
from etl_framework.doctor.base import ONCE, Examination, Patient
from etl_framework.errors import Diagnostic, EtlError
from etl_framework.errors.secrets import without_secrets
from etl_framework.sources.files import FilesSource

# The code and the hint for words in an error of a server or driver; the first match counts.
_MEANING = (
    ("D401", ("NoSuchBucket",), "check the bucket's name and its region"),
    (
        "D312",
        ("certificate", "SSL", "TLS"),
        "give the authority that signed it: sslrootcert, or `ssl_root_cert`",
    ),
    (
        "D313",
        (
            "password",
            "authentication",
            "does not exist",
            "no pg_hba",
            "InvalidAccessKeyId",
            "SignatureDoesNotMatch",
            "ExpiredToken",
            "InvalidToken",
            "no credentials",
        ),
        "check user, password and database, or the role; a rotated secret is looked up anew",
    ),
    ("D402", ("AccessDenied", "403"), "let the role list it: etl iam"),
    ("D311", ("",), "check host, port, security group and route: etl iam prints the rules"),
)


class Answering(Examination):
    """A server cannot be reached, shows a wrong certificate, or refuses the login."""

    codes = ("D311", "D312", "D313", "D401", "D402")
    stage = 1

    def subjects(self, patient: Patient) -> list[str]:
        kinds = (Postgres, Redshift, S3, DuckDB)
        return [
            name
            for name, connection in patient.connections.items()
            if isinstance(connection, kinds)
        ]

    def examine(self, patient: Patient, subject: str) -> Iterator[Diagnostic]:
        connection = patient.connections[subject]
        try:
            self._open(patient, connection)
        except EtlError as error:
            yield patient.at(subject, *meaning(error))

    def _open(self, patient: Patient, connection: object) -> None:
        root = patient.project.root
        if isinstance(connection, Postgres):
            connection.connect(root).close()
        elif isinstance(connection, Redshift):
            session = connection.open_session(root)
            session.run("SELECT 1")
            session.close()
        elif isinstance(connection, S3):
            next(connection.open(attempts=ONCE).listed(some_prefix(patient, connection)), None)


def meaning(error: EtlError) -> tuple[str, str, str]:
    """The code, message and hint for an error of a server."""
    message, cause = error.diagnostics[0].message, str(error.__cause__ or "")
    for code, words, hint in _MEANING:
        if any(word in message or word in cause for word in words):
            return code, without_secrets(message), hint
    return "D311", message, ""


def some_prefix(patient: Patient, connection: S3) -> str:
    """A prefix that the role may list: that of a source, else empty."""
    for pipeline in patient.pipelines:
        for source in pipeline.sources.values():
            here = patient.connections[source.connection] is connection
            if here and isinstance(source, FilesSource):
                return re.split(r"[*?\[{]", source.path)[0]
    return ""
