"""Tell answers of S3 from those of another server, such as a proxy with a page to log in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

T = TypeVar("T")


def answered(response: Mapping[str, Any], value: T) -> T:
    """Return what the answer to a request for an object holds.

    :raises KeyError: it is no answer of S3, which always gives the object's ETag.
    """
    if not response["ETag"]:
        raise KeyError("ETag")
    return value


def entries(page: Mapping[str, Any], kind: str) -> Sequence[Mapping[str, Any]]:
    """Return the entries of a page of a listing: its `Contents` or `CommonPrefixes`.

    :raises KeyError: it is no answer of S3, which always names the bucket. A web page may be XML,
        too, and would look like a listing of nothing.
    """
    found: Sequence[Mapping[str, Any]] = page.get(kind, ())
    if not found and not page["Name"]:
        raise KeyError("Name")
    return found
