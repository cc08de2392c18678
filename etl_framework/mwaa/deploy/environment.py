"""An MWAA environment: its settings, waiting for its updates, and its Airflow's REST API."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from etl_framework.errors import StepError
from etl_framework.mwaa.deploy.aws import Aws
from etl_framework.mwaa.deploy.calls import Call, finding
from etl_framework.mwaa.deploy.clock import Clock

# After UPDATE_FAILED, AWS says, an environment is back in its previous state and ready to use.
READY = ("AVAILABLE", "UPDATE_FAILED")
BROKEN = ("UPDATE_FAILED", "UNAVAILABLE", "DELETING", "DELETED", "CREATE_FAILED")
UPDATE_SECONDS = 90 * 60
PARTS = {
    "plugins.zip": "Plugins",
    "requirements.txt": "Requirements",
    "startup.sh": "StartupScript",
}
LOGS = {"WorkerLogs": "worker", "SchedulerLogs": "scheduler", "WebserverLogs": "web server"}


@dataclass(frozen=True)
class Pin:
    """An object that the environment uses: its key in the bucket and its version."""

    key: str
    version: str


@dataclass(frozen=True)
class Environment:
    """What MWAA reports about an environment.

    :param pins: the parts of a bundle that it uses, by their names in the bundle.
    :param options: configuration options of Airflow; may hold secrets of others.
    :param logs: ARNs of the log groups that are switched on, by what writes them.
    :param updated: when it was changed last, by the clock of AWS.
    """

    name: str
    status: str
    airflow: str
    bucket: str
    dags: str
    pins: Mapping[str, Pin]
    options: Mapping[str, str]
    logs: Mapping[str, str]
    updated: datetime | None
    failure: str

    @property
    def major(self) -> int:
        """The major version of Airflow."""
        return int(self.airflow.split(".")[0])


def get_environment(aws: Aws, name: str) -> Environment:
    """The environment with a name, as MWAA reports it.

    :raises ConfigError: there is none of that name.
    """
    answer = aws.make(Call("mwaa", "get_environment", {"Name": name}))["Environment"]
    last = answer.get("LastUpdate", {})
    error = last.get("Error", {})
    logs = answer.get("LoggingConfiguration", {})
    return Environment(
        name=name,
        status=answer["Status"],
        airflow=answer.get("AirflowVersion", ""),
        bucket=answer.get("SourceBucketArn", "").rpartition(":::")[2],
        dags=answer.get("DagS3Path", "dags").strip("/"),
        pins={
            part: Pin(answer[f"{argument}S3Path"], answer.get(f"{argument}S3ObjectVersion", ""))
            for part, argument in PARTS.items()
            if answer.get(f"{argument}S3Path")
        },
        options=answer.get("AirflowConfigurationOptions", {}),
        logs={
            who: logs[name]["CloudWatchLogGroupArn"]
            for name, who in LOGS.items()
            if logs.get(name, {}).get("Enabled") and logs[name].get("CloudWatchLogGroupArn")
        },
        updated=_moment(last.get("CreatedAt")),
        failure=": ".join(filter(None, (error.get("ErrorCode"), error.get("ErrorMessage")))),
    )


def wait_for_update(
    aws: Aws,
    before: Environment,
    clock: Clock,
    tell: Callable[[str, float], None],
    wanted: Mapping[str, str],
) -> Environment:
    """Wait until an update is complete.

    Right after the request, MWAA may still report the state before it. So an update is complete
    once the environment is AVAILABLE, has a new time of change, and has the wanted versions.

    :param before: the environment as it was.
    :param tell: receives the status and the seconds waited so far, after each request.
    :param wanted: the wanted versions, by the names of the update's arguments.
    :raises StepError: the update failed, or takes too long.
    """
    for waited in clock.polls(UPDATE_SECONDS):
        now = get_environment(aws, before.name)
        tell(now.status, waited)
        fresh = now.updated != before.updated
        if now.status in BROKEN and (fresh or now.status != before.status):
            raise StepError([_failed(now)])
        has = {f"{PARTS[part]}S3ObjectVersion": pin.version for part, pin in now.pins.items()}
        done = all(has.get(name, "") == version for name, version in wanted.items())
        if now.status == "AVAILABLE" and fresh and done:
            return now
    text = f"'{before.name}' is not AVAILABLE after {UPDATE_SECONDS // 60} minutes"
    raise StepError([finding("M202", text, "look at it in the console; then run it again")])


def rest(aws: Aws, name: str, path: str, query: Mapping[str, Any]) -> dict[str, Any] | None:
    """The answer of Airflow's REST API; None if the path does not exist.

    MWAA puts `/api/v1` before the path for Airflow 2, `/api/v2` for Airflow 3.
    """
    call = Call(
        "mwaa",
        "invoke_rest_api",
        {"Name": name, "Method": "GET", "Path": path, "QueryParameters": dict(query)},
    )
    answer = aws.ask(call)
    return None if answer is None else answer["RestApiResponse"]


def _failed(environment: Environment) -> Any:
    hint = "nothing in dags/ was changed by this; correct the bundle, and deploy again"
    if environment.status != "UPDATE_FAILED":
        hint = "see the environment in the console of MWAA"
    why = f": {environment.failure}" if environment.failure else ""
    return finding("M201", f"'{environment.name}' is {environment.status}{why}", hint)


def _moment(value: Any) -> datetime | None:
    return value.astimezone(UTC) if isinstance(value, datetime) else None
