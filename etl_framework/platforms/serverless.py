"""Find what MWAA Serverless cannot do for a pipeline."""

from __future__ import annotations

from collections.abc import Iterator

from etl_framework.project.environments import Environment
from etl_framework.project.models import Pipeline
from etl_framework.project.yaml_file import Keys
from etl_framework.sources.files import FilesSource

RETRIES = 3
RETRY_DELAY = 300  # seconds


def publishes_no_report(environment: Environment) -> Iterator[tuple[Keys, str, str]]:
    """As `not_serverless`, for an environment.

    The service has no task that runs after a failure and leaves the run's state alone.
    """
    if environment.report:
        yield (
            ("report",),
            "it publishes no report after a run",
            "remove it, and run `etl report --publish s3://bucket/prefix` elsewhere",
        )


def not_serverless(pipeline: Pipeline) -> Iterator[tuple[Keys, str, str]]:
    """The places of what the service cannot do, each with the reason and what to do about it.

    Source: the user guide of MWAA Serverless, "Apache Airflow parameter support".
    """
    if pipeline.timezone != "UTC" and pipeline.cut().expression():
        yield (
            ("timezone",),
            f"its schedules are in UTC, not in {pipeline.timezone}",
            "write the schedule in UTC",
        )
    if pipeline.after:
        yield ("after",), "it starts by time only, not when tables change", "give a schedule"
    if pipeline.catchup:
        yield (
            ("catchup",),
            "it runs no data interval of the time before",
            "run them with `etl run --from --to`",
        )
    if pipeline.pool:
        yield ("pool",), "it has no pools", "remove the pool"
    if pipeline.notify:
        yield (
            ("notify",),
            "it calls nobody back, so nobody would hear of anything",
            "remove it, and watch the workflow's runs in EventBridge",
        )
    if pipeline.deadline:
        yield ("deadline",), "it has no deadlines", "remove it; a task ends after 60 minutes"
    if pipeline.retries > RETRIES:
        yield (
            ("retries",),
            f"it tries a task {RETRIES} times more at most",
            f"write {RETRIES} or fewer",
        )
    if pipeline.retry_delay.seconds > RETRY_DELAY:
        yield (
            ("retry_delay",),
            f"it waits {RETRY_DELAY} seconds at most before it tries again",
            "write 5m or less",
        )
    for name, source in pipeline.sources.items():
        if isinstance(source, FilesSource) and source.wait:
            yield (
                ("sources", name, "wait"),
                "it cannot wait without a worker",
                "schedule the pipeline for when its files are there",
            )
