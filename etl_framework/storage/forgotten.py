"""Persons whose rows were removed from a source, by hashes of what told them apart.

Rows of them that the source still has never enter staging again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field

from etl_framework.storage.staging import RunFolder, Staging

FOLDER = "forgotten"


@dataclass(frozen=True)
class Forgotten:
    """One person, or whoever a condition meant.

    :param at: when, in UTC, as ISO 8601.
    :param hashes: the hash of the value of each column that the condition named.
    :param ids: rejected rows that were removed.
    :param removed: how many rows were removed, by the step that had them.
    """

    at: str
    by: str
    hashes: Mapping[str, str]
    ids: Sequence[str] = ()
    removed: Mapping[str, int] = field(default_factory=dict)


def hashed(text: str) -> str:
    """Return what is hashed for a value: no mask is made of the same text."""
    return f"forgotten {text}"


def forgotten(staging: Staging, pipeline: str, source: str) -> list[Forgotten]:
    """Return whom a source has forgotten, the first one first.

    :raises BrokenStateError: the file with them is not as it was written.
    """
    folder = _folder(staging, pipeline)
    try:
        return [Forgotten(**entry) for entry in (folder.read(_name(source)) or {})["forgotten"]]
    except KeyError:
        return []
    except TypeError as error:
        raise folder.spoiled(_name(source)) from error


def remember(staging: Staging, pipeline: str, source: str, entry: Forgotten) -> None:
    """Add one to the list, atomically; one with the same hashes takes the place of the earlier."""
    others = []
    for known in forgotten(staging, pipeline, source):
        if dict(known.hashes) != dict(entry.hashes):
            others.append(known)
            continue
        counts = {*known.removed, *entry.removed}
        removed = {n: known.removed.get(n, 0) + entry.removed.get(n, 0) for n in sorted(counts)}
        ids = sorted({*known.ids, *entry.ids})
        entry = Forgotten(entry.at, entry.by, entry.hashes, ids, removed)
    content = {"forgotten": [asdict(one) for one in (*others, entry)]}
    _folder(staging, pipeline).write(_name(source), content)


def _folder(staging: Staging, pipeline: str) -> RunFolder:
    return staging.run(pipeline, FOLDER)


def _name(source: str) -> str:
    return f"{source}.json"
