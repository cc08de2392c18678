"""Go back to an earlier deploy: restore its objects, delete all other objects of deploys."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from etl_framework.errors import ConfigError, Diagnostic
from etl_framework.mwaa.deploy.aws import Aws
from etl_framework.mwaa.deploy.bucket import Bucket
from etl_framework.mwaa.deploy.calls import Call, finding
from etl_framework.mwaa.deploy.environment import PARTS, Environment
from etl_framework.mwaa.deploy.plan import Plan, update_call
from etl_framework.mwaa.deploy.record import Deploy, Placed, Record


@dataclass(frozen=True)
class _Back:
    """One rollback: the environment as it is, and the deploy to go back to."""

    aws: Aws
    environment: Environment
    there: Bucket
    to: Deploy

    def restores(self) -> Iterator[Call]:
        """The calls that copy earlier versions over the newest ones, data before DAG files."""
        for key in sorted(self.to.files, key=self.there.order):
            placed = self.to.files[key]
            if self.there.tags.get(key) != placed.tag:
                source = {"Bucket": self.there.name, "Key": key, "VersionId": placed.version}
                arguments = {"Bucket": self.there.name, "Key": key, "CopySource": source}
                yield Call("s3", "copy_object", arguments)

    def parts(self) -> dict[str, tuple[str, Placed | None]]:
        """The parts that the environment is to use again; those it did not use are empty."""
        unused: dict[str, tuple[str, Placed | None]] = dict.fromkeys(PARTS, ("", None))
        return {**unused, **self.to.parts}

    def gone(self) -> Iterator[Diagnostic]:
        """A finding for every object version that is needed and no longer there."""
        needed = [(call.arguments["Key"], call.arguments["CopySource"]) for call in self.restores()]
        needed += [
            (key, {"Bucket": self.there.name, "Key": key, "VersionId": placed.version})
            for key, placed in self.to.parts.values()
        ]
        for key, version in needed:
            if self.aws.ask(Call("s3", "head_object", version)) is None:
                text = f"version {version['VersionId']} of s3://{self.there.name}/{key} is gone"
                yield finding(
                    "M112", text, "deploy the earlier bundle anew: etl bundle, etl deploy"
                )


def target_of(record: Record, name: str) -> Deploy:
    """The deploy that a rollback goes back to.

    :raises ConfigError: there is none.
    """
    deploy = record.before()
    if deploy is None:
        text = f"'{name}' has no deploy to go back to"
        raise ConfigError([finding("M113", text, "the record holds none before the newest one")])
    return deploy


def plan_rollback(aws: Aws, environment: Environment, record: Record, to: Deploy) -> Plan:
    """The plan that goes back to a deploy.

    DAGs come before the packages, since a newer framework can read older DAGs.

    :raises ConfigError: a version is gone; names every such version.
    """
    there = Bucket(aws, environment, record)
    back = _Back(aws, environment, there, to)
    gone = list(back.gone())
    if gone:
        raise ConfigError(gone)
    restores = list(back.restores())
    copied = {call.arguments["Key"] for call in restores}
    update = update_call(environment, back.parts(), there.options(to.options), to.options)
    return Plan(
        calls=(*restores, *there.deletes(to.files), *update),
        files={key: placed for key, placed in to.files.items() if key not in copied},
        wanted={key: placed.sha256 for key, placed in to.files.items()},
        parts=dict(to.parts),
        theirs=there.theirs(to.options),
    )
