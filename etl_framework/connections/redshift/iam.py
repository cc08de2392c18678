"""A temporary user and password from IAM."""

from __future__ import annotations

from typing import Any

from etl_framework.errors import ConfigError, RetryableError
from etl_framework.errors.failures import of_aws
from etl_framework.errors.secrets import keep_secret, said


def temporary(
    api: Any, database: str, *, cluster: str = "", workgroup: str = "", user: str = ""
) -> tuple[str, str]:
    """Return user and password for a provisioned cluster or a Serverless workgroup.

    :param api: a boto3 client for `redshift` or `redshift-serverless`.
    :raises ConfigError: IAM gives no password.
    :raises RetryableError: AWS does not answer.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        if cluster:
            credentials = api.get_cluster_credentials(
                DbUser=user, DbName=database, ClusterIdentifier=cluster, AutoCreate=False
            )
            user, password = credentials["DbUser"], credentials["DbPassword"]
        else:
            credentials = api.get_credentials(dbName=database, workgroupName=workgroup)
            user, password = credentials["dbUser"], credentials["dbPassword"]
        keep_secret(password)
        return user, password
    except (ClientError, BotoCoreError) as error:
        kind = of_aws(error)
        raise (kind if issubclass(kind, RetryableError) else ConfigError)(
            f"IAM gives no password for {cluster or workgroup}: {said(error)}",
            hint="the role needs redshift:GetClusterCredentials, or for Serverless "
            "redshift-serverless:GetCredentials",
        ) from error
