"""Move the files of sources to an archive after their rows are published.

Only the files that this run's extract step read are moved, in the version that it read. They are
listed in staging before they are moved. A later run of the same interval therefore finds them in
the archive, even if this run breaks off.
"""

from __future__ import annotations

from typing import cast

from etl_framework.connections.files import Files
from etl_framework.engines.work import Work
from etl_framework.sources.files import FilesSource
from etl_framework.storage.archived import remember


def archive(work: Work) -> int:
    """Move the files of each source that has an archive, and return their number.

    :raises RetryableError: the storage does not answer; another attempt continues the move.
    """
    plan, count = work.plan, 0
    for name, source in plan.pipeline.sources.items():
        if not isinstance(source, FilesSource) or not source.archive:
            continue
        outcome = work.run.step(f"extract.{name}").outcome()
        known = remember(work.run, name, outcome.sources if outcome else ())
        place = cast(Files, plan.workspace.connection(source.connection))
        moves = [(file, version, f"{source.archive}{file}") for file, version in known]
        place.move(plan.root, moves)
        count += len(known)
    return count
