"""A temporary user and password from IAM."""

from __future__ import annotations

from typing import Any

from etl_framework.errors import ConfigError


def temporary(
    api: Any, database: str, *, cluster: str = "", workgroup: str = "", user: str = ""
) -> tuple[str, str]:
    """Return user and password for a provisioned cluster or a Serverless workgroup.

    :param api: a boto3 client for `redshift` or `redshift-serverless`.
    :raises ConfigError: IAM gives no password.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        if cluster:
            credentials = api.get_cluster_credentials(
                DbUser=user, DbName=database, ClusterIdentifier=cluster, AutoCreate=False
            )
            return credentials["DbUser"], credentials["DbPassword"]
        credentials = api.get_credentials(dbName=database, workgroupName=workgroup)
        return credentials["dbUser"], credentials["dbPassword"]
    except (ClientError, BotoCoreError) as error:
        raise ConfigError(
            f"IAM gives no password for {cluster or workgroup}: {error}",
            hint="the role needs redshift:GetClusterCredentials, or for Serverless "
            "redshift-serverless:GetCredentials",
        ) from error
