"""What `etl quarantine replay` does."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from etl_framework.cli.log import log
from etl_framework.cli.options import plans_of
from etl_framework.cli.progress import run_all
from etl_framework.errors import ConfigError

if TYPE_CHECKING:
    from etl_framework.interval import DataInterval
    from etl_framework.project.project import Project
    from etl_framework.quarantine.correct import Made
    from etl_framework.quarantine.rows import Selection


class Replay:
    """Runs the data intervals of rejected rows again, with corrected rows in their place.

    :raises ConfigError: there is no such source.
    """

    def __init__(
        self, project: Project, environment: str | None, source: str, selection: Selection
    ) -> None:
        from etl_framework.quarantine.rows import Quarantine

        self._project, self._environment, self._selection = project, environment, selection
        self._rejected = Quarantine(project, environment, source)

    def run(self, corrections: Path | None) -> None:
        """Take corrections and run all data intervals that need it.

        :param corrections: a CSV file of corrected rows.
        :raises ConfigError: the corrections cannot be taken, or rows cannot be replaced.
        :raises EtlError: a step failed.
        """
        from etl_framework.quarantine.replay import intervals_to_run

        made = self._read(corrections) if corrections else None
        intervals = intervals_to_run(
            self._project, self._environment, self._rejected, self._selection, made
        )
        if corrections and not made:
            log().say(f"nothing in {corrections} differs from what was rejected")
        if not intervals:
            if not corrections:
                log().say("nothing to replay")
            return
        self._replay(intervals, made or {})

    def _read(self, corrections: Path) -> Made:
        """Read corrections; if rows are not known, let a replay that was stopped go on first.

        It was stopped while it read its source again, so its rejected rows are not there yet.
        """
        from etl_framework.quarantine.correct import corrections_in
        from etl_framework.quarantine.replay import begun

        try:
            return corrections_in(corrections, self._rejected)
        except ConfigError:
            unfinished = begun(self._rejected, self._selection)
            if not unfinished:
                raise
        self._replay(unfinished, {})
        return corrections_in(corrections, self._rejected)

    def _replay(self, intervals: Sequence[DataInterval], made: Made) -> None:
        from etl_framework.quarantine.replay import begun, resumable
        from etl_framework.run.run import Run
        from etl_framework.run.stale import stale_runs

        rejected = self._rejected
        if going_on := set(begun(rejected, self._selection)) & set(intervals):
            log().say(f"a replay that was stopped goes on: {len(going_on):,} intervals")
        before = self._waiting()
        name = rejected.pipeline.name
        plans = list(plans_of(self._project, name, self._environment, intervals))
        rejected.decide(made)
        if made:
            log().say(f"{sum(map(len, made.values())):,} corrections taken")
        try:
            run_all(
                Run(plan, older="keep", how="etl quarantine replay")
                for plan in resumable(rejected, plans)
            )
            run_all(stale_runs(self._project, self._environment, plans[-1], log().say))
        finally:
            after = self._waiting()
            click.echo(f"\nrejected rows of {rejected.relation}: {before:,} before, {after:,} now")

    def _waiting(self) -> int:
        from etl_framework.quarantine.rows import CORRECTED, OPEN

        counts = self._rejected.counts()
        return sum(states[state] for _, _, states in counts for state in (OPEN, CORRECTED))
