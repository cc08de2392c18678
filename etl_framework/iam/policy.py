"""Policies of IAM: statements that allow, in documents no longer than AWS accepts."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

VERSION = "2012-10-17"
# A managed policy has at most 6,144 characters; values may be longer than their references.
LONGEST = 5_000
Conditions = Mapping[str, Mapping[str, Sequence[str]]]


@dataclass(frozen=True)
class Statement:
    """What is allowed on which resources.

    :param sid: letters and digits, unique in the policy.
    :param conditions: values by operator and key, as in IAM's JSON.
    """

    sid: str
    actions: Sequence[str]
    resources: Sequence[str]
    conditions: Conditions = field(default_factory=dict)

    def document(self) -> dict[str, Any]:
        """The statement as IAM's JSON."""
        document: dict[str, Any] = {
            "Sid": self.sid,
            "Effect": "Allow",
            "Action": sorted(self.actions),
            "Resource": sorted(set(self.resources)),
        }
        if self.conditions:
            document["Condition"] = {
                operator: {key: sorted(set(values)) for key, values in keys.items()}
                for operator, keys in self.conditions.items()
            }
        return document


def documents(statements: Iterable[Statement]) -> list[dict[str, Any]]:
    """The statements in their order, in as few policies as can hold them."""
    policies: list[list[dict[str, Any]]] = []
    size = LONGEST
    for statement in statements:
        document = statement.document()
        length = len(json.dumps(document, separators=(",", ":")))
        if size + length > LONGEST:
            policies.append([])
            size = 0
        policies[-1].append(document)
        size += length
    return [{"Version": VERSION, "Statement": policy} for policy in policies]


def trust(services: Sequence[str], conditions: Conditions) -> dict[str, Any]:
    """The trust policy of a role: which services may assume it, and on which conditions."""
    return {
        "Version": VERSION,
        "Statement": [
            {
                "Sid": "OnlyForOurs",
                "Effect": "Allow",
                "Principal": {"Service": sorted(services)},
                "Action": "sts:AssumeRole",
                "Condition": {
                    operator: {key: sorted(values) for key, values in keys.items()}
                    for operator, keys in conditions.items()
                },
            }
        ],
    }
