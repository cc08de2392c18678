"""Whether policies allow a request, as IAM decides it; what it does not know it refuses to judge.

Source: IAM's User Guide, "Policy evaluation logic", "Condition operators", "Policy variables".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

Context = Mapping[str, str | list[str]]


@dataclass(frozen=True)
class Request:
    """One action on one resource.

    :param context: condition keys that AWS fills in, in lower case.
    """

    action: str
    resource: str
    context: Context = field(default_factory=dict)


def allowed(policies: Iterable[Mapping[str, Any]], request: Request) -> bool:
    """A statement that denies wins; else one has to allow."""
    found = [s for policy in policies for s in policy["Statement"] if _applies(s, request)]
    return bool(found) and all(statement["Effect"] == "Allow" for statement in found)


def _applies(statement: Mapping[str, Any], request: Request) -> bool:
    known = {"Sid", "Effect", "Action", "Resource", "Condition"}
    assert set(statement) <= known, f"cannot judge {set(statement) - known}"
    actions, resources = _many(statement["Action"]), _many(statement["Resource"])
    return (
        any(_like(each.lower(), request.action.lower(), {}) for each in actions)
        and any(_like(each, request.resource, request.context) for each in resources)
        and all(
            _holds(operator, key.lower(), _many(values), request.context)
            for operator, keys in statement.get("Condition", {}).items()
            for key, values in keys.items()
        )
    )


def _holds(operator: str, key: str, values: list[str], context: Context) -> bool:
    name = operator
    if name == "Null":
        return (key not in context) == (values == ["true"])
    if name.endswith("IfExists"):
        if key not in context:
            return True
        name = name.removesuffix("IfExists")
    any_value = name.startswith("ForAnyValue:")
    name = name.removeprefix("ForAnyValue:")
    matches = {
        "StringEquals": lambda value, given: _filled(value, context) == given,
        "StringLike": lambda value, given: _like(value, given, context),
        "ArnLike": lambda value, given: _arn_like(value, given, context),
        "ArnEquals": lambda value, given: _arn_like(value, given, context),
        "Bool": lambda value, given: value.lower() == given.lower(),
    }[name]
    if key not in context:
        return False
    given = context[key]
    assert isinstance(given, str) or any_value, f"{key} has several values"
    return any(matches(value, each) for value in values for each in _many(given))


def _arn_like(pattern: str, arn: str, context: Context) -> bool:
    """Each of the six parts by itself: a `*` does not reach over a colon."""
    wanted, given = pattern.split(":", 5), arn.split(":", 5)
    return len(wanted) == len(given) and all(
        _like(a, b, context) for a, b in zip(wanted, given, strict=True)
    )


def _like(pattern: str, text: str, context: Context) -> bool:
    """`*` is any text, `?` one character, `${key}` what the request says, `${*}` a star."""
    parts = re.split(r"(\$\{[^}]*\}|\*|\?)", pattern)
    wild = {"*": ".*", "?": "."}
    expression = "".join(wild.get(p) or re.escape(_filled(p, context)) for p in parts)
    return re.fullmatch(expression, text, re.DOTALL) is not None


def _filled(text: str, context: Context) -> str:
    def value(found: re.Match[str]) -> str:
        if found[1] in "*?$":
            return found[1]
        given = context.get(found[1].lower(), "\0")  # a variable without a value matches nothing
        return given if isinstance(given, str) else "\0"

    return re.sub(r"\$\{([^}]*)\}", value, text)


def _many(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else list(value)
