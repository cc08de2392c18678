"""A user and a password for a while, from IAM."""

from __future__ import annotations

from typing import Any

from etl_framework.errors import ConfigError


def temporary(
    api: Any, database: str, *, cluster: str = "", workgroup: str = "", user: str = ""
) -> tuple[str, str]:
    """User and password for a provisioned cluster, or for a Serverless workgroup.

    :param api: boto3's client for `redshift` or `redshift-serverless`.
    :raises ConfigError: IAM does not let in.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        if cluster:
            found = api.get_cluster_credentials(
                DbUser=user, DbName=database, ClusterIdentifier=cluster, AutoCreate=False
            )
            return found["DbUser"], found["DbPassword"]
        found = api.get_credentials(dbName=database, workgroupName=workgroup)
        return found["dbUser"], found["dbPassword"]
    except (ClientError, BotoCoreError) as error:
        raise ConfigError(
            f"IAM gives no password for {cluster or workgroup}: {error}",
            hint="the role needs redshift:GetClusterCredentials, or for Serverless "
            "redshift-serverless:GetCredentials",
        ) from error
