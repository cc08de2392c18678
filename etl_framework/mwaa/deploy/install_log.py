"""pip's logs from an environment's containers; MWAA starts these even if pip has failed."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator

from etl_framework.errors import ConfigError, Diagnostic, RetryableError
from etl_framework.errors.secrets import without_secrets
from etl_framework.mwaa.deploy.aws import Aws
from etl_framework.mwaa.deploy.calls import Call, finding
from etl_framework.mwaa.deploy.clock import Clock
from etl_framework.mwaa.deploy.environment import Environment
from etl_framework.mwaa.deploy.observation import Seen, other_version, unseen

# MWAA's images write pip's output to log streams whose names start like this.
STREAMS = "requirements_install"
LOG_SECONDS = 300
_INSTALLED = re.compile(
    r"(?:Successfully installed|Requirement already satisfied:).*?\betl[-_]framework[-=]=?"
    r"(\d[\w.!+]*)"
)
_USER = re.compile(r"://[^/\s@]+@")


def install_log(
    aws: Aws, environment: Environment, framework: str, clock: Clock, alive: Callable[[], None]
) -> Seen:
    """Read what pip logged in every container since the last update.

    :param framework: the version that a worker should have; empty if unknown.
    """
    if not environment.logs:
        hint = "switch on the logs of workers and schedulers, level INFO"
        return Seen([finding("M305", "the install logs are switched off", hint, warning=True)])
    try:
        said = _wait_for_logs(aws, environment, clock, alive)
    except (ConfigError, RetryableError) as error:
        return Seen([unseen("the install logs", error)])
    wrong = Counter(_plain(line) for _, line in said if _is_error(line))
    seen = Seen([_pip(line, times) for line, times in wrong.items()])
    versions = {(who, m[1]) for who, line in said for m in _INSTALLED.finditer(line)}
    if not said:
        text = f"no install log came within {LOG_SECONDS // 60} minutes"
        seen.problems.append(finding("M305", text, "look into CloudWatch Logs", warning=True))
    for who, version in sorted(versions):
        if framework and version != framework:
            seen.problems.append(other_version(who, version, framework))
        else:
            seen.notes.append(f"the {who} installed etl-framework {version}")
    return seen


def _wait_for_logs(
    aws: Aws, environment: Environment, clock: Clock, alive: Callable[[], None]
) -> list[tuple[str, str]]:
    """pip's log lines, each with who wrote it, once pip has ended or the time is up.

    pip has ended when the first log that is switched on says so, normally the worker's: the
    smallest class has one container for scheduler and worker, which logs as the worker.
    """
    since = int(environment.updated.timestamp() * 1000) if environment.updated else 0
    first = next(iter(environment.logs))
    said: list[tuple[str, str]] = []
    for _ in clock.polls(LOG_SECONDS):
        alive()
        said = [
            (w, line) for w, arn in environment.logs.items() for line in _lines(aws, arn, since)
        ]
        if any(who == first and _is_last(line) for who, line in said):
            break
    return said


def _lines(aws: Aws, group: str, since: int) -> Iterator[str]:
    name = group.partition(":log-group:")[2].removesuffix(":*")
    arguments = {"logGroupName": name, "logStreamNamePrefix": STREAMS, "startTime": since}
    for page in aws.pages(Call("logs", "filter_log_events", arguments), "nextToken", "nextToken"):
        yield from (event["message"] for event in page["events"])


def _is_last(line: str) -> bool:
    """Whether a line shows that pip has ended, also if it had nothing new to install."""
    ended = "Successfully installed" in line or bool(_INSTALLED.search(line))
    return ended or _is_error(line)


def _is_error(line: str) -> bool:
    return line.startswith("[ERROR]") or "ERROR:" in line


def _plain(line: str) -> str:
    text = re.sub(r"^\[\w+\] - |^ERROR: ", "", re.sub(r"^\[\w+\] - ", "", line.strip()))
    return _USER.sub("://***@", without_secrets(text))


def _pip(line: str, times: int) -> Diagnostic:
    often = f" ({times} containers)" if times > 1 else ""
    hint = "the environment runs without the packages; `etl deploy --rollback`, then the bundle"
    return finding("M301", f"pip: {line}{often}", hint)
