"""Rights on S3: which objects are read, written and deleted, and which prefixes are listed.

Source: Amazon S3's User Guide, "Required permissions for Amazon S3 API operations". HeadObject
needs GetObject; a part of an upload needs PutObject; only with ListBucket does S3 tell a missing
object from a forbidden one.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

from etl_framework.errors import ConfigError
from etl_framework.iam.facts import Facts
from etl_framework.iam.policy import Statement

ACTIONS = {
    "ReadObjects": ("s3:GetObject",),
    "WriteObjects": ("s3:AbortMultipartUpload", "s3:PutObject"),
    "DeleteObjects": ("s3:DeleteObject",),
    # A copy within S3 copies the tags, too.
    "ReadTags": ("s3:GetObjectTagging",),
    "WriteTags": ("s3:PutObjectTagging",),
}
_EXPRESSION = re.compile(r"\{\{.*?\}\}|\{%.*?%\}")
_GLOB = re.compile(r"\*\*/|\*+|\[[^\]]+\]")


@dataclass
class Buckets:
    """Collects what one role may do in S3."""

    facts: Facts
    _objects: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    _lists: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    _keys: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))

    def read(self, bucket: str, pattern: str, key: str | None = None) -> None:
        """Allow listing and reading objects.

        :param pattern: as `pattern_of` gives it.
        :param key: the KMS key that they may be encrypted with.
        """
        self.read_one(bucket, pattern, key)
        self.list_(bucket, pattern)

    def read_one(self, bucket: str, pattern: str, key: str | None = None) -> None:
        """Allow reading objects whose names are known."""
        self._allow("ReadObjects", bucket, pattern)
        self._encrypted(key, "kms:Decrypt")

    def list_(self, bucket: str, pattern: str) -> None:
        """Allow listing what begins as a pattern does."""
        head = pattern.partition("*")[0].partition("?")[0]
        self._lists[bucket].add(f"{head}*")

    def write(self, bucket: str, pattern: str, key: str | None = None) -> None:
        """Allow writing objects, large ones in parts; an encrypted part must be read, too."""
        self._allow("WriteObjects", bucket, pattern)
        self._encrypted(key, "kms:Decrypt", "kms:GenerateDataKey")

    def delete(self, bucket: str, pattern: str) -> None:
        """Allow deleting objects."""
        self._allow("DeleteObjects", bucket, pattern)

    def move(self, bucket: str, pattern: str, to: str, key: str | None = None) -> None:
        """Allow moving objects: copying them with their tags, then deleting the originals."""
        self.delete(bucket, pattern)
        self.read(bucket, to, key)
        self.write(bucket, to, key)
        self._allow("ReadTags", bucket, pattern)
        self._allow("WriteTags", bucket, to)

    def statements(self) -> Iterator[Statement]:
        """The statements for everything that was allowed."""
        for sid, actions in ACTIONS.items():
            if self._objects[sid]:
                yield Statement(sid, actions, sorted(self._objects[sid]))
        for number, (bucket, prefixes) in enumerate(sorted(self._lists.items()), 1):
            where = {"StringLike": {"s3:prefix": sorted(prefixes)}}
            arn = self.facts.arn("s3", bucket, here=False)
            yield Statement(f"ListBucket{number}", ("s3:ListBucket",), (arn,), where)
        for number, (key, actions_) in enumerate(sorted(self._keys.items()), 1):
            yield self._key_statement(f"UseKey{number}", key, sorted(actions_))

    def _allow(self, sid: str, bucket: str, pattern: str) -> None:
        self._objects[sid].add(self.facts.arn("s3", f"{bucket}/{pattern}", here=False))

    def _encrypted(self, key: str | None, *actions: str) -> None:
        if key:
            self._keys[key].update(actions)

    def _key_statement(self, sid: str, key: str, actions: list[str]) -> Statement:
        """The right to use a key through S3 only; an alias stands for every key that has it."""
        domain = "amazonaws.com.cn" if "aws-cn" in self.facts.arn("kms", "") else "amazonaws.com"
        where: dict[str, dict[str, list[str]]] = {
            "StringEquals": {"kms:ViaService": [f"s3.{self.facts.region}.{domain}"]}
        }
        if key.rpartition(":")[2].startswith("alias/"):
            alias = key.rpartition(":")[2]
            where["ForAnyValue:StringEquals"] = {"kms:ResourceAliases": [alias]}
            return Statement(sid, actions, (self.facts.arn("kms", "key/*"),), where)
        whole = key.startswith(("arn:", "${"))
        return Statement(
            sid, actions, (key if whole else self.facts.arn("kms", f"key/{key}"),), where
        )


def pattern_of(prefix: str, path: str) -> str:
    """The objects that a source's path may match in any data interval, as a pattern of IAM.

    `in/{{ ds }}/[ab]*.csv` below the prefix `raw` gives `raw/in/*/?*.csv`.
    """
    plain = _GLOB.sub(lambda match: "?" if match[0][0] == "[" else "*", _EXPRESSION.sub("*", path))
    return below(prefix, re.sub(r"\*+", "*", plain))


def below(prefix: str, name: str) -> str:
    """A name below a prefix.

    :raises ConfigError: the prefix holds what IAM takes as a wildcard.
    """
    if re.search(r"[*?]", prefix):
        raise ConfigError(f"the prefix '{prefix}' holds a wildcard, which no policy can tell apart")
    prefix = prefix.strip("/")
    return f"{prefix}/{name}" if prefix else name
