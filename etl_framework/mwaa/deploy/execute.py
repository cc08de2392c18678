"""Carry out a plan: one deploy at a time, every call reported, the result verified."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from etl_framework.errors import Diagnostic, EtlError, StepError
from etl_framework.mwaa.deploy.aws import Aws
from etl_framework.mwaa.deploy.calls import Call
from etl_framework.mwaa.deploy.clock import Clock
from etl_framework.mwaa.deploy.environment import Environment, wait_for_update
from etl_framework.mwaa.deploy.install_log import install_log
from etl_framework.mwaa.deploy.observation import Seen
from etl_framework.mwaa.deploy.plan import Plan
from etl_framework.mwaa.deploy.record import Deploy, Placed, Records
from etl_framework.mwaa.deploy.verify import Expected, airflow_sees

SIGN_OF_LIFE = 60.0


@dataclass
class Deploying:
    """A deploy or a rollback under way.

    :param tell: receives what is being done, line by line.
    """

    aws: Aws
    environment: Environment
    records: Records
    clock: Clock
    tell: Callable[[str], None]
    problems: list[Diagnostic] = field(default_factory=list)
    _placed: dict[str, Placed] = field(default_factory=dict)
    _changed: datetime | None = None
    _alive: float = 0.0

    def carry_out(self, plan: Plan, deploy: Deploy) -> None:
        """Carry out a plan and verify the result.

        :param deploy: the entry that the record keeps.
        :raises ConfigError: another deploy began at the same moment.
        :raises StepError: something failed; says whether a rollback helps.
        """
        if plan.before:
            first = self.records.record.model_copy(update={"deploys": (plan.before,)})
            self.records.record = first
        self.records.claim(deploy, plan.written, plan.theirs)
        self._alive = self.clock.now()
        try:
            for call in plan.calls:
                self._make(call, deploy.framework)
            self._verify(plan, deploy)
            self.records.finish(self._done(plan, deploy))
        except BaseException as error:
            self._failed(deploy, error)
            raise

    def verify(self, plan: Plan, deploy: Deploy) -> None:
        """Verify an environment without changing it.

        :raises StepError: something is wrong.
        """
        self._verify(plan, deploy)

    def _make(self, call: Call, framework: str) -> None:
        self._sign_of_life()
        self.tell(_in_words(call))
        answer = self.aws.make(call)
        if call.operation == "update_environment":
            self._wait(call, framework)
            return
        self._changed = self.aws.now
        if call.operation in ("put_object", "copy_object"):
            key, told = call.arguments["Key"], answer.get("CopyObjectResult", answer)
            digest = call.arguments.get("Metadata", {}).get("sha256", "")
            self._placed[key] = Placed(sha256=digest, version=answer["VersionId"], tag=told["ETag"])

    def _wait(self, call: Call, framework: str) -> None:
        """Wait until the environment is updated, then report what pip logged."""
        arguments = call.arguments
        wanted = {
            name: self.aws.filled(value)
            for name, value in arguments.items()
            if name.endswith("S3ObjectVersion")
        }
        self.environment = wait_for_update(
            self.aws, self.environment, self.clock, self._status, wanted
        )
        installs = "requirements.txt" in self.environment.pins
        if installs and any(name.endswith("S3Path") for name in arguments):
            seen = install_log(
                self.aws, self.environment, framework, self.clock, self._sign_of_life
            )
            self._take(seen)

    def _status(self, status: str, seconds: float) -> None:
        self._sign_of_life()
        self.tell(f"  {status} after {timedelta(seconds=int(seconds))}")

    def _verify(self, plan: Plan, deploy: Deploy) -> None:
        prefix = f"{self.environment.dags}/"
        files = {key.removeprefix(prefix) for key in plan.wanted}
        touched = any(key in plan.wanted for key in self._placed)
        expected = Expected(
            deploy.dag_ids, files, deploy.framework, self._changed if touched else None
        )
        self.tell("asking Airflow for its DAGs")
        self._take(
            airflow_sees(self.aws, self.environment, expected, self.clock, self._sign_of_life)
        )

    def _take(self, seen: Seen) -> None:
        for note in seen.notes:
            self.tell(f"  {note}")
        self.problems += [problem for problem in seen.problems if problem.severity == "warning"]
        if seen.errors:
            raise StepError(seen.errors)

    def _sign_of_life(self) -> None:
        """Renew the record if the last sign of life is a minute old.

        :raises StepError: another deploy has taken over.
        """
        if self.records.record.owner and self.clock.now() - self._alive >= SIGN_OF_LIFE:
            self.records.renew()
            self._alive = self.clock.now()

    def _done(self, plan: Plan, deploy: Deploy) -> Deploy:
        files = {
            key: self._placed[key].model_copy(update={"sha256": digest})
            if key in self._placed
            else plan.files[key]
            for key, digest in plan.wanted.items()
        }
        parts = {
            part: (key, placed or self._placed[key])
            for part, (key, placed) in plan.parts.items()
            if key
        }
        update: dict[str, Any] = {"state": "done", "files": files, "parts": parts}
        return deploy.model_copy(update=update)

    def _failed(self, deploy: Deploy, error: BaseException) -> None:
        """Record the failure, so that others can deploy; add a note to the error if that fails."""
        try:
            self.records.finish(deploy.model_copy(update={"state": "failed"}))
        except EtlError as other:
            error.add_note(str(other))


def _in_words(call: Call) -> str:
    arguments = call.arguments
    if call.operation == "update_environment":
        changed = sorted({name.partition("S3")[0] for name in arguments} - {"Name"})
        return f"update the environment: {', '.join(changed)}"
    verbs = {"put_object": "upload", "copy_object": "restore", "delete_object": "delete"}
    return f"{verbs[call.operation]} {arguments['Key']}"
