"""The record of an environment's deploys, kept in its bucket; it allows one deploy at a time."""

from __future__ import annotations

import json
import os
import secrets
import socket
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from pydantic import Field

from etl_framework.errors import ConfigError, StepError
from etl_framework.model import Model
from etl_framework.mwaa.deploy.aws import Aws
from etl_framework.mwaa.deploy.calls import Call, finding
from etl_framework.mwaa.deploy.refusal import PreconditionError

KEPT = 20
# A deploy gives a sign of life at least once a minute.
SILENT = timedelta(minutes=15)


class Placed(Model):
    """An object as a deploy left it."""

    sha256: str = Field(description="Of its content; empty for what was there before.")
    version: str = Field(description="S3's id of the version.")
    tag: str = Field(description="S3's ETag.")


class Deploy(Model):
    """One deploy, or the state before the first deploy."""

    id: str
    at: str = Field(description="When it began, in UTC.")
    state: Literal["running", "done", "failed"]
    restores: str = Field("", description="The id of the deploy that a rollback went back to.")
    commit: str = ""
    framework: str = ""
    airflow: str = ""
    dag_ids: tuple[str, ...] = ()
    files: dict[str, Placed] = Field({}, description="By key; only those of dags/.")
    parts: dict[str, tuple[str, Placed]] = Field({}, description="Key and object of each part.")
    options: dict[str, str] = Field({}, description="Configuration that came of the bundle.")


class Record(Model):
    """The content of `etl-deploys/<environment>.json`."""

    format: Literal[1] = 1
    environment: str
    owner: str = Field("", description="Who is deploying right now; empty when nobody is.")
    pending: tuple[str, ...] = Field((), description="Keys that a deploy may have written.")
    ours: tuple[str, ...] = Field((), description="Options of Airflow that a deploy may have set.")
    theirs: dict[str, str] = Field({}, description="What others had set of those before.")
    deploys: tuple[Deploy, ...] = Field((), description="Newest first.")

    def last_done(self) -> Deploy | None:
        """The newest deploy that succeeded."""
        return next((deploy for deploy in self.deploys if deploy.state == "done"), None)

    def before(self) -> Deploy | None:
        """The deploy that a rollback restores: the one before the current deploy.

        A rollback that failed is repeated. A rollback that succeeded counts as the deploy that it
        restored, so that the next rollback goes further back.
        """
        by_id = {deploy.id: deploy for deploy in self.deploys}
        if not self.deploys:
            return None
        newest = self.deploys[0]
        if newest.state != "done":
            return by_id.get(newest.restores) or self.last_done()
        while newest.restores in by_id:
            newest = by_id[newest.restores]
        older = self.deploys[self.deploys.index(newest) + 1 :]
        return next((deploy for deploy in older if deploy.state == "done"), None)


class Records:
    """The S3 object that holds the record, written only if it has not changed since it was read.

    :param bucket: the environment's bucket.
    """

    def __init__(self, aws: Aws, bucket: str, environment: str) -> None:
        self._aws, self._bucket = aws, bucket
        self.key = f"etl-deploys/{environment}.json"
        self._tag = ""
        self.silent_for = timedelta()
        self.record = Record(environment=environment)
        self.id = f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{secrets.token_hex(3)}"

    def read(self) -> Record:
        """The current record; an empty one if nothing was deployed yet.

        :raises ConfigError: it cannot be read.
        """
        self.record, self._tag = self._there()
        return self.record

    def _there(self) -> tuple[Record, str]:
        answer = self._aws.ask(Call("s3", "get_object", {"Bucket": self._bucket, "Key": self.key}))
        if answer is None:
            return self.record, ""
        self.silent_for = self._aws.now - answer["LastModified"]
        try:
            return Record.model_validate_json(answer["Body"].read()), answer["ETag"]
        except ValueError as error:
            text = f"s3://{self._bucket}/{self.key} is no record of deploys"
            hint = "restore an earlier version of the object"
            raise ConfigError([finding("M111", text, hint)]) from error

    def busy(self) -> str:
        """Who is deploying now, or empty; a deploy that has been silent for long was killed."""
        return self.record.owner if self.silent_for < SILENT else ""

    def claim(self, deploy: Deploy, pending: Sequence[str], theirs: Mapping[str, str]) -> None:
        """Record that this deploy begins.

        :param pending: the keys that it writes.
        :param theirs: the values that others had given to the options that it sets.
        :raises ConfigError: another deploy began at the same moment.
        """
        touched = tuple(sorted({*self.record.pending, *pending}))
        deploys = (deploy, *(_stopped(earlier) for earlier in self.record.deploys))
        begun = self.record.model_copy(
            update={
                "owner": f"{_me()} ({self.id})",
                "pending": touched,
                "deploys": deploys,
                "ours": tuple(sorted({*self.record.ours, *deploy.options})),
                "theirs": dict(theirs),
            }
        )
        try:
            self._write(begun)
        except PreconditionError as error:
            raise ConfigError([under_way("another deploy, which began just now")]) from error

    def renew(self) -> None:
        """Give a sign of life.

        :raises StepError: another deploy has taken over.
        """
        try:
            self._write(self.record)
        except PreconditionError as error:
            text = "another deploy has taken over; this one stops"
            raise StepError([finding("M204", text, "look at what the other one did")]) from error

    def finish(self, deploy: Deploy) -> None:
        """Record that this deploy has ended."""
        update: dict[str, Any] = {"owner": ""}
        if deploy.state == "done":
            theirs = {n: v for n, v in self.record.theirs.items() if n in deploy.options}
            update |= {"pending": (), "ours": tuple(sorted(deploy.options)), "theirs": theirs}
        update["deploys"] = (deploy, *self.record.deploys[1:])[:KEPT]
        self.record = self.record.model_copy(update=update)
        self.renew()

    def call(self, record: Record) -> Call:
        """The call that writes a record, on condition that nobody has changed it since."""
        body = json.dumps(record.model_dump(mode="json"), indent=1).encode()
        condition = {"IfMatch": self._tag} if self._tag else {"IfNoneMatch": "*"}
        return Call(
            "s3",
            "put_object",
            {
                "Bucket": self._bucket,
                "Key": self.key,
                "Body": body,
                "ContentType": "application/json",
                **condition,
            },
        )

    def _write(self, record: Record) -> None:
        """Write a record.

        S3 also refuses a repeated write whose first answer was lost; then our record is there.
        """
        try:
            self._tag = self._aws.make(self.call(record))["ETag"]
        except PreconditionError:
            there, tag = self._there()
            if there != record:
                raise
            self._tag = tag
        self.record = record


def under_way(owner: str) -> Any:
    """The finding that another deploy is under way."""
    return finding(
        "M106",
        f"a deploy is under way: {owner}",
        "wait for it; if it was killed, `--take-over`, or run again after "
        f"{int(SILENT.total_seconds() // 60)} minutes",
    )


def _stopped(deploy: Deploy) -> Deploy:
    return deploy.model_copy(update={"state": "failed"}) if deploy.state == "running" else deploy


def _me() -> str:
    who = os.environ.get("GITHUB_ACTOR") or os.environ.get("USER") or "someone"
    return f"{who} on {socket.gethostname()}"
