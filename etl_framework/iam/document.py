"""Rights as one JSON document or as SQL, and what the output formats share."""

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
    """Policies, trust, grants and rules as JSON; `parameters` explains each `${name}` in it."""
    return json.dumps(asdict(rights), indent=2) + "\n"


def as_sql(rights: Rights) -> str:
    """Only the grants, as SQL."""
    return sql_of(rights.grants)


def referring(
    value: Any, parameters: Mapping[str, str], known: Callable[[str], str], other: str
) -> Any:
    """A value whose references `${name}` are translated into another language.

    :param known: gives the reference to a parameter in that language.
    :param other: what replaces `${` where the name is no parameter but, say, a variable of IAM.
    """
    if isinstance(value, dict):
        return {key: referring(item, parameters, known, other) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [referring(item, parameters, known, other) for item in value]
    if not isinstance(value, str):
        return value
    return _REFERENCE.sub(
        lambda match: known(match[1]) if match[1] in parameters else f"{other}{match[1]}}}", value
    )
