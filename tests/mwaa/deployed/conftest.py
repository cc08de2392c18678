"""An environment of MWAA on the loopback, its bucket with versions, and bundles to deploy there."""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import boto3
import pytest

from etl_framework.connections import aws
from etl_framework.devstack.moto_server import start_moto
from etl_framework.devstack.mwaa_environment import StandIn
from etl_framework.devstack.mwaa_server import MwaaServer
from etl_framework.mwaa.bundle.manifest import Manifest
from etl_framework.mwaa.deploy.aws import Aws
from etl_framework.mwaa.deploy.calls import Call
from etl_framework.mwaa.deploy.clock import Clock
from etl_framework.mwaa.deploy.start import Ready, Start

STUB = 'from etl_framework.airflow import load_dag\n\nload_dag("{}", globals())\n'
OURS = "etl-framework==0.1.0\n"
OTHERS = "secrets.backend_kwargs"
SECRET = "hunter2-do-not-show"


@dataclass
class Waits(Clock):
    """Time that passes when somebody sleeps, and for the environment too."""

    environment: StandIn
    slept: list[float] = field(default_factory=list)

    def now(self) -> float:
        return sum(self.slept)

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.environment.ahead += seconds


@dataclass
class Place:
    """The environment, its bucket, and what a deploy says and does there."""

    environment: StandIn
    server: MwaaServer
    s3: Any
    folder: Path
    clock: Waits
    told: list[str] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)

    def bundle(self, commit: str, dags: dict[str, str], **given: Any) -> Path:
        """Write a bundle; `startup`, `options`, `wheels`, `airflow`, `dag_ids` are optional."""
        folder = self.folder / commit
        version = given.get("framework", "0.1.0")
        asked = given.get("requirements", "--no-index\n")
        files = {f"dags/{name}": text.encode() for name, text in dags.items()}
        files["requirements.txt"] = f"{asked}etl-framework=={version}\n".encode()
        if "startup" in given:
            files["startup.sh"] = given["startup"].encode()
        files["airflow-config.json"] = json.dumps(given.get("options", {})).encode()
        for name, data in files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(data)
        with zipfile.ZipFile(folder / "plugins.zip", "w") as plugins:
            wheel = zipfile.ZipInfo(
                f"etl_framework-{version}-py3-none-any.whl", (2024, 1, 1, 0, 0, 0)
            )
            plugins.writestr(wheel, b"")
        files["plugins.zip"] = (folder / "plugins.zip").read_bytes()
        ids = [name.removesuffix(".py") for name in dags if name.endswith(".py")]
        airflow = given.get("airflow", self.environment.airflow)
        Manifest(
            format=1, target=f"mwaa:{airflow}", airflow=airflow, python="3.12", framework=version,
            commit=commit, environment="prod", dag_ids=tuple(given.get("dag_ids", ids)),
            files={name: hashlib.sha256(data).hexdigest() for name, data in files.items()},
            connections=(), variables=(), secrets=(), packages={},
        ).write(folder)  # fmt: skip
        return folder

    def start(self, *, take_over: bool = False) -> Start:
        aws = Aws(self.calls.append)
        return Start(self.environment.name, aws, self.clock, self.told.append, take_over)

    def deploy(self, folder: Path, *, take_over: bool = False) -> Ready:
        return self._go(self.start(take_over=take_over).deploy(folder))

    def rollback(self) -> Ready:
        return self._go(self.start().rollback())

    def _go(self, ready: Ready) -> Ready:
        ready.go()
        return ready

    def objects(self) -> dict[str, str]:
        """Content of every object but the record, by key."""
        found = self.s3.list_objects_v2(Bucket=self.environment.bucket).get("Contents", [])
        keys = [each["Key"] for each in found if not each["Key"].startswith("etl-deploys/")]
        return {key: self.body(key) for key in keys if key != "plugins.zip"}

    def versions(self) -> dict[str, list[str]]:
        """Ids of all versions by key, oldest first; a deleted object ends with `deleted`."""
        listed = self.s3.list_object_versions(Bucket=self.environment.bucket)
        found: dict[str, list[str]] = {}
        for each in reversed(listed.get("Versions", [])):
            found.setdefault(each["Key"], []).append(each["VersionId"])
        for each in listed.get("DeleteMarkers", []):
            if each["IsLatest"]:
                found[each["Key"]].append("deleted")
        return {key: ids for key, ids in found.items() if not key.startswith("etl-deploys/")}

    def body(self, key: str) -> str:
        found = self.s3.get_object(Bucket=self.environment.bucket, Key=key)
        return str(found["Body"].read().decode())

    def record(self) -> dict[str, Any]:
        return dict(json.loads(self.body(f"etl-deploys/{self.environment.name}.json")))

    def put(self, key: str, text: str) -> str:
        found = self.s3.put_object(Bucket=self.environment.bucket, Key=key, Body=text.encode())
        return str(found["VersionId"])

    def changes(self) -> list[str]:
        """What was changed, in order: `put_object dags/orders.py`."""
        made = [call for call in self.calls if not call.reads]
        return [f"{c.operation} {c.arguments.get('Key', '')}".strip() for c in made]


@dataclass(frozen=True)
class Servers:
    """moto's server and MWAA's control plane, and clients for what tests do by hand."""

    plane: MwaaServer
    variables: dict[str, str]
    s3: Any
    logs: Any


@pytest.fixture(scope="session")
def servers() -> Iterator[Servers]:
    with ExitStack() as until:
        moto, plane = start_moto(until), MwaaServer()
        url = f"http://127.0.0.1:{plane.start()}"
        until.callback(plane.stop)
        variables = {
            "AWS_ENDPOINT_URL_MWAA": url, "AWS_ENDPOINT_URL_S3": moto,
            "AWS_ENDPOINT_URL_CLOUDWATCH_LOGS": moto, "AWS_ENDPOINT_URL_STS": url,
            "AWS_DISABLE_HOST_PREFIX_INJECTION": "true", "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": "eu-west-1",
        }  # fmt: skip
        # Set for the clients alone: other tests of this process have servers of their own.
        with pytest.MonkeyPatch.context() as patch:
            for name, value in variables.items():
                patch.setenv(name, value)
            s3, logs = boto3.client("s3"), boto3.client("logs")
        yield Servers(plane, variables, s3, logs)


@pytest.fixture(scope="module", autouse=True)
def _fresh_clients() -> Iterator[None]:
    """Clients are kept, and hold on to the servers of the tests before."""
    aws._made.cache_clear()
    yield
    aws._made.cache_clear()


@pytest.fixture
def place(servers: Servers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    """An environment that is AVAILABLE with Airflow 3.3.1, and an empty bucket with versions."""
    for name, value in servers.variables.items():
        monkeypatch.setenv(name, value)
    s3 = servers.s3
    name = f"music-{uuid4().hex[:8]}"
    bucket = f"airflow-{name}"
    s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    enabled = {"Status": "Enabled"}
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration=enabled)
    environment = StandIn(name, "3.3.1", bucket, s3, servers.logs)
    environment.state["AirflowConfigurationOptions"] = {OTHERS: SECRET, "core.parallelism": "32"}
    servers.plane.environments[name] = environment
    yield Place(environment, servers.plane, s3, tmp_path, Waits(environment))
    servers.plane.fault = lambda operation: ""
