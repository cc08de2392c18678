"""A pipeline as a workflow of MWAA Serverless, and the code that its tasks run.

The service reads dag-factory's YAML, but knows few of its keys. It unpacks a zip with code into the
folder of DAGs, and imports our operators from there by their paths. Each step of the plan is a task
of its own.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from etl_framework.airflow.dag_config import CLASSES, OPERATORS
from etl_framework.mwaa.bundle.wheels import unfitting
from etl_framework.plan.plan import Plan
from etl_framework.platforms.mwaa import MwaaVersion, mwaa_version

TARGET = "mwaa-serverless"
UNPACKED = "/usr/local/airflow/dags"  # where the service puts the code
LIMIT = 50_000  # bytes of a workflow's YAML
SECONDS = 3600  # the longest that a task may take
# The version in AWS's converter for the service, which itself says Airflow 3 and Python 3.12.
AIRFLOW = "3.0.6"


def serverless_version() -> MwaaVersion:
    """The version that the code is resolved for: MWAA's image with the same Airflow."""
    return mwaa_version(AIRFLOW)


def newer_than_asked(wheels: Iterable[Path]) -> tuple[str, ...]:
    """A note for every wheel that is for a newer Linux than the service's guide names.

    The guide asks for manylinux2014, for which DuckDB has had no wheels since 1.3.
    """
    asked = serverless_version().model_copy(update={"glibc": (2, 17)})
    return tuple(
        f"{diagnostic.path} is newer than manylinux2014, for which there is none"
        for diagnostic in unfitting(wheels, asked)
    )


def workflow(plan: Plan) -> dict[str, Any]:
    """The workflow of a plan as plain data, in which time spans are objects."""
    pipeline = plan.pipeline
    return {
        pipeline.name: {
            "dag_id": pipeline.name,
            "schedule": pipeline.cut().expression() or None,
            "default_args": {
                "retries": pipeline.retries,
                "retry_delay": _span(pipeline.retry_delay.seconds),
                "execution_timeout": _span(SECONDS),
            },
            "tasks": {
                step.name: {
                    "operator": f"{OPERATORS}.{CLASSES[step.kind]}",
                    "pipeline": pipeline.name,
                    "environment": plan.environment_name,
                    "project": UNPACKED,
                    "dependencies": list(step.needs),
                }
                for step in plan.steps
            },
        }
    }


def workflow_text(plan: Plan) -> str:
    """The workflow of a plan as YAML."""
    import yaml

    return yaml.safe_dump(workflow(plan), sort_keys=False, allow_unicode=True, width=100)


def unpacked(wheels: Iterable[Path]) -> Mapping[str, bytes]:
    """The importable files of wheels, by the paths to which they are installed; no scripts."""
    contents: dict[str, bytes] = {}
    for wheel in wheels:
        with zipfile.ZipFile(wheel) as archive:
            for entry in archive.infolist():
                if not entry.is_dir() and (name := _installed(entry.filename)):
                    contents[name] = archive.read(entry)
    return contents


def _installed(name: str) -> str:
    """The path to which a wheel's file is installed; empty if it is not for import."""
    first, *rest = PurePosixPath(name).parts
    if not first.endswith(".data"):
        return name
    return "/".join(rest[1:]) if rest[0] in ("purelib", "platlib") else ""


def _span(seconds: int) -> dict[str, Any]:
    return {"__type__": "datetime.timedelta", "seconds": seconds}
