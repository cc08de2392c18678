"""A bucket of S3."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import Literal

from pydantic import Field

from etl_framework.connections.aws import client
from etl_framework.connections.files import File, Files, written_at
from etl_framework.connections.lookup import resolve
from etl_framework.errors import DataMissingError
from etl_framework.storage.s3 import ATTEMPTS, S3Prefix


class S3(Files):
    """A bucket, or a prefix in one."""

    type: Literal["s3"]
    bucket: str = Field(
        examples=["music-lake", "{{ var.s3_bucket }}"],
        description='The bucket\'s name, or `"{{ var.s3_bucket }}"`.',
    )
    prefix: str = Field("", description="Only what lies below this.")
    conn_id: str | None = Field(None, description="Airflow's connection with the credentials.")
    region: str | None = Field(None, description="The bucket's region; boto3's if not given.")
    profile: str | None = Field(None, description="A profile of the AWS configuration.")
    kms_key: str | None = Field(None, description="KMS key that encrypts what is written.")
    endpoint_url: str | None = Field(None, description="A server that speaks S3, other than AWS.")
    connect_timeout: int = Field(
        10, ge=1, le=600, description="Seconds until an attempt to reach S3 is given up."
    )
    read_timeout: int = Field(
        60, ge=1, le=3600, description="Seconds to wait for the next part of an answer."
    )

    def open(self, bucket: str = "", prefix: str = "", *, attempts: int = ATTEMPTS) -> S3Prefix:
        """Return the prefix, or another place in S3 with the same credentials.

        :raises ConfigError: a setting cannot be looked up.
        """
        api = client(
            "s3",
            region=self.region,
            endpoint_url=self.endpoint_url,
            profile=self.profile,
            conn_id=self.conn_id,
            attempts=attempts,
            timeouts=(self.connect_timeout, self.read_timeout),
        )
        encryption = {}
        if self.kms_key:
            key = resolve(self.kms_key, setting="kms_key")
            encryption = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": key}
        if not bucket:
            bucket = resolve(self.bucket, setting="bucket")
            prefix = resolve(self.prefix, setting="prefix")
        return S3Prefix(api, bucket, prefix.strip("/"), encryption)

    def dataset(self, root: Path, what: str) -> tuple[str, str]:
        place = self.open()
        return f"s3://{place.bucket}", place.key(what)

    def files(self, root: Path, pattern: str, here: Path) -> list[File]:
        if ".." in pattern.split("/"):
            raise DataMissingError(f"the pattern '{pattern}' leads out of the bucket")
        matches = _matcher(pattern)
        start = re.split(r"[*?\[]", pattern)[0]
        return [
            File(
                _here(here, stored.name, stored.tag),
                stored.name,
                f"{stored.size}:{stored.tag}",
                modified=written_at(stored.modified),
            )
            for stored in self.open().listed(start)
            if matches.fullmatch(stored.name) and not stored.name.endswith("/")
        ]

    def fetch(self, files: Sequence[File]) -> None:
        missing = [file for file in files if not file.path.is_file()]
        place = self.open() if missing else None
        for file in missing:
            if place:
                place.download(file.place, file.path, int(file.version.partition(":")[0]))

    def version_of(self, root: Path, name: str) -> str | None:
        # Of all names that begin so, the name itself comes first.
        stored = next(self.open().listed(name), None)
        return f"{stored.size}:{stored.tag}" if stored and stored.name == name else None

    def moved_file(self, root: Path, name: str, version: str, to: str, here: Path) -> File:
        return File(_here(here, name, version.partition(":")[2]), name, version, to)

    def move(self, root: Path, files: Sequence[tuple[str, str, str]]) -> None:
        place = self.open()
        for name, version, to in files:
            for stored in place.listed(name):
                if (stored.name, f"{stored.size}:{stored.tag}") == (name, version):
                    place.copy(name, to)
                    place.delete([name])


def _here(folder: Path, name: str, tag: str) -> Path:
    """Return a local path for a version of a file, with the endings that show how it is packed."""
    digest = hashlib.sha256(f"{name}\0{tag}".encode()).hexdigest()[:16]
    return folder / f"{digest}{''.join(PurePosixPath(name).suffixes[-2:])}"


def _matcher(pattern: str) -> re.Pattern[str]:
    """Return a regular expression for keys from a pattern: `*` stops at a slash, `**` does not."""
    # plays/*.csv -> plays/[^/]*\.csv
    parts = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    tokens = re.split(r"(\*\*/|\*\*|\*|\?|\[[^\]]+\])", pattern)
    return re.compile(
        "".join(
            parts.get(t) or (t.replace("[!", "[^") if t.startswith("[") else re.escape(t))
            for t in tokens
            if t
        ),
        re.DOTALL,
    )
