"""Clients of AWS, with credentials where boto3 finds them: a role, a profile, the environment."""

from __future__ import annotations

import threading
from typing import Any

from etl_framework.connections.settings import resolve
from etl_framework.errors import ConfigError, MissingExtraError
from etl_framework.storage.s3 import ATTEMPTS

_MAKING = threading.Lock()


def client(
    service: str, *, region: str | None, endpoint_url: str | None, profile: str | None = None
) -> Any:
    """A client of boto3 that tries again, with longer and longer waits.

    :raises ConfigError: the profile or the region is missing.
    :raises MissingExtraError: boto3 is not installed.
    """
    try:
        import boto3
        from botocore.config import Config
        from botocore.exceptions import BotoCoreError
    except ImportError as error:
        raise MissingExtraError("boto3", "aws") from error
    place = resolve(endpoint_url, setting="endpoint_url") if endpoint_url else None
    config = Config(
        retries={"max_attempts": ATTEMPTS, "mode": "standard"},
        connect_timeout=10,
        read_timeout=60,
        s3={"addressing_style": "path"} if place else None,
    )
    try:
        with _MAKING:
            session = boto3.session.Session(
                profile_name=resolve(profile, setting="profile") if profile else None,
                region_name=resolve(region, setting="region") if region else None,
            )
            return session.client(service, endpoint_url=place, config=config)
    except BotoCoreError as error:
        raise ConfigError(f"AWS: {error}", hint="set AWS_DEFAULT_REGION, or `region`") from error
