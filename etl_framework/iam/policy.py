"""Policies of IAM: statements that allow, and documents that are no longer than AWS takes."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

VERSION = "2012-10-17"
# A managed policy has 6,144 characters at the most; references may become longer than they are.
LONGEST = 5_000
Conditions = Mapping[str, Mapping[str, Sequence[str]]]


@dataclass(frozen=True)
class Statement:
    """What is allowed on which resources.

    :param sid: letters and digits, of its own in the policy.
    :param conditions: operator, key, values, as IAM writes them.
    """

    sid: str
    actions: Sequence[str]
    resources: Sequence[str]
    conditions: Conditions = field(default_factory=dict)

    def document(self) -> dict[str, Any]:
        """It as IAM writes it."""
        found: dict[str, Any] = {
            "Sid": self.sid,
            "Effect": "Allow",
            "Action": sorted(self.actions),
            "Resource": sorted(set(self.resources)),
        }
        if self.conditions:
            found["Condition"] = {
                operator: {key: sorted(set(values)) for key, values in keys.items()}
                for operator, keys in self.conditions.items()
            }
        return found


def documents(statements: Iterable[Statement]) -> list[dict[str, Any]]:
    """The statements in as few policies as they fit into, in their order."""
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
    return [{"Version": VERSION, "Statement": found} for found in policies]


def trust(services: Sequence[str], conditions: Conditions) -> dict[str, Any]:
    """Which services may take a role, and on whose behalf."""
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
