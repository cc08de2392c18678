"""The objects in an environment's bucket that deploys manage."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from etl_framework.mwaa.deploy.aws import Aws
from etl_framework.mwaa.deploy.calls import Body, Call
from etl_framework.mwaa.deploy.environment import Environment
from etl_framework.mwaa.deploy.record import Deploy, Placed, Record

BEFORE = "before"  # id of the record's entry for the state before the first deploy


class Bucket:
    """The objects in an environment's bucket that deploys write, compare and delete."""

    def __init__(self, aws: Aws, environment: Environment, record: Record) -> None:
        self._aws, self._environment, self._record = aws, environment, record
        self.name, self.prefix = environment.bucket, f"{environment.dags}/"
        last = record.last_done() or Deploy(id=BEFORE, at="", state="done")
        self._known, self._parts = last.files, last.parts
        self._others = set(last.files) if last.id == BEFORE else set()
        self.tags = dict(self._listed())

    def _listed(self) -> Iterator[tuple[str, str]]:
        asked = Call("s3", "list_objects_v2", {"Bucket": self.name, "Prefix": self.prefix})
        for page in self._aws.pages(asked, "ContinuationToken", "NextContinuationToken"):
            yield from ((entry["Key"], entry["ETag"]) for entry in page.get("Contents", []))

    def key(self, path: str) -> str:
        """The key of a file of a bundle's dags/ folder."""
        return self.prefix + path.removeprefix("dags/")

    def part_key(self, part: str) -> str:
        """The key of a part: the one that the environment uses, else its name at the root."""
        pin = self._environment.pins.get(part)
        return pin.key if pin else part

    def had(self, part: str) -> bool:
        """Whether a deploy gave the environment a part, even a deploy that failed."""
        pin = self._environment.pins.get(part)
        head = self.head(pin.key, VersionId=pin.version) if pin and pin.version else None
        return bool(head and head[0])

    def order(self, key: str) -> tuple[int, str]:
        """The sort key of an upload: data first, then modules in folders, DAG files last."""
        name = key.removeprefix(self.prefix)
        return (0 if not name.endswith(".py") else 1 if "/" in name else 2), name

    def head(self, key: str, **version: str) -> tuple[str, Placed] | None:
        """The SHA-256 that a deploy gave an object, and the object; None if there is none."""
        call = Call("s3", "head_object", {"Bucket": self.name, "Key": key, **version})
        answer = self._aws.ask(call)
        if answer is None:
            return None
        digest = answer.get("Metadata", {}).get("sha256", "")
        version = answer.get("VersionId", "null")
        return digest, Placed(sha256=digest, version=version, tag=answer["ETag"])

    def same(self, wanted: Mapping[str, str], pinned: str = "") -> dict[str, Placed]:
        """The wanted objects that are in the bucket already, with the wanted content.

        Objects that nobody has changed since the last deploy need no request.

        :param wanted: the SHA-256 of every object, by key.
        :param pinned: the name of the part, if the object is one: a part is unchanged if the
            environment still uses the version of the last deploy.
        """
        unchanged = {}
        for key, digest in wanted.items():
            known = self._parts[pinned][1] if pinned in self._parts else self._known.get(key)
            pin = self._environment.pins.get(pinned)
            fresh = pin.version == known.version if pin and known else False
            if known and known.sha256 == digest and (fresh or self.tags.get(key) == known.tag):
                unchanged[key] = known
            elif (pinned or key in self.tags) and (now := self.head(key)) and now[0] == digest:
                unchanged[key] = now[1]
        return unchanged

    def upload(self, key: str, file: Path, digest: str) -> Call:
        """The call that uploads a file; S3 refuses content whose hash differs."""
        checksum = base64.b64encode(bytes.fromhex(digest)).decode()
        return Call(
            "s3",
            "put_object",
            {
                "Bucket": self.name,
                "Key": key,
                "Body": Body(file),
                "ChecksumSHA256": checksum,
                "Metadata": {"sha256": digest},
            },
        )

    def deletes(self, wanted: Mapping[str, Any]) -> list[Call]:
        """The calls that delete objects of earlier deploys, DAG files before what they read."""
        ours = ({*self._known, *self._record.pending} - self._others) & set(self.tags)
        gone = sorted(ours - set(wanted), key=self.order, reverse=True)
        return [Call("s3", "delete_object", {"Bucket": self.name, "Key": key}) for key in gone]

    def options(self, ours: Mapping[str, str]) -> dict[str, str]:
        """The environment's configuration with our options.

        Options of earlier deploys are removed, or get back the values that others had given.
        """
        has = self._environment.options.items()
        others = {name: value for name, value in has if name not in self._record.ours}
        return {**others, **self._record.theirs, **ours}

    def theirs(self, ours: Iterable[str]) -> dict[str, str]:
        """The values that others had given to the options of this and of earlier deploys."""
        has = self._environment.options
        new = {name: has[name] for name in ours if name in has and name not in self._record.ours}
        return {**new, **self._record.theirs}

    def before(self, wanted: Iterable[str]) -> Deploy:
        """The state before the first deploy, limited to what that deploy changes."""
        heads = {key: self.head(key) for key in wanted if key in self.tags}
        pins = self._environment.pins.items()
        return Deploy(
            id=BEFORE,
            at="",
            state="done",
            airflow=self._environment.airflow,
            files={key: head[1] for key, head in heads.items() if head},
            parts={
                part: (pin.key, Placed(sha256="", version=pin.version, tag=""))
                for part, pin in pins
            },
        )
