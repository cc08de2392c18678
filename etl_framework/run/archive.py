"""Move the files of sources to their archive once their rows are published."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import cast

from etl_framework.connections.files import Files
from etl_framework.engines.work import Work
from etl_framework.sources.files import FilesSource
from etl_framework.storage.archive import Archived, archived, remember


def archive(work: Work) -> int:
    """Move the files of every source that has an archive, and return their number.

    Only those that this run's extract step read are moved, in the version that it read. They are
    listed in staging before: a later run of the same interval finds them in the archive then, even
    if this run breaks off.

    :raises RetryableError: the storage does not answer; another attempt continues the move.
    """
    plan, count = work.plan, 0
    for name, source in plan.pipeline.sources.items():
        if not isinstance(source, FilesSource) or not source.archive:
            continue
        outcome = work.run.step(f"extract.{name}").outcome()
        place, root = cast(Files, plan.workspace.connection(source.connection)), plan.root
        listed = {file.name: file for file in archived(work.run, name)}
        for file, version in outcome.sources if outcome else ():
            if not _is_settled(listed.get(file), version, place, root):
                free = source.free_place(place, root, file, version)
                listed[file] = Archived(file, version, free)
        remember(work.run, name, listed.values())
        place.move(root, [(file.name, file.version, file.place) for file in listed.values()])
        remember(work.run, name, [_confirmed(file, place, root) for file in listed.values()])
        count += len(listed)
    return count


def _is_settled(known: Archived | None, version: str, place: Files, root: Path) -> bool:
    """Return whether the list says where a version of a file is, or is moved to.

    A file that was moved and has come again is moved to another place.
    """
    if known is None or known.version != version:
        return False
    return not known.tag or place.version_of(root, known.name) != version


def _confirmed(file: Archived, place: Files, root: Path) -> Archived:
    """Return an entry of the list with the version that the file has in the archive."""
    version = None if file.tag else place.version_of(root, file.place)
    return replace(file, tag=version) if version and file.is_still(version) else file
