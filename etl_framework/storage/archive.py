"""The list of a source's files that were moved to an archive; their interval can still use them."""

from __future__ import annotations

import json

from etl_framework.storage.staging import RunFolder

Read = tuple[tuple[str, str], ...]


def archived(run: RunFolder, relation: str) -> Read:
    """Return name and version of every file of a source that a run moved to the archive."""
    entries = json.loads(run.read(_name(relation)) or "[]")
    return tuple((str(name), str(version)) for name, version in entries)


def remember(run: RunFolder, relation: str, files: Read) -> Read:
    """Add files to the list before they are moved, atomically; return all files in the list."""
    known = dict(archived(run, relation)) | dict(files)
    run.write(_name(relation), json.dumps(sorted(known.items())))
    return tuple(known.items())


def _name(relation: str) -> str:
    return f"files/{relation}.json"
