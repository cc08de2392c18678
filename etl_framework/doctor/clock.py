"""A clock that is wrong: AWS refuses requests signed with a time 15 minutes off."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from etl_framework.doctor.answers import some_prefix
from etl_framework.doctor.base import ONCE, Examination, Patient
from etl_framework.errors import Diagnostic

SECONDS, REFUSED = 60, 900


class Clock(Examination):
    """This machine's clock agrees with that of S3."""

    codes = ("D501",)
    stage = 2

    def subjects(self, patient: Patient) -> list[str]:
        return list(patient.buckets())

    def examine(self, patient: Patient, subject: str) -> Iterator[Diagnostic]:
        from botocore.exceptions import ClientError

        connection = patient.buckets()[subject]
        place = connection.open(attempts=ONCE)
        prefix = place.key(some_prefix(patient, connection))
        try:
            answer = place.client.list_objects_v2(Bucket=place.bucket, Prefix=prefix, MaxKeys=1)
        except ClientError as error:
            answer = error.response
        theirs = _moment(answer["ResponseMetadata"]["HTTPHeaders"].get("date", ""))
        off = (datetime.now(UTC) - theirs).total_seconds() if theirs else 0
        if abs(off) > SECONDS:
            where = "ahead of" if off > 0 else "behind"
            message = f"this machine's clock is {abs(off):,.0f} seconds {where} that of S3"
            yield patient.at(
                subject,
                "D501",
                message,
                "let chrony or systemd-timesyncd set it",
                warning=abs(off) < REFUSED,
            )


def _moment(told: str) -> datetime | None:
    """The time in an HTTP date, which is always UTC; a proxy may have appended a second date."""
    try:
        return parsedate_to_datetime(told.partition(" GMT")[0] + " GMT").replace(tzinfo=UTC)
    except ValueError:
        return None
