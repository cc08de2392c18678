"""A prefix of an S3 bucket: list, read and write objects; try again when S3 is busy."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from etl_framework.errors import DataMissingError, RetryableError
from etl_framework.storage.s3_answers import answered, entries
from etl_framework.storage.s3_errors import our_errors

# The waits between attempts add up to about a minute, as long as S3 is busy at the worst.
ATTEMPTS = 8
PART = 16 << 20
DELETED_AT_ONCE = 1000


@dataclass(frozen=True)
class Stored:
    """An object: its key below the prefix, its size in bytes, a tag that differs by version."""

    name: str
    size: int
    tag: str
    modified: datetime


@dataclass(frozen=True)
class S3Prefix:
    """A prefix of a bucket.

    :param client: a boto3 client for S3.
    :param prefix: without a slash at its end; empty for the whole bucket.
    :param encryption: arguments for writing, such as the KMS key.
    """

    client: Any
    bucket: str
    prefix: str = ""
    encryption: dict[str, str] = field(default_factory=dict)

    def __truediv__(self, name: str) -> S3Prefix:
        return replace(self, prefix=f"{self.prefix}/{name}" if self.prefix else name)

    def key(self, name: str) -> str:
        """Return the key of an object below the prefix."""
        return f"{self.prefix}/{name}" if self.prefix else name

    def uri(self, name: str) -> str:
        """Return the address of an object, `s3://bucket/key`."""
        return f"s3://{self.bucket}/{self.key(name)}"

    def listed(self, start: str = "") -> Iterator[Stored]:
        """Yield every object whose name starts with a text, sorted by key.

        :raises ConfigError: the bucket does not exist, or may not be read.
        :raises RetryableError: S3 does not answer.
        """
        cut = len(self.prefix) + 1 if self.prefix else 0
        with our_errors(self.uri(start)):
            pages = self.client.get_paginator("list_objects_v2")
            for page in pages.paginate(Bucket=self.bucket, Prefix=self.key(start)):
                for entry in entries(page, "Contents"):
                    tag = entry["ETag"].strip('"')
                    yield Stored(entry["Key"][cut:], entry["Size"], tag, entry["LastModified"])

    def folders(self) -> list[str]:
        """Return the names between the prefix and the next slash, sorted."""
        start, names = self.key(""), []
        with our_errors(self.uri("")):
            pages = self.client.get_paginator("list_objects_v2")
            for page in pages.paginate(Bucket=self.bucket, Prefix=start, Delimiter="/"):
                below = entries(page, "CommonPrefixes")
                names += [entry["Prefix"][len(start) : -1] for entry in below]
        return sorted(names)

    def read(self, name: str) -> bytes | None:
        """Read a small object; return None if it does not exist."""
        try:
            with our_errors(self.uri(name)):
                response = self.client.get_object(Bucket=self.bucket, Key=self.key(name))
                return answered(response, bytes(response["Body"].read()))
        except DataMissingError:
            return None

    def head(self, name: str, size: int) -> bytes:
        """Return the first bytes of an object, at most `size`."""
        with our_errors(self.uri(name)):
            about = self.client.head_object(Bucket=self.bucket, Key=self.key(name))
            if not answered(about, about["ContentLength"]):
                return b""
            first = f"bytes=0-{size - 1}"
            response = self.client.get_object(Bucket=self.bucket, Key=self.key(name), Range=first)
            return answered(response, bytes(response["Body"].read()))

    def write(self, name: str, data: bytes, **headers: str) -> str:
        """Write a small object, completely or not at all, and return its tag.

        :param headers: as boto3 names them: `ContentType="text/css"`.
        """
        with our_errors(self.uri(name)):
            place = {"Bucket": self.bucket, "Key": self.key(name)}
            response = self.client.put_object(**place, Body=data, **self.encryption, **headers)
            return answered(response, str(response["ETag"]).strip('"'))

    def upload(self, file: Path, name: str) -> None:
        """Upload a file; the parts of a large file are uploaded in parallel."""
        with our_errors(self.uri(name)):
            self.client.upload_file(
                str(file), self.bucket, self.key(name), self.encryption or None, Config=_transfer()
            )

    def download(self, name: str, file: Path, size: int | None = None) -> None:
        """Download an object as a stream: memory does not grow with its size.

        :param size: its size when it was listed.
        :raises DataMissingError: the object does not exist any more.
        :raises RetryableError: the object has changed, or S3 does not answer.
        """
        file.parent.mkdir(parents=True, exist_ok=True)
        draft = file.with_name(f".{file.name}.{secrets.token_hex(4)}")
        try:
            with our_errors(self.uri(name)):
                place = self.bucket, self.key(name)
                self.client.download_file(*place, str(draft), Config=_transfer())
            if size is not None and draft.stat().st_size != size:
                raise RetryableError(f"{self.uri(name)} changed while it was read")
            draft.replace(file)
        finally:
            draft.unlink(missing_ok=True)

    def copy(self, name: str, to: str) -> None:
        """Copy an object within the prefix, inside S3."""
        with our_errors(self.uri(name)):
            source = {"Bucket": self.bucket, "Key": self.key(name)}
            self.client.copy(
                source, self.bucket, self.key(to), self.encryption or None, Config=_transfer()
            )

    def delete(self, names: Sequence[str]) -> None:
        """Delete objects; names without an object are ignored."""
        with our_errors(self.uri("")):
            for start in range(0, len(names), DELETED_AT_ONCE):
                keys = [{"Key": self.key(n)} for n in names[start : start + DELETED_AT_ONCE]]
                self.client.delete_objects(
                    Bucket=self.bucket, Delete={"Objects": keys, "Quiet": True}
                )


def _transfer() -> Any:
    from boto3.s3.transfer import TransferConfig

    return TransferConfig(
        multipart_threshold=PART,
        multipart_chunksize=PART,
        max_concurrency=4,
        num_download_attempts=ATTEMPTS,
    )
