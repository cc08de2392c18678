"""Which files of a source were moved once published: their data interval still has them."""

from __future__ import annotations

import json

from etl_framework.storage.staging import RunFolder

Read = tuple[tuple[str, str], ...]


def archived(run: RunFolder, relation: str) -> Read:
    """Name and version of each such file of a source, in one run."""
    found = json.loads(run.read(_name(relation)) or "[]")
    return tuple((str(name), str(version)) for name, version in found)


def remember(run: RunFolder, relation: str, files: Read) -> Read:
    """Write files down before they are moved; returns all that are known then. Atomic."""
    known = dict(archived(run, relation)) | dict(files)
    run.write(_name(relation), json.dumps(sorted(known.items())))
    return tuple(known.items())


def _name(relation: str) -> str:
    return f"files/{relation}.json"
