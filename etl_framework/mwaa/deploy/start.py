"""The start of a deploy or a rollback: look at the environment, then refuse or plan."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from etl_framework.errors import ConfigError
from etl_framework.mwaa.deploy.aws import Aws
from etl_framework.mwaa.deploy.bundle import read_bundle
from etl_framework.mwaa.deploy.calls import Call
from etl_framework.mwaa.deploy.clock import Clock
from etl_framework.mwaa.deploy.environment import Environment, get_environment
from etl_framework.mwaa.deploy.execute import Deploying
from etl_framework.mwaa.deploy.plan import Plan, plan_deploy, refuse
from etl_framework.mwaa.deploy.record import Deploy, Records
from etl_framework.mwaa.deploy.rollback import plan_rollback, target_of


@dataclass(frozen=True)
class Start:
    """Where a deploy goes, and who receives its messages.

    :param name: the environment's name.
    :param take_over: go on although another deploy seems to be under way.
    """

    name: str
    aws: Aws
    clock: Clock
    tell: Callable[[str], None]
    take_over: bool = False

    def deploy(self, folder: Path) -> Ready:
        """Prepare the deploy of a bundle, without changing anything.

        :raises ConfigError: there are reasons against it; names all of them.
        """
        bundle = read_bundle(folder)
        environment, records = self._look()
        self._refuse(environment, bundle.manifest.airflow, records)
        plan = plan_deploy(self.aws, environment, bundle, records.record)
        manifest = bundle.manifest
        deploy = self._begun(records).model_copy(
            update={
                "commit": manifest.commit,
                "framework": manifest.framework,
                "airflow": manifest.airflow,
                "dag_ids": manifest.dag_ids,
                "options": dict(bundle.options),
            }
        )
        return self._ready(environment, records, plan, deploy)

    def rollback(self) -> Ready:
        """Prepare the return to the deploy before, without changing anything.

        :raises ConfigError: there is no such deploy, or there are reasons against it.
        """
        environment, records = self._look()
        to = target_of(records.record, self.name)
        self._refuse(environment, to.airflow, records)
        plan = plan_rollback(self.aws, environment, records.record, to)
        begun = self._begun(records)
        back = to.model_copy(
            update={"id": begun.id, "at": begun.at, "state": "running", "restores": to.id}
        )
        return self._ready(environment, records, plan, back)

    def _look(self) -> tuple[Environment, Records]:
        environment = get_environment(self.aws, self.name)
        records = Records(self.aws, environment.bucket, self.name)
        records.read()
        return environment, records

    def _refuse(self, environment: Environment, airflow: str, records: Records) -> None:
        busy = "" if self.take_over else records.busy()
        problems = refuse(self.aws, environment, airflow, busy)
        if problems:
            raise ConfigError(problems)

    def _begun(self, records: Records) -> Deploy:
        return Deploy(id=records.id, at=f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}", state="running")

    def _ready(
        self, environment: Environment, records: Records, plan: Plan, deploy: Deploy
    ) -> Ready:
        for call in plan.calls:
            if call.operation == "update_environment":
                self.aws.check(call)
        deploying = Deploying(self.aws, environment, records, self.clock, self.tell)
        return Ready(deploying, plan, deploy)


@dataclass(frozen=True)
class Ready:
    """A deploy or a rollback that is planned; nothing was changed yet."""

    deploying: Deploying
    plan: Plan
    deploy: Deploy

    @property
    def nothing_to_do(self) -> bool:
        """Whether the plan changes nothing, and the newest deploy succeeded."""
        stands = self.deploying.records.record.deploys[:1]
        return not self.plan.calls and bool(stands) and stands[0].state == "done"

    def go(self) -> None:
        """Carry out the plan and verify the result; if there is nothing to do, only verify.

        :raises StepError: something failed, or is wrong with what is there now.
        """
        if self.nothing_to_do:
            self.deploying.verify(self.plan, self.deploy)
        else:
            self.deploying.carry_out(self.plan, self.deploy)

    def changing(self) -> Iterator[Call]:
        """Every call that changes something, in order; the first and the last write the record."""
        records = self.deploying.records
        if not self.nothing_to_do:
            first = records.call(records.record)
            yield first
            yield from self.plan.calls
            conditions = ("IfMatch", "IfNoneMatch")
            rest = {n: v for n, v in first.arguments.items() if n not in conditions}
            yield replace(first, arguments={**rest, "IfMatch": "the one before"})
