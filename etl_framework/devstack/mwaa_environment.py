"""A stand-in for one environment of MWAA: its states, pip in its containers, Airflow's REST API.

Nothing is installed and no DAG runs. The log of pip is made from the pins in requirements.txt and
the wheels in plugins.zip. A DAG is a stub that calls `load_dag`. All other failures are set by the
fields of `StandIn`.
"""

from __future__ import annotations

import io
import re
import time
import zipfile
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

_PARTS = ("Plugins", "Requirements", "StartupScript")
_WHEEL = re.compile(r"(\w+)-([\w.!+]+)-[\w.]+-[\w.]+-[\w.]+\.whl")
_PIN = re.compile(r"^([A-Za-z0-9][\w.-]*)==([\w.!+]+)", re.MULTILINE)
_STUB = re.compile(r'load_dag\(\s*["\'](\w+)["\']')
_LOGS = {"WorkerLogs": "Worker", "SchedulerLogs": "Scheduler", "WebserverLogs": "WebServer"}
_NO_MODULE = "ModuleNotFoundError: No module named 'etl_framework'"
ACCOUNT, REGION = "123456789012", "eu-west-1"


class ApiError(Exception):
    """An error of the API: its code, its text and its status."""

    def __init__(self, kind: str, text: str, status: int = 400, **more: Any) -> None:
        super().__init__(text)
        self.kind, self.status, self.more = kind, status, more


@dataclass
class StandIn:
    """An environment.

    :param s3: a boto3 client for S3.
    :param logs: a boto3 client for CloudWatch Logs.
    :param polls: how often an update is reported as UPDATING before it is done.
    :param stale: how often the state before an update is still reported after the update began.
    :param failure: the code and the text of the error that an update ends with.
    :param pip: lines that pip prints instead of installing.
    :param broken: import errors by the name of the file in dags/.
    :param lag: how many requests it takes until Airflow finds a DAG, by the DAG's name.
    :param ahead: how many seconds its clock is ahead.
    """

    name: str
    airflow: str
    bucket: str
    s3: Any
    logs: Any
    polls: int = 0
    stale: int = 0
    failure: tuple[str, str] | None = None
    pip: list[str] = field(default_factory=list)
    broken: dict[str, str] = field(default_factory=dict)
    lag: dict[str, int] = field(default_factory=dict)
    framework: str = ""
    ahead: float = 0.0
    state: dict[str, Any] = field(default_factory=dict)
    _wanted: dict[str, Any] = field(default_factory=dict)
    _left: int = 0
    _uninstalled: bool = False
    _before: tuple[int, dict[str, Any]] = (0, {})

    def __post_init__(self) -> None:
        arn = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:airflow-{self.name}"
        self.state = {
            "Name": self.name,
            "Status": "AVAILABLE",
            "AirflowVersion": self.airflow,
            "Arn": f"arn:aws:airflow:{REGION}:{ACCOUNT}:environment/{self.name}",
            "SourceBucketArn": f"arn:aws:s3:::{self.bucket}",
            "DagS3Path": "dags",
            "EnvironmentClass": "mw1.small",
            "AirflowConfigurationOptions": {},
            "LoggingConfiguration": {
                name: {
                    "Enabled": True,
                    "LogLevel": "INFO",
                    "CloudWatchLogGroupArn": f"{arn}-{group}:*",
                }
                for name, group in _LOGS.items()
            },
        }
        for group in _LOGS.values():
            self.logs.create_log_group(logGroupName=f"airflow-{self.name}-{group}")

    def get_environment(self, body: dict[str, Any]) -> dict[str, Any]:
        """Return the state; each call brings an update one step further."""
        looks, before = self._before
        if looks:
            self._before = (looks - 1, before)
            return {"Environment": before}
        if self.state["Status"] == "UPDATING":
            self._left -= 1
            if self._left < 0:
                self._end()
        return {"Environment": self.state}

    def update_environment(self, body: dict[str, Any]) -> dict[str, Any]:
        """Begin an update.

        :raises ApiError: an update is running, or an object has no such version.
        """
        if self.state["Status"] not in ("AVAILABLE", "UPDATE_FAILED"):
            text = f"Environment {self.name} is in {self.state['Status']} state"
            raise ApiError("ValidationException", text)
        for part in _PARTS:
            self._check(body.get(f"{part}S3Path", ""), body.get(f"{part}S3ObjectVersion", ""))
        self._wanted, self._left = body, self.polls
        self._before = (self.stale, self.state)
        update = {"Status": "PENDING", "CreatedAt": self._now(), "Source": "user"}
        self.state = {**self.state, "Status": "UPDATING", "LastUpdate": update}
        return {"Arn": self.state["Arn"]}

    def invoke_rest_api(self, body: dict[str, Any]) -> dict[str, Any]:
        """Return the answer of Airflow's REST API.

        :raises ApiError: Airflow refuses.
        """
        path, query = body["Path"], body.get("QueryParameters", {})
        if path == "/importErrors":
            answer = self._page("import_errors", self._import_errors(), query)
        elif path == "/dags":
            answer = self._page("dags", list(self._dags().values()), query)
        elif (m := re.fullmatch(r"/dags/(\w+)/details", path)) and m[1] in self._dags():
            answer = {**self._dags()[m[1]], "doc_md": f"etl-framework {self.framework}"}
        else:
            refused = {"detail": "not found", "status": 404}
            raise ApiError(
                "RestApiClientException",
                "not found",
                RestApiStatusCode=404,
                RestApiResponse=refused,
            )
        return {"RestApiStatusCode": 200, "RestApiResponse": answer}

    def _check(self, path: str, version: str) -> None:
        from botocore.exceptions import ClientError

        try:
            if path:
                self.s3.head_object(Bucket=self.bucket, Key=path, VersionId=version)
        except ClientError as error:
            text = f"Unable to read version {version} of file {path}"
            raise ApiError("ValidationException", text) from error

    def _end(self) -> None:
        update = dict(self.state["LastUpdate"])
        if self.failure:
            code, text = self.failure
            update |= {"Status": "FAILED", "Error": {"ErrorCode": code, "ErrorMessage": text}}
            self.state = {**self.state, "Status": "UPDATE_FAILED", "LastUpdate": update}
            return
        update["Status"] = "SUCCESS"
        merged = {**self.state, **self._wanted, "Status": "AVAILABLE", "LastUpdate": update}
        self.state = {name: value for name, value in merged.items() if value != ""}
        self._install()

    def _install(self) -> None:
        """Write what pip prints to the log of every container that starts."""
        said = self.pip or self._pip()
        moment = int(self._now() * 1000)
        events = [{"timestamp": moment, "message": line} for line in said]
        for group in _LOGS.values():
            stream = {
                "logGroupName": f"airflow-{self.name}-{group}",
                "logStreamName": f"requirements_install_ip-10-0-0-1_{moment}",
            }
            self.logs.create_log_stream(**stream)
            self.logs.put_log_events(**stream, logEvents=events)

    def _pip(self) -> list[str]:
        """Return what pip prints: all pins are installed, or none because one has no wheel."""
        plugins = self._part("Plugins")
        names = zipfile.ZipFile(io.BytesIO(plugins)).namelist() if plugins else []
        wheels = _by_name(_WHEEL.findall("\n".join(names)))
        pins = _by_name(_PIN.findall(self._part("Requirements").decode()))
        lacking = [f"{name}=={at}" for name, at in pins.items() if wheels.get(name) != at]
        self._uninstalled = bool(lacking)
        self.framework = "" if lacking else pins.get("etl-framework", "")
        if lacking:
            return [f"ERROR: No matching distribution found for {lacking[0]}"]
        return [f"Successfully installed {' '.join(sorted(f'{n}-{at}' for n, at in pins.items()))}"]

    def _part(self, part: str) -> bytes:
        """Return the object in the version that the environment uses; empty if it uses none."""
        key = self.state.get(f"{part}S3Path")
        if not key:
            return b""
        version = self.state[f"{part}S3ObjectVersion"]
        response = self.s3.get_object(Bucket=self.bucket, Key=key, VersionId=version)
        return bytes(response["Body"].read())

    def _import_errors(self) -> list[dict[str, Any]]:
        there = self._stubs()
        broken = dict.fromkeys(there, _NO_MODULE) if self._uninstalled else self.broken
        folder = "" if self._major() == 3 else "/usr/local/airflow/dags/"
        return [
            {
                "import_error_id": number,
                "timestamp": self._parsed(),
                "filename": folder + name,
                "stack_trace": trace,
            }
            for number, (name, trace) in enumerate(broken.items(), 1)
            if name in there
        ]

    def _dags(self) -> dict[str, dict[str, Any]]:
        gone = {"is_active": True} if self._major() == 2 else {"is_stale": False}
        dags = {}
        for file, text in self._stubs().items():
            for dag in _STUB.findall(text) if self._reads(file) else []:
                if self.lag.get(dag, 0) > 0:
                    self.lag[dag] -= 1
                    continue
                dags[dag] = {
                    "dag_id": dag,
                    "is_paused": True,
                    "has_import_errors": False,
                    **gone,
                    "fileloc": f"/usr/local/airflow/dags/{file}",
                    "last_parsed_time": self._parsed(),
                }
        return dags

    def _reads(self, file: str) -> bool:
        return not self._uninstalled and file not in self.broken

    def _stubs(self) -> dict[str, str]:
        prefix = f"{self.state['DagS3Path'].strip('/')}/"
        objects = self.s3.list_objects_v2(Bucket=self.bucket, Prefix=prefix).get("Contents", [])
        keys = [
            entry["Key"]
            for entry in objects
            if re.fullmatch(r"[^/]+\.py", entry["Key"][len(prefix) :])
        ]
        read = {key: self.s3.get_object(Bucket=self.bucket, Key=key)["Body"].read() for key in keys}
        return {key[len(prefix) :]: body.decode() for key, body in read.items()}

    def _page(self, what: str, rows: list[Any], query: dict[str, Any]) -> dict[str, Any]:
        start = int(query.get("offset", 0))
        return {what: rows[start : start + int(query["limit"])], "total_entries": len(rows)}

    def _now(self) -> float:
        return time.time() + self.ahead

    def _parsed(self) -> str:
        return datetime.fromtimestamp(self._now(), UTC).isoformat()

    def _major(self) -> int:
        return int(self.airflow.split(".")[0])


def _by_name(pairs: list[tuple[str, str]]) -> dict[str, str]:
    """Return versions by the packages' names in their canonical spelling."""
    from packaging.utils import canonicalize_name

    return {canonicalize_name(name): version for name, version in pairs}
