"""S3 for COPY and UNLOAD, and the record of rows that could not be loaded."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import IO, Any

from etl_framework.devstack.copy_csv import Failed
from etl_framework.devstack.copy_options import Transfer
from etl_framework.devstack.wire import WireError


@dataclass(frozen=True)
class Objects:
    """Objects that a role may read.

    :param client: a boto3 client for S3.
    :param roles: the roles that are attached to the cluster.
    :param keep: records rows that failed, on a connection of its own, so that a rollback does not
        undo it.
    """

    client: Any
    roles: frozenset[str]
    keep: Callable[[int, Sequence[Failed]], None]

    def allow(self, transfer: Transfer) -> None:
        """Refuse a role that is not attached to the cluster.

        :raises WireError: the role is not attached.
        """
        role = transfer.options.get("IAM_ROLE", "default")
        if role.lower() != "default" and role not in self.roles:
            message = f"The requested role {role} is not associated to cluster"
            raise WireError(message, "XX000")

    def keep_failed(self, table: int, failed: Sequence[Failed]) -> None:
        """Record the rows that a COPY could not load."""
        if failed:
            self.keep(table, failed)

    def listed(self, url: str) -> list[str]:
        """Return the addresses of the objects under a prefix."""
        bucket, key = _parts(url)
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=key)
        with _s3_errors():
            return [f"s3://{bucket}/{o['Key']}" for page in pages for o in page.get("Contents", [])]

    def exists(self, url: str) -> bool:
        """Return whether there is such an object."""
        return url in self.listed(url)

    @contextmanager
    def opened(self, url: str) -> Iterator[IO[bytes]]:
        """Open an object for reading.

        :raises WireError: the object does not exist, or cannot be read to its end.
        """
        bucket, key = _parts(url)
        with _s3_errors(), closing(self.client.get_object(Bucket=bucket, Key=key)["Body"]) as body:
            yield body

    def put(self, url: str, body: bytes) -> None:
        """Write an object."""
        bucket, key = _parts(url)
        with _s3_errors():
            self.client.put_object(Bucket=bucket, Key=key, Body=body)


@contextmanager
def _s3_errors() -> Iterator[None]:
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except (BotoCoreError, ClientError) as error:
        raise WireError(f"S3ServiceException: {error}", "XX000") from error


def _parts(url: str) -> tuple[str, str]:
    bucket, _, key = url.removeprefix("s3://").partition("/")
    return bucket, key
