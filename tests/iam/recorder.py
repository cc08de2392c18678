"""Every call of AWS that this process makes, and the permissions that AWS asks for it.

Source: Service Authorization Reference; Amazon S3's User Guide, "Required permissions for Amazon S3
API operations".
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

import botocore.client
import pytest
from botocore.exceptions import ClientError

from tests.iam.evaluator import Request

ACCOUNT, REGION, SELF = "123456789012", "eu-west-1", "AROAEXAMPLE:worker"
PUT = {"PutObject", "CreateMultipartUpload", "UploadPart", "CompleteMultipartUpload"}


@dataclass(frozen=True)
class Call:
    """A call: of which service, what, with what, by whom, and whether something was missing."""

    service: str
    operation: str
    params: dict[str, Any]
    client: int
    missing: bool = False


@dataclass
class Record:
    """The calls of a while, in order."""

    calls: list[Call] = field(default_factory=list)
    _adding: threading.Lock = field(default_factory=threading.Lock)

    def add(self, call: Call) -> None:
        with self._adding:
            self.calls.append(call)

    def operations(self) -> set[str]:
        return {call.operation for call in self.calls}

    def by(self, *clients: Any) -> list[Call]:
        """Those of some clients."""
        return [call for call in self.calls if call.client in set(map(id, clients))]

    def not_by(self, *clients: Any) -> list[Call]:
        return [call for call in self.calls if call.client not in set(map(id, clients))]


@contextmanager
def recording(monkeypatch: pytest.MonkeyPatch) -> Iterator[Record]:
    """Record what goes through boto3, transfers in threads of their own among it."""
    record, really = Record(), botocore.client.BaseClient._make_api_call

    def call(self: Any, operation: str, params: dict[str, Any]) -> Any:
        service, missing = self.meta.service_model.service_name, False
        try:
            return really(self, operation, params)
        except ClientError as error:
            missing = error.response["Error"]["Code"] in ("404", "NoSuchKey", "NotFound")
            raise
        finally:
            record.add(Call(service, operation, params, id(self), missing))

    with monkeypatch.context() as patch:
        patch.setattr(botocore.client.BaseClient, "_make_api_call", call)
        yield record


def requests(call: Call, arn: str = "") -> list[Request]:
    """What has to be allowed for a call.

    :param arn: of the cluster, for calls of Redshift.
    """
    if call.service == "s3":
        return _of_s3(call)
    return [_of_redshift(call, arn)]


def _of_s3(call: Call) -> list[Request]:
    params, operation = call.params, call.operation
    bucket = f"arn:aws:s3:::{params['Bucket']}"
    key = f"{bucket}/{params.get('Key', '')}"
    if operation in ("GetObject", "HeadObject"):
        listing = Request("s3:ListBucket", bucket, {"s3:prefix": params["Key"]})
        return [Request("s3:GetObject", key), *([listing] if call.missing else [])]
    if operation in PUT:
        return [Request("s3:PutObject", key)]
    if operation in ("CopyObject", "UploadPartCopy"):
        there = f"arn:aws:s3:::{unquote(params['CopySource'])}"  # botocore has made it one text
        tags = [Request("s3:GetObjectTagging", there), Request("s3:PutObjectTagging", key)]
        return [Request("s3:GetObject", there), Request("s3:PutObject", key), *tags]
    if operation == "DeleteObjects":
        keys = [each["Key"] for each in params["Delete"]["Objects"]]
        return [Request("s3:DeleteObject", f"{bucket}/{each}") for each in keys]
    if operation == "ListObjectsV2":
        # S3 knows no prefix when none, or an empty one, is sent.
        prefix = {"s3:prefix": params["Prefix"]} if params.get("Prefix") else {}
        return [Request("s3:ListBucket", bucket, prefix)]
    # Any other is an error of the test: nobody has said yet what it needs.
    alone = {"AbortMultipartUpload", "GetObjectTagging", "PutObjectTagging", "DeleteObject"}
    assert operation in alone, f"what does {operation} need?"
    return [Request(f"s3:{operation}", key)]


def _of_redshift(call: Call, arn: str) -> Request:
    if call.operation in ("ExecuteStatement", "BatchExecuteStatement"):
        return Request(f"redshift-data:{call.operation}", arn)
    own = {"redshift-data:statement-owner-iam-userid": SELF, "aws:userid": SELF}
    if call.operation in ("DescribeStatement", "GetStatementResult", "CancelStatement"):
        return Request(f"redshift-data:{call.operation}", arn, own)
    if call.operation == "GetClusterCredentials":
        cluster, user = call.params["ClusterIdentifier"], call.params["DbUser"]
        here = f"arn:aws:redshift:{REGION}:{ACCOUNT}"
        return Request("redshift:GetClusterCredentials", f"{here}:dbuser:{cluster}/{user}")
    assert call.operation == "GetCredentials", f"what does {call.operation} need?"
    return Request("redshift-serverless:GetCredentials", arn)
