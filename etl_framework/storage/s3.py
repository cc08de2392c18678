"""A prefix of an S3 bucket: list, read and write objects; try again when S3 is busy."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from etl_framework.errors import ConfigError, DataMissingError, EtlError, RetryableError
from etl_framework.errors.failures import of_aws
from etl_framework.errors.secrets import said
from etl_framework.storage.s3_answers import answered, entries

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

    def write(self, name: str, data: bytes) -> None:
        """Write a small object, completely or not at all."""
        with our_errors(self.uri(name)):
            response = self.client.put_object(
                Bucket=self.bucket, Key=self.key(name), Body=data, **self.encryption
            )
            answered(response, None)

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


@contextmanager
def our_errors(place: str) -> Iterator[None]:
    """Turn boto3's errors into ours, which name the place and contain no credentials.

    :raises DataMissingError: there is no such object.
    :raises ConfigError: there is no such bucket, it may not be used, or the server is not S3.
    :raises RetryableError: S3 is busy or does not answer, after boto3 has tried several times.
    """
    from boto3.exceptions import Boto3Error
    from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError
    from botocore.parsers import ResponseParserError

    try:
        yield
    except NoCredentialsError as error:
        raise ConfigError(
            "there are no credentials for S3", hint="give the machine a role, or set AWS_PROFILE"
        ) from error
    except (ResponseParserError, KeyError, RecursionError) as error:
        # boto3 follows a redirect to the same place until Python gives up.
        raise ConfigError(
            f"what answers for {place} does not speak S3's language",
            hint="check `endpoint_url`, and the proxy between here and S3",
        ) from error
    except (ClientError, BotoCoreError, Boto3Error) as error:
        # boto3 tells of a refused upload in words, and the answer of S3 is what it was raised in.
        answer = error if isinstance(error, ClientError) else error.__context__
        told = answer if isinstance(answer, ClientError) else error
        raise _ours(place, told) from error


def _ours(place: str, error: Exception) -> EtlError:
    kind = of_aws(error)
    response = getattr(error, "response", None)
    if not isinstance(response, dict):
        if issubclass(kind, RetryableError):
            return kind(f"S3 does not answer for {place}: {type(error).__name__}")
        return kind(f"S3: {place}: {type(error).__name__}: {said(error)}")
    code = str(response.get("Error", {}).get("Code", ""))
    if kind is DataMissingError:
        return kind(f"{place} is not there")
    if kind is ConfigError:
        hint = "check the bucket's name, its region and what the role may do"
        return kind(f"S3 refuses {place}: {code or said(error)}", hint)
    return kind(f"S3: {place}: {code or said(error)}")
