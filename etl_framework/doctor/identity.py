"""Credentials of AWS: none at all, or a role that cannot be assumed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

from etl_framework.connections.aws import client
from etl_framework.connections.lookup import current
from etl_framework.connections.redshift.connection import Redshift
from etl_framework.connections.s3 import S3
from etl_framework.doctor.base import ONCE, Examination, Patient
from etl_framework.errors import Diagnostic

STS = "AWS_ENDPOINT_URL_STS"


class Identity(Examination):
    """AWS knows who asks, and the role of a connection can be assumed."""

    codes = ("D412",)
    stage = 1

    def subjects(self, patient: Patient) -> list[str]:
        """The connections to AWS itself; a server that only imitates S3 knows no roles."""
        return [
            name
            for name, connection in patient.connections.items()
            if isinstance(connection, S3 | Redshift)
            and (not connection.endpoint_url or os.environ.get(STS))
            and (
                isinstance(connection, S3)
                or connection.aws_conn_id
                or connection.driver == "data_api"
            )
        ]

    def examine(self, patient: Patient, subject: str) -> Iterator[Diagnostic]:
        from botocore.exceptions import BotoCoreError, ClientError

        connection: Any = patient.connections[subject]
        conn_id = connection.conn_id if isinstance(connection, S3) else connection.aws_conn_id
        try:
            sts = client(
                "sts",
                region=connection.region,
                endpoint_url=os.environ.get(STS),
                profile=connection.profile,
                conn_id=conn_id,
                attempts=ONCE,
            )
            sts.get_caller_identity()
        except (ClientError, BotoCoreError) as error:
            yield patient.at(
                subject,
                "D412",
                f"AWS does not know who asks: {_words(error)}",
                "give the machine a role, or set AWS_PROFILE",
            )
            return
        role = current().login(conn_id).extra.get("role_arn") if conn_id else None
        if role:
            try:
                sts.assume_role(RoleArn=role, RoleSessionName="etl-doctor", DurationSeconds=900)
            except (ClientError, BotoCoreError) as error:
                message = f"the role {role} cannot be assumed: {_words(error)}"
                hint = "name this identity in the role's trust policy, and let it sts:AssumeRole"
                yield patient.at(subject, "D412", message, hint)


def _words(error: Any) -> str:
    return str(getattr(error, "response", {}).get("Error", {}).get("Code") or type(error).__name__)
