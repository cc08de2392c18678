"""The evaluator decides as IAM does, or says that it cannot."""

from __future__ import annotations

from typing import Any

import pytest

from tests.iam.evaluator import Request, allowed

READ = {"Effect": "Allow", "Action": "s3:Get*", "Resource": ["arn:aws:s3:::b/in/*"]}
LIST = {"Effect": "Allow", "Action": ["s3:ListBucket"], "Resource": "arn:aws:s3:::b",
        "Condition": {"StringLike": {"s3:prefix": ["in/*"]}}}  # fmt: skip
OWN = {"Effect": "Allow", "Action": "x:Y", "Resource": "*",
       "Condition": {"StringEquals": {"x:owner": "${aws:userid}"}}}  # fmt: skip
DENY = {"Effect": "Deny", "Action": "*", "Resource": "arn:aws:s3:::b/in/secret*"}
KEY = {"Effect": "Allow", "Action": "kms:Decrypt", "Resource": "*",
       "Condition": {"ForAnyValue:StringEquals": {"kms:ResourceAliases": ["alias/a"]}}}  # fmt: skip


@pytest.mark.parametrize(
    ("statements", "request_", "verdict"),
    [
        pytest.param([READ], Request("s3:GetObject", "arn:aws:s3:::b/in/x"), True, id="a star"),
        pytest.param([READ], Request("s3:PutObject", "arn:aws:s3:::b/in/x"), False,
                     id="another action"),
        pytest.param([READ], Request("s3:GetObject", "arn:aws:s3:::b/in2/x"), False,
                     id="another prefix"),
        pytest.param([READ, DENY], Request("s3:GetObject", "arn:aws:s3:::b/in/secret1"), False,
                     id="a denial wins"),
        pytest.param([LIST], Request("s3:ListBucket", "arn:aws:s3:::b", {"s3:prefix": "in/"}),
                     True, id="a condition"),
        pytest.param([LIST], Request("s3:ListBucket", "arn:aws:s3:::b", {"s3:prefix": "i"}),
                     False, id="a condition that does not hold"),
        pytest.param([LIST], Request("s3:ListBucket", "arn:aws:s3:::b"), False,
                     id="a key that is missing"),
        pytest.param([OWN], Request("x:Y", "r", {"x:owner": "me", "aws:userid": "me"}), True,
                     id="a variable"),
        pytest.param([OWN], Request("x:Y", "r", {"x:owner": "you", "aws:userid": "me"}), False,
                     id="a variable of another"),
        pytest.param([OWN], Request("x:Y", "r", {"x:owner": "you"}), False,
                     id="a variable without a value"),
        pytest.param([KEY], Request("kms:Decrypt", "k", {"kms:resourcealiases": ["alias/b",
                     "alias/a"]}), True, id="any of several"),
        pytest.param([], Request("s3:GetObject", "arn:aws:s3:::b/in/x"), False, id="no policy"),
    ],
)  # fmt: skip
def test_verdicts(statements: list[dict[str, Any]], request_: Request, verdict: bool) -> None:
    assert allowed([{"Statement": statements}], request_) is verdict


@pytest.mark.parametrize(
    "statement",
    [
        pytest.param({**READ, "NotAction": "s3:*"}, id="an element"),
        pytest.param({**READ, "Condition": {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}},
                     id="an operator"),
    ],
)  # fmt: skip
def test_what_it_does_not_know_is_no_verdict(statement: dict[str, Any]) -> None:
    request = Request("s3:GetObject", "arn:aws:s3:::b/in/x", {"aws:sourceip": "10.0.0.1"})
    with pytest.raises((AssertionError, KeyError)):
        allowed([{"Statement": [statement]}], request)
