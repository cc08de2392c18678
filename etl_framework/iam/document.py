"""Rights as one document of JSON, and what the forms of it share."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

from etl_framework.iam.grants import sql_of
from etl_framework.iam.rights import Rights

_REFERENCE = re.compile(r"\$\{([^}]*)\}")


def as_json(rights: Rights) -> str:
    """Policies, trust, grants and rules; `parameters` says what each `${name}` in them is."""
    return json.dumps(asdict(rights), indent=2) + "\n"


def as_sql(rights: Rights) -> str:
    """The grants alone."""
    return sql_of(rights.grants)


def referring(
    value: Any, parameters: Mapping[str, str], known: Callable[[str], str], other: str
) -> Any:
    """A value whose references are those of another language.

    :param known: how a parameter is written there.
    :param other: how `${` is written where it is none of ours, such as IAM's own variables.
    """
    if isinstance(value, dict):
        return {key: referring(each, parameters, known, other) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [referring(each, parameters, known, other) for each in value]
    if not isinstance(value, str):
        return value
    return _REFERENCE.sub(
        lambda found: known(found[1]) if found[1] in parameters else f"{other}{found[1]}}}", value
    )
