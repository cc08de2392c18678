"""Files of sources are moved once what was made of them is published.

Only those that this run's extract step read, as they were then. They are written down first, so
that the same interval, run again, finds them where they are now, whatever happened in between.
"""

from __future__ import annotations

from typing import cast

from etl_framework.connections.files import Files
from etl_framework.engines.work import Work
from etl_framework.sources.files import FilesSource
from etl_framework.storage.archived import remember


def archive(work: Work) -> int:
    """Move the files of each source that has an archive; returns how many there are.

    :raises RetryableError: the place does not answer; the same again goes on.
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
