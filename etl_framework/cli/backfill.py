"""Run many data intervals: a line for each, and at the end what was done, failed and not tried."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from etl_framework.cli.board import SIGNS, Board, LineBoard, OneLineBoard
from etl_framework.cli.facts import source_rows
from etl_framework.cli.log import log
from etl_framework.cli.progress import begin, recorded, run_one, tell_lost

if TYPE_CHECKING:
    from etl_framework.errors import EtlError
    from etl_framework.interval import DataInterval
    from etl_framework.plan.plan import Plan
    from etl_framework.run.execute import StepResult
    from etl_framework.run.run import Run


def run_each(
    runs: Iterable[Run],
    planned: Sequence[DataInterval],
    *,
    keep_going: bool,
) -> None:
    """Do every run, with a line for each; with every step if the log is verbose.

    :param planned: the data intervals that were asked for; runs of others may be among them.
    :param keep_going: go on behind a run that fails.
    :raises EtlError: a run failed; the error has the problems of all that did.
    """
    from etl_framework.errors import EtlError

    done, failed = set[str](), dict[str, EtlError]()
    try:
        for run in runs:
            key = run.plan.interval.key
            try:
                if log().verbose:
                    run_one(run)
                else:
                    _run_in_a_line(run)
            except EtlError as error:
                failed[key] = error
                if not keep_going:
                    break
            else:
                done.add(key)
    finally:  # also after Ctrl-C
        _summary(planned, done, failed)
    if failed:
        first, *_ = errors = list(failed.values())
        raise first.about([problem for error in errors for problem in error.diagnostics])


def _run_in_a_line(run: Run) -> None:
    """Do a run, and say in a line how it has ended; machines are told of each step.

    :raises EtlError: a step failed.
    """
    from etl_framework.errors import EtlError

    begun = time.monotonic()
    board: Board = OneLineBoard()
    if log().as_json:
        begin(run)
        board = LineBoard(run)
    with recorded(run, board.results):
        try:
            run.all_steps(board.tell)
        except EtlError as error:
            _line(run.plan, "failed", begun, error.diagnostics[0].message)
            raise
    _line(run.plan, "done", begun, _in_words(run.plan, board.results))
    tell_lost(board.results)


def _line(plan: Plan, state: str, begun: float, what: str) -> None:
    if log().as_json:
        return
    clear = "\r\x1b[2K" if log().live else ""
    seconds = f"{time.monotonic() - begun:.2f}s"
    log().say(f"{clear}{SIGNS[state]} {plan.interval} {seconds:>7}  {what}")


def _in_words(plan: Plan, results: dict[str, StepResult]) -> str:
    """What a run did: `published 1,234 rows, 12 rejected, 1 check warns`."""
    from etl_framework.run.today import TODAYS_ROWS
    from etl_framework.targets.earlier import EARLIER_ROWS

    rows = results["publish"].counts["rows"] if "publish" in results else 0
    rejected = sum(row[3] for row in source_rows(plan, results))
    checks = [check for result in results.values() for check in result.checks]
    warnings = [
        c for c in checks if c.status == "warning" and c.check not in (EARLIER_ROWS, TODAYS_ROWS)
    ]
    told = [f"published {rows:,} row{'' if rows == 1 else 's'}"]
    told += [f"{rejected:,} rejected"] if rejected else []
    told += [f"{c.check} of {c.relation} warns" for c in warnings[:3]]
    told += [f"{len(warnings) - 3} more warn"] if len(warnings) > 3 else []
    return ", ".join(told)


def _summary(planned: Sequence[DataInterval], done: set[str], failed: dict[str, EtlError]) -> None:
    good = [interval for interval in planned if interval.key in done and interval.key not in failed]
    bad = [interval for interval in planned if interval.key in failed]
    left = [interval for interval in planned if interval.key not in {*done, *failed}]
    parts = [f"{len(good):,} done"]
    parts += [f"{len(bad):,} failed ({_days(bad)})"] if bad else []
    parts += [f"{len(left):,} not tried ({_days(left)})"] if left else []
    log().say(f"{len(planned):,} data intervals: {', '.join(parts)}", "summary")


def _days(intervals: Sequence[DataInterval]) -> str:
    """The first intervals by their starts: `2024-06-26, 2024-06-27 and 3 more`."""
    day_by_day = all((i.start.hour, i.start.minute) == (0, 0) for i in intervals)
    form = "%Y-%m-%d" if day_by_day else "%Y-%m-%d %H:%M"
    starts = [i.start.strftime(form) for i in intervals]
    more = f" and {len(starts) - 5:,} more" if len(starts) > 5 else ""
    return ", ".join(starts[:5]) + more
