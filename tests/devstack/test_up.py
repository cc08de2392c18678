"""What `etl dev up` leaves running, as the next command of a user finds it."""

from __future__ import annotations

import boto3
import pytest
from botocore.exceptions import EndpointConnectionError

from tests.conftest import Folder


@pytest.mark.slow
def test_mwaa_is_there_until_down(orders: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    done = orders.etl("dev", "up")
    assert "export $(grep ^AWS_ .etl/dev/env)" in done.stderr
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    try:
        lines = (orders.root / ".etl/dev/env").read_text(encoding="utf-8").splitlines()
        for line in lines:
            if line.startswith("AWS_"):
                assert " " not in line, "it goes through `export $(grep ...)`"
                monkeypatch.setenv(*line.split("=", 1))
        found = boto3.client("mwaa").get_environment(Name="music-dev")["Environment"]
        bucket = found["SourceBucketArn"].rpartition(":")[2]

        assert (found["Status"], found["AirflowVersion"]) == ("AVAILABLE", "3.3.1")
        assert boto3.client("s3").get_bucket_versioning(Bucket=bucket)["Status"] == "Enabled"
        assert boto3.client("sts").get_caller_identity()["Account"]
    finally:
        assert orders.etl("dev", "down").stderr == "stopped\n"
    with pytest.raises(EndpointConnectionError):
        boto3.client("mwaa").get_environment(Name="music-dev")
