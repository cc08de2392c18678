"""Every call of a real run is allowed, and a call beside it is not."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from etl_framework.connections.redshift.connection import Redshift
from etl_framework.connections.s3 import S3
from etl_framework.devstack.stack import BUCKET, Stack
from etl_framework.iam.rights import Rights
from etl_framework.run.run import Run
from tests.conftest import Folder
from tests.iam.conftest import CLUSTER, FACTS, rights
from tests.iam.evaluator import Request, allowed
from tests.iam.recorder import ACCOUNT, REGION, Record, recording, requests

pytestmark = pytest.mark.slow
LAKE = S3(type="s3", bucket=BUCKET, endpoint_url="{{ env.ETL_DEV_S3_URL }}")
STAGED = "stagingData/music_streaming"


def run(folder: Folder, environment: str) -> None:
    """Run it twice: once from nothing, once from what is there."""
    for _ in range(2):
        plan = folder.plan("music_streaming", environment=environment)
        assert all(r.error is None for r in Run(plan).all_steps(lambda result: None))


def beside(request: Request) -> list[Request]:
    """The same with another action, another bucket, another prefix, and a longer one."""
    bucket, slash, key = request.resource.partition("/")
    head, _, tail = key.rpartition("/")
    found = [
        replace(request, action="s3:PutObjectAcl"),
        replace(request, resource=f"{bucket}-2{slash}{key}"),
    ]
    if key:
        folder = re.sub(r"^(stagingData/)?([^/]+)", r"\g<1>\g<2>-2", head)
        found += [replace(request, resource=f"{bucket}/{folder}/{tail}"),
                  replace(request, resource=f"{bucket}/{tail}")]  # fmt: skip
    if prefix := request.context.get("s3:prefix"):
        other = str(prefix).replace("music_streaming", "payroll").replace("streaming-data", "other")
        found += [replace(request, context={"s3:prefix": other}), replace(request, context={})]
    return found


def policies_of(found: Rights) -> dict[str, list[dict[str, Any]]]:
    """The policies of each role."""
    assert found.copy_role
    return {"execution": found.execution, "copy": found.copy_role.policies}


def judged(record: Record, found: Rights, stack: Stack) -> dict[str, list[Request]]:
    """What each role was asked for; all of it is allowed."""
    policies = policies_of(found)
    calls = {"execution": record.not_by(stack.s3), "copy": record.by(stack.s3)}
    asked = {
        role: [each for call in made for each in requests(call, CLUSTER)]
        for role, made in calls.items()
    }
    for role, made in asked.items():
        assert made
        assert [each for each in made if not allowed(policies[role], each)] == []
    return asked


@pytest.mark.parametrize("environment", ["aws_local", "aws_local_pushdown"])
def test_a_run_has_what_it_needs_and_nothing_beside_it(
    music: Folder, stack: Stack, monkeypatch: pytest.MonkeyPatch, environment: str
) -> None:
    found = rights(music, environment)
    assert found.parameters.keys() == {
        "music_rds_database", "music_rds_security_group_id", "music_rds_user",
        "mwaa_security_group_id", "warehouse_security_group_id",
    }  # fmt: skip
    with recording(monkeypatch) as record:
        run(music, environment)
    asked = judged(record, found, stack)

    assert {"ListObjectsV2", "HeadObject", "GetObject", "PutObject"} <= record.operations()
    assert any(call.missing for call in record.calls)
    neighbours = [(role, b) for role, made in asked.items() for each in made for b in beside(each)]
    assert len(set(map(repr, neighbours))) > 100
    assert [b for role, b in neighbours if allowed(policies_of(found)[role], b)] == []


def test_the_role_of_copy_only_reads(music: Folder) -> None:
    role = rights(music, "aws_local").copy_role
    assert role
    key = f"arn:aws:s3:::{BUCKET}/{STAGED}/x"
    assert allowed(role.policies, Request("s3:GetObject", key))
    for action in ("s3:PutObject", "s3:DeleteObject", "s3:GetObjectAcl"):
        assert not allowed(role.policies, Request(action, key))
    source = Request("s3:GetObject", f"arn:aws:s3:::{BUCKET}/streaming-data/1.csv")
    assert not allowed(role.policies, source)
    pushdown = rights(music, "aws_local_pushdown").copy_role
    assert pushdown
    assert allowed(pushdown.policies, source)


def test_a_file_in_parts_is_written_and_given_up(
    music: Folder, stack: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    large = tmp_path / "large"
    with large.open("wb") as out:
        out.truncate(17 << 20)
    place = LAKE.open(BUCKET, STAGED)
    with recording(monkeypatch) as record:
        place.upload(large, "r/s/large")
        upload = place.client.create_multipart_upload(Bucket=BUCKET, Key=place.key("r/s/again"))
        place.client.abort_multipart_upload(
            Bucket=BUCKET, Key=place.key("r/s/again"), UploadId=upload["UploadId"]
        )
        place.delete(["r/s/large"])
    policies = rights(music, "aws_local").execution

    assert {"UploadPart", "CompleteMultipartUpload", "AbortMultipartUpload"} <= record.operations()
    asked = [each for call in record.calls for each in requests(call)]
    assert [each for each in asked if not allowed(policies, each)] == []
    assert [each for each in asked for other in beside(each) if allowed(policies, other)] == []


def test_files_go_to_their_archive(
    music: Folder, stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = music.root / "pipelines/music_streaming.yml"
    path = "    path: streaming-data/*.csv*\n"
    assert not allowed(rights(music, "aws_local").execution, Request(
        "s3:DeleteObject", f"arn:aws:s3:::{BUCKET}/streaming-data/1.csv"))  # fmt: skip
    file.write_text(file.read_text().replace(path, f"{path}    archive: processed/\n"))
    found = rights(music, "aws_local")
    with recording(monkeypatch) as record:
        run(music, "aws_local")

    asked = judged(record, found, stack)["execution"]
    assert Request("s3:DeleteObject", f"arn:aws:s3:::{BUCKET}/streaming-data/1.csv") in asked
    other = Request("s3:DeleteObject", f"arn:aws:s3:::{BUCKET}/processed/streaming-data/1.csv")
    assert not allowed(found.execution, other)


def test_a_second_file_of_one_name_may_go_to_a_folder_of_its_own(
    music: Folder, monkeypatch: pytest.MonkeyPatch, stack: Stack
) -> None:
    file = music.root / "pipelines/music_streaming.yml"
    path = "    path: streaming-data/*.csv*\n"
    archive = "    path: streaming-data/export.csv\n    archive: processed/\n"
    file.write_text(file.read_text().replace(path, archive))
    policies = rights(music, "aws_local").execution

    for name in ("export.csv", "5f2c8e01/export.csv"):
        for action in ("s3:PutObject", "s3:GetObject"):
            there = f"arn:aws:s3:::{BUCKET}/processed/streaming-data/{name}"
            assert allowed(policies, Request(action, there))
    elsewhere = f"arn:aws:s3:::{BUCKET}/processed/export.csv"
    assert not allowed(policies, Request("s3:PutObject", elsewhere))


WAYS = {
    "the Data API": {"driver": "data_api", "cluster": "music", "user": "awsuser"},
    "IAM": {"host": "{{ env.ETL_DEV_REDSHIFT_HOST }}", "port": "{{ env.ETL_DEV_REDSHIFT_PORT }}",
            "cluster": "music", "user": "awsuser",
            "ssl_root_cert": "{{ env.ETL_DEV_AUTHORITY }}"},
}  # fmt: skip


@pytest.mark.parametrize("way", WAYS)
def test_ways_into_the_cluster(
    music: Folder, stack: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    settings = {**WAYS[way], "type": "redshift", "database": "dev", "region": REGION,
                "endpoint_url": "{{ env.ETL_DEV_AWS_URL }}"}  # fmt: skip
    with recording(monkeypatch) as record:
        session = Redshift(**settings).open_session(tmp_path)
        assert session.run("SELECT 1 AS one").rows
        if not session.interactive:
            assert session.batch([("SELECT 2", ())]) == [1]
        session.close()
    music.write("environments.yml", environments(settings))
    policies = rights(music, "prod").execution
    here = f"arn:aws:redshift:{REGION}:{ACCOUNT}"

    asked = [each for call in record.calls for each in requests(call, CLUSTER)]
    assert asked
    assert [each for each in asked if not allowed(policies, each)] == []
    for each in asked:
        other = each.resource.replace(":music", ":payroll")
        mine = {**each.context, "aws:userid": "AROAOTHER:somebody"}
        denied = replace(each, context=mine) if each.context else replace(each, resource=other)
        assert not allowed(policies, denied), denied
    database = Request("redshift:GetClusterCredentials", f"{here}:dbname:music/dev")
    assert allowed(policies, database)
    assert not allowed(policies, replace(database, resource=f"{here}:dbname:music/payroll"))
    assert not allowed(policies, replace(database, resource=f"{here}:dbuser:music/admin"))
    assert not allowed(policies, replace(database, action="redshift:DeleteCluster"))


def environments(warehouse: dict[str, str]) -> str:
    import yaml

    connections = {
        "music_rds": {"type": "postgres", "conn_id": "music_rds"},
        "lake": {"type": "s3", "bucket": BUCKET},
        "warehouse": warehouse,
    }
    prod = {"staging": f"s3://{BUCKET}/stagingData", "connections": connections}
    return yaml.safe_dump({"default": "prod", "environments": {"prod": prod}})


def test_the_facts_of_these_tests_are_the_stand_ins(stack: Stack) -> None:
    assert FACTS["etl_dev_redshift_role"] == stack.variables["ETL_DEV_REDSHIFT_ROLE"]
