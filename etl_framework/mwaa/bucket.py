"""What is in the bucket of an environment, as far as it is a deploy's business."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from etl_framework.mwaa.aws import Aws
from etl_framework.mwaa.calls import Body, Call
from etl_framework.mwaa.environment import Environment
from etl_framework.mwaa.record import Deploy, Placed, Record

BEFORE = "before"  # the id of what was there before the first deploy


class Bucket:
    """What is in the bucket of an environment, as far as it is a deploy's business."""

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
            yield from ((each["Key"], each["ETag"]) for each in page.get("Contents", []))

    def key(self, path: str) -> str:
        """Where a file of a bundle's dags/ lies."""
        return self.prefix + path.removeprefix("dags/")

    def part_key(self, part: str) -> str:
        """Where a part lies: where the environment has it, else at the root."""
        pin = self._environment.pins.get(part)
        return pin.key if pin else part

    def had(self, part: str) -> bool:
        """Whether the environment has a part because of a deploy, also of one that failed."""
        pin = self._environment.pins.get(part)
        found = self.head(pin.key, VersionId=pin.version) if pin and pin.version else None
        return bool(found and found[0])

    def order(self, key: str) -> tuple[int, str]:
        """Data, then modules in folders, then stubs: what Airflow parses comes last."""
        name = key.removeprefix(self.prefix)
        return (0 if not name.endswith(".py") else 1 if "/" in name else 2), name

    def head(self, key: str, **version: str) -> tuple[str, Placed] | None:
        """The object under a key as it is now, with the hash that a deploy gave it."""
        call = Call("s3", "head_object", {"Bucket": self.name, "Key": key, **version})
        found = self._aws.ask(call)
        if found is None:
            return None
        digest = found.get("Metadata", {}).get("sha256", "")
        version = found.get("VersionId", "null")
        return digest, Placed(sha256=digest, version=version, tag=found["ETag"])

    def same(self, wanted: Mapping[str, str], pinned: str = "") -> dict[str, Placed]:
        """Those of some objects that are there with this very content.

        What the last deploy left and nobody has touched is known without a look at it.

        :param wanted: SHA-256 by key.
        :param pinned: the part that it is; then the environment's version counts, not the newest.
        """
        found = {}
        for key, digest in wanted.items():
            known = self._parts[pinned][1] if pinned in self._parts else self._known.get(key)
            pin = self._environment.pins.get(pinned)
            fresh = pin.version == known.version if pin and known else False
            if known and known.sha256 == digest and (fresh or self.tags.get(key) == known.tag):
                found[key] = known
            elif (pinned or key in self.tags) and (now := self.head(key)) and now[0] == digest:
                found[key] = now[1]
        return found

    def upload(self, key: str, file: Path, digest: str) -> Call:
        """What puts a file there; S3 refuses content of another hash."""
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
        """What takes away objects of earlier deploys, a stub before what it reads."""
        ours = ({*self._known, *self._record.pending} - self._others) & set(self.tags)
        gone = sorted(ours - set(wanted), key=self.order, reverse=True)
        return [Call("s3", "delete_object", {"Bucket": self.name, "Key": key}) for key in gone]

    def options(self, ours: Mapping[str, str]) -> dict[str, str]:
        """The environment's configuration with ours in it, and without what was ours."""
        has = self._environment.options.items()
        others = {name: value for name, value in has if name not in self._record.ours}
        return {**others, **self._record.theirs, **ours}

    def theirs(self, ours: Iterable[str]) -> dict[str, str]:
        """What others had set of the options that we set, now or in earlier deploys."""
        has = self._environment.options
        new = {name: has[name] for name in ours if name in has and name not in self._record.ours}
        return {**new, **self._record.theirs}

    def before(self, wanted: Iterable[str]) -> Deploy:
        """What was there before the first deploy, as far as that one changes it."""
        found = {key: self.head(key) for key in wanted if key in self.tags}
        pins = self._environment.pins.items()
        return Deploy(
            id=BEFORE,
            at="",
            state="done",
            airflow=self._environment.airflow,
            files={key: head[1] for key, head in found.items() if head},
            parts={
                part: (pin.key, Placed(sha256="", version=pin.version, tag=""))
                for part, pin in pins
            },
        )
