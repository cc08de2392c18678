"""Boto3 clients for AWS, with credentials from a role, a profile, the environment or Airflow."""

from __future__ import annotations

import re
import threading
from functools import cache
from typing import Any

from etl_framework.connections.lookup import current, resolve
from etl_framework.errors import ConfigError, MissingExtraError
from etl_framework.errors.failures import of_aws
from etl_framework.errors.secrets import keep_secret, said
from etl_framework.storage.s3 import ATTEMPTS

_MAKING = threading.Lock()
Timeouts = tuple[int, int]


def client(
    service: str,
    *,
    region: str | None,
    endpoint_url: str | None,
    profile: str | None = None,
    conn_id: str | None = None,
    attempts: int = ATTEMPTS,
    timeouts: Timeouts = (10, 60),
) -> Any:
    """Return a boto3 client that tries again, with growing waits.

    :param conn_id: the Airflow connection that has the credentials.
    :param attempts: how often a request is tried; with one attempt the timeouts are short, too.
    :param timeouts: the seconds to wait for a connection, and for the next part of an answer.
    :raises ConfigError: the profile, the region or the connection is missing.
    :raises MissingExtraError: boto3 is not installed.
    """
    try:
        from botocore.exceptions import BotoCoreError, ClientError
    except ImportError as error:
        raise MissingExtraError("boto3", "aws") from error
    place = resolve(endpoint_url, setting="endpoint_url") if endpoint_url else None
    who = resolve(profile, setting="profile") if profile else None
    where = resolve(region, setting="region") if region else None
    try:
        with _MAKING:  # threads may share a client, but not create one together
            return _made(service, where, place, who, conn_id, attempts, timeouts)
    except BotoCoreError as error:
        hint = "set AWS_DEFAULT_REGION, or `region`"
        raise ConfigError(f"AWS: {said(error)}", hint) from error
    except ClientError as error:  # a role that Airflow's connection names is not to be had
        raise of_aws(error)(f"AWS: {said(error)}") from error
    except ValueError as error:
        shown = re.sub("//[^/]*@", "//", place or "")
        raise ConfigError(
            f"the endpoint_url '{shown}' is no address of a server",
            hint="write for example http://localhost:9000, or leave it out for AWS itself",
        ) from error


@cache
def _made(
    service: str,
    region: str | None,
    place: str | None,
    profile: str | None,
    conn_id: str | None,
    attempts: int,
    timeouts: Timeouts,
) -> Any:
    """Create a client; cached, because this takes a tenth of a second."""
    import boto3
    from botocore.config import Config
    from botocore.credentials import Credentials

    if conn_id:
        session, address = current().aws(conn_id, service, region)
        place = place or address
    else:
        session = boto3.session.Session(profile_name=profile, region_name=region)
    config = Config(
        retries={"total_max_attempts": attempts, "mode": "standard"},
        connect_timeout=timeouts[0] if attempts > 1 else min(timeouts[0], 3),
        read_timeout=timeouts[1] if attempts > 1 else min(timeouts[1], 5),
        s3={"addressing_style": "path"} if place else None,
    )
    made = session.client(service, endpoint_url=place, config=config)
    made.meta.events.register("before-send", _keep_token)
    credentials = session.get_credentials()
    # Those of a role are not read here: that could ask a server for new ones.
    if type(credentials) is Credentials:
        keep_secret(credentials.secret_key)
        keep_secret(credentials.token)
    return made


def _keep_token(request: Any, **_: Any) -> None:
    """Keep the session's token, which is the only secret that is sent, out of all messages."""
    token = request.headers.get("X-Amz-Security-Token")
    keep_secret(token.decode() if isinstance(token, bytes) else token)
