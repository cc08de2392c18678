"""Boto3 clients for AWS, with credentials from a role, a profile, the environment or Airflow."""

from __future__ import annotations

import threading
from functools import cache
from typing import Any

from etl_framework.connections.lookup import current, resolve
from etl_framework.errors import ConfigError, MissingExtraError
from etl_framework.storage.s3 import ATTEMPTS

_MAKING = threading.Lock()


def client(
    service: str,
    *,
    region: str | None,
    endpoint_url: str | None,
    profile: str | None = None,
    conn_id: str | None = None,
    attempts: int = ATTEMPTS,
) -> Any:
    """Return a boto3 client that tries again, with growing waits.

    :param conn_id: the Airflow connection that has the credentials.
    :param attempts: how often a request is tried; with one attempt the timeouts are short, too.
    :raises ConfigError: the profile, the region or the connection is missing.
    :raises MissingExtraError: boto3 is not installed.
    """
    try:
        from botocore.exceptions import BotoCoreError
    except ImportError as error:
        raise MissingExtraError("boto3", "aws") from error
    place = resolve(endpoint_url, setting="endpoint_url") if endpoint_url else None
    who = resolve(profile, setting="profile") if profile else None
    where = resolve(region, setting="region") if region else None
    try:
        with _MAKING:  # threads may share a client, but not create one together
            return _made(service, where, place, who, conn_id, attempts)
    except BotoCoreError as error:
        raise ConfigError(f"AWS: {error}", hint="set AWS_DEFAULT_REGION, or `region`") from error


@cache
def _made(
    service: str,
    region: str | None,
    place: str | None,
    profile: str | None,
    conn_id: str | None,
    attempts: int,
) -> Any:
    """Create a client; cached, because this takes a tenth of a second."""
    import boto3
    from botocore.config import Config

    if conn_id:
        session, address = current().aws(conn_id, service, region)
        place = place or address
    else:
        session = boto3.session.Session(profile_name=profile, region_name=region)
    config = Config(
        retries={"total_max_attempts": attempts, "mode": "standard"},
        connect_timeout=10 if attempts > 1 else 3,
        read_timeout=60 if attempts > 1 else 5,
        s3={"addressing_style": "path"} if place else None,
    )
    return session.client(service, endpoint_url=place, config=config)
