"""What MWAA does not check: whether Airflow has the DAGs, and reads them with our version."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from etl_framework.errors import ConfigError, Diagnostic, RetryableError
from etl_framework.errors.secrets import without_secrets
from etl_framework.mwaa.deploy.aws import Aws
from etl_framework.mwaa.deploy.calls import finding
from etl_framework.mwaa.deploy.clock import Clock
from etl_framework.mwaa.deploy.environment import Environment, rest
from etl_framework.mwaa.deploy.observation import Seen, other_version, unseen

DAG_SECONDS = 600
# Objects reach the DAG processor some time after they were written.
SYNCED = timedelta(seconds=30)
PAGE = 100
PATH = 64  # the longest path that InvokeRestApi takes
_OURS = re.compile(r"etl-framework (\d[\w.!+]*)")


@dataclass(frozen=True)
class Expected:
    """What Airflow should show.

    :param files: the files of dags/, by their paths in that folder.
    :param since: when the newest of them was written; None when none was.
    """

    dag_ids: Sequence[str]
    files: Collection[str]
    framework: str
    since: datetime | None


def airflow_sees(
    aws: Aws, environment: Environment, expected: Expected, clock: Clock, alive: Callable[[], None]
) -> Seen:
    """Ask Airflow for its DAGs and import errors until it has read what is new."""
    failed: list[tuple[str, str]] = []
    dags: dict[str, Any] = {}
    often = 0
    try:
        for _ in clock.polls(DAG_SECONDS):
            alive()
            failed = list(_import_errors(aws, environment.name, expected))
            dags = {dag["dag_id"]: dag for dag in _dags(aws, environment)}
            often = often + 1 if failed else 0
            if often == 3 or not (failed or _late(dags, expected)):
                break
        version = _version(aws, environment.name, [n for n in expected.dag_ids if n in dags])
    except (ConfigError, RetryableError) as error:
        return Seen([unseen("what Airflow shows", error)])
    return Seen(
        [*_judged(failed, dags, expected), *_versions(version, expected)],
        list(_notes(dags, version, expected)),
    )


def _import_errors(aws: Aws, name: str, expected: Expected) -> Iterator[tuple[str, str]]:
    """The path and the trace of each of our files that failed to import since it was written."""
    for error in _all(aws, name, "/importErrors", "import_errors", {}):
        file = error["filename"]
        ours = next((f for f in expected.files if f"/{file}".endswith(f"/{f}")), None)
        if ours and (not expected.since or _time(error["timestamp"]) >= expected.since):
            yield ours, error["stack_trace"].strip()


def _dags(aws: Aws, environment: Environment) -> Iterator[dict[str, Any]]:
    active = {"only_active": True} if environment.major == 2 else {"exclude_stale": True}
    yield from _all(aws, environment.name, "/dags", "dags", active)


def _all(
    aws: Aws, name: str, path: str, what: str, query: dict[str, Any]
) -> Iterator[dict[str, Any]]:
    offset = 0
    while True:
        page = rest(aws, name, path, {**query, "limit": PAGE, "offset": offset}) or {}
        yield from page.get(what, [])
        offset += PAGE
        if offset >= page.get("total_entries", 0):
            return


def _late(dags: dict[str, Any], expected: Expected) -> list[str]:
    """The DAGs that are missing, or that Airflow has not read since they were written."""
    return [n for n in expected.dag_ids if n not in dags or not _fresh(dags[n], expected.since)]


def _fresh(dag: dict[str, Any], since: datetime | None) -> bool:
    parsed = dag.get("last_parsed_time")
    return not since or not parsed or _time(parsed) >= since + SYNCED


def _judged(
    failed: Sequence[tuple[str, str]], dags: dict[str, Any], expected: Expected
) -> Iterator[Diagnostic]:
    for file, trace in failed:
        last = without_secrets(trace.splitlines()[-1] if trace else "no trace")
        hint = "`etl lint`, and `etl deploy --rollback` if it cannot wait"
        yield finding("M302", f"dags/{file} does not import: {last}", hint)
    for name in _late(dags, expected):
        minutes = DAG_SECONDS // 60
        if name not in dags:
            hint = "see the DAG processor's log; is there a stub for it in dags/?"
            yield finding("M303", f"Airflow has no DAG '{name}' after {minutes} minutes", hint)
        elif not failed:
            text = f"Airflow has not read the DAG '{name}' anew within {minutes} minutes"
            yield finding("M305", text, "see the DAG processor's log", warning=True)


def _version(aws: Aws, name: str, dags: Sequence[str]) -> str:
    """The version of our package in the DAG processor; each DAG's documentation ends with it."""
    for dag in sorted(dags, key=len):
        path = f"/dags/{dag}/details"
        if len(path) <= PATH and (details := rest(aws, name, path, {})):
            told = _OURS.findall(details.get("doc_md") or "")
            return told[-1] if told else ""
    return ""


def _versions(version: str, expected: Expected) -> Iterator[Diagnostic]:
    if version and expected.framework and version != expected.framework:
        yield other_version("DAG processor", version, expected.framework)


def _notes(dags: dict[str, Any], version: str, expected: Expected) -> Iterator[str]:
    there = [name for name in expected.dag_ids if name in dags]
    yield f"Airflow has {len(there)} of {len(expected.dag_ids)} DAGs"
    if version:
        yield f"the DAG processor reads them with etl-framework {version}"
    if paused := [name for name in there if dags[name].get("is_paused")]:
        yield f"paused: {', '.join(paused)}"


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)
