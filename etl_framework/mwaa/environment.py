"""An environment of MWAA: what it is, changing it, waiting for it, and its Airflow's REST API."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from etl_framework.errors import StepError
from etl_framework.mwaa.aws import Aws
from etl_framework.mwaa.calls import Call, finding
from etl_framework.mwaa.clock import Clock

# Of UPDATE_FAILED AWS says: restored to its previous state, and ready to use.
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
    """What MWAA says of an environment.

    :param pins: what it uses of the parts of a bundle, by their names there.
    :param options: configuration of Airflow; may hold secrets of others.
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
        """Of Airflow."""
        return int(self.airflow.split(".")[0])


def get_environment(aws: Aws, name: str) -> Environment:
    """Ask for an environment.

    :raises ConfigError: there is none of that name.
    """
    found = aws.make(Call("mwaa", "get_environment", {"Name": name}))["Environment"]
    last = found.get("LastUpdate", {})
    error = last.get("Error", {})
    logs = found.get("LoggingConfiguration", {})
    return Environment(
        name=name,
        status=found["Status"],
        airflow=found.get("AirflowVersion", ""),
        bucket=found.get("SourceBucketArn", "").rpartition(":::")[2],
        dags=found.get("DagS3Path", "dags").strip("/"),
        pins={
            part: Pin(found[f"{argument}S3Path"], found.get(f"{argument}S3ObjectVersion", ""))
            for part, argument in PARTS.items()
            if found.get(f"{argument}S3Path")
        },
        options=found.get("AirflowConfigurationOptions", {}),
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
    """Wait until an update that was asked for has come about.

    Right after it was asked for, MWAA may still say what was before: an environment is done when
    it is AVAILABLE and has what was wanted.

    :param before: the environment as it was.
    :param tell: hears the status and the seconds so far, after each look.
    :param wanted: versions, by the arguments of the update that named them.
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
    """What Airflow's REST API answers; None when there is no such thing.

    MWAA puts `/api/v1` before the path for Airflow 2, `/api/v2` for Airflow 3.
    """
    call = Call(
        "mwaa",
        "invoke_rest_api",
        {"Name": name, "Method": "GET", "Path": path, "QueryParameters": dict(query)},
    )
    found = aws.ask(call)
    return None if found is None else found["RestApiResponse"]


def _failed(environment: Environment) -> Any:
    hint = "nothing in dags/ was changed by this; correct the bundle, and deploy again"
    if environment.status != "UPDATE_FAILED":
        hint = "see the environment in the console of MWAA"
    why = f": {environment.failure}" if environment.failure else ""
    return finding("M201", f"'{environment.name}' is {environment.status}{why}", hint)


def _moment(found: Any) -> datetime | None:
    return found.astimezone(UTC) if isinstance(found, datetime) else None
