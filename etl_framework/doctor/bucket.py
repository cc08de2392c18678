"""Try what a role may do in S3, and find buckets that keep no versions."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator
from contextlib import suppress

from etl_framework.connections.s3 import S3
from etl_framework.doctor.base import ONCE, STAGING, Examination, Patient
from etl_framework.errors import ConfigError, Diagnostic, EtlError
from etl_framework.sources.files import FilesSource
from etl_framework.storage.s3 import S3Prefix

RIGHTS = "etl iam prints the policy that the role needs"


class Files(Examination):
    """The files of a source can be listed, and the first of them read."""

    codes = ("D402", "D403")
    stage = 2

    def subjects(self, patient: Patient) -> list[str]:
        return list(patient.buckets())

    def examine(self, patient: Patient, subject: str) -> Iterator[Diagnostic]:
        connection = patient.buckets()[subject]
        for pipeline in patient.pipelines:
            for name, source in pipeline.sources.items():
                if isinstance(source, FilesSource) and source.connection == subject:
                    where = f"{pipeline.name}.{name}"
                    yield from self._read(patient, subject, connection, where, source)

    def _read(
        self, patient: Patient, subject: str, connection: S3, where: str, source: FilesSource
    ) -> Iterator[Diagnostic]:
        place = connection.open(attempts=ONCE)
        start = re.split(r"[*?\[{]", source.path)[0]
        try:
            first = next((stored for stored in place.listed(start) if stored.size), None)
        except EtlError:
            message = f"the files of {where} cannot be listed"
            yield patient.at(subject, "D402", message, RIGHTS)
            return
        try:
            if first:
                place.head(first.name, 1)
        except EtlError:
            yield patient.at(
                subject,
                "D403",
                f"{place.uri(first.name if first else '')} cannot be read, a file of {where}",
                RIGHTS,
            )


class Staging(Examination):
    """A probe can be written to staging, read and deleted; a missing object is not "forbidden"."""

    codes = ("D404", "D401", "D403", "D407")
    stage = 2

    def subjects(self, patient: Patient) -> list[str]:
        return [STAGING] if patient.environment.may_stage_in_s3 and patient.pipelines else []

    def examine(self, patient: Patient, subject: str) -> Iterator[Diagnostic]:
        staging = patient.workspace.staging_prefix(attempts=ONCE)
        if staging is None:  # a variable that names a folder
            return
        place = staging / patient.pipelines[0].name
        name = f"probe-{secrets.token_hex(8)}"
        try:
            place.read(name)
        except ConfigError as error:
            if "NoSuchBucket" in str(error):
                yield patient.at(
                    subject, "D401", f"there is no bucket {place.bucket}", "make it: infra/ has one"
                )
                return
            yield patient.at(
                subject,
                "D407",
                f"what is not there is forbidden in {place.uri('')}",
                f"it needs s3:ListBucket: {RIGHTS}",
            )
        yield from self._probe(patient, subject, place, name)

    def _probe(
        self, patient: Patient, subject: str, place: S3Prefix, name: str
    ) -> Iterator[Diagnostic]:
        try:
            place.write(name, b"etl doctor")
        except EtlError:
            yield patient.at(subject, "D404", f"{place.uri('')} cannot be written", RIGHTS)
            return
        try:
            place.read(name)
        except EtlError:
            yield patient.at(subject, "D403", f"{place.uri('')} cannot be read", RIGHTS)
        if not _deleted(place, name):
            yield patient.at(subject, "D404", f"{place.uri(name)} cannot be deleted", RIGHTS)


class Versioning(Examination):
    """A bucket keeps old versions, so that a deletion can be undone."""

    codes = ("D411",)
    stage = 2

    def subjects(self, patient: Patient) -> list[str]:
        return list(patient.buckets())

    def examine(self, patient: Patient, subject: str) -> Iterator[Diagnostic]:
        from botocore.exceptions import ClientError

        place = patient.buckets()[subject].open(attempts=ONCE)
        with suppress(ClientError):  # the role may not ask
            versioning = place.client.get_bucket_versioning(Bucket=place.bucket)
            if versioning.get("Status") != "Enabled":
                hint = (
                    f"aws s3api put-bucket-versioning --bucket {place.bucket} "
                    "--versioning-configuration Status=Enabled"
                )
                message = f"the bucket {place.bucket} keeps no versions; MWAA needs them for DAGs"
                yield patient.at(subject, "D411", message, hint, warning=True)


def _deleted(place: S3Prefix, name: str) -> bool:
    """Whether a probe could be deleted; S3 answers a refused deletion with a list of errors."""
    try:
        place.delete([name])
        return place.read(name) is None
    except EtlError:
        return False
