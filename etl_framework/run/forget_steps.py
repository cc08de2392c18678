"""Take rows of a person out of the finished outputs of steps."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from etl_framework.engines.origins import FORGOTTEN
from etl_framework.run.person import PersonFiles
from etl_framework.storage.outcome import Outcome
from etl_framework.storage.staging import RunFolder
from etl_framework.storage.step_folder import StepFolder

ROWS, REJECTED = "rows", "rejected rows"


def remove_person(
    step: StepFolder, files: PersonFiles, known: Iterable[str], *, dry_run: bool
) -> tuple[dict[str, int], set[str]]:
    """Write the output of a step anew without the person's rows, and without example rows.

    :param known: ids of rejected rows that are known to be the person's.
    :returns: how many rows it had, by the part of the output, and the ids of the rejected ones.
    """
    outcome = step.outcome()
    if outcome is None:
        if not dry_run:
            step.delete()  # what a killed attempt has left
        return {}, set()
    here = step.fetch()
    ids: set[str] = set()
    for file in here.files("rejected"):
        ids |= files.rejected(file)
    # A check without rejected rows has no files of its own, and reads those of the extract step.
    rows = sum(files.count(file) for file in here.files("data"))
    counts = {name: n for name, n in {ROWS: rows, REJECTED: len(ids)}.items() if n}
    ids |= set(known)
    if dry_run:
        return counts, ids
    if counts or ids:
        if here.path != step.path:
            step.begin()
            shutil.copytree(here.path, step.path, dirs_exist_ok=True)
        for path in [*step.path.rglob("*.parquet")]:
            files.take_out(Path(path), sorted(ids))
        step.finish(_without(outcome, counts))
    if counts or ids or step.remote:
        step.delete_others()
    return counts, ids


def _without(outcome: Outcome, counts: Mapping[str, int]) -> Outcome:
    """Return an outcome that has not counted the rows, and shows no rows as examples."""
    rows, rejected = counts.get(ROWS, 0), counts.get(REJECTED, 0)
    less = {
        "read": rows + rejected, "kept": rows, "rejected": rejected,
        "rows": rows + rejected, "quarantined": rejected,
    }  # fmt: skip
    numbers = {name: count - less.get(name, 0) for name, count in outcome.counts.items()}
    if rows or rejected:
        numbers[FORGOTTEN] = outcome.counts.get(FORGOTTEN, 0) + rows + rejected
    checks = tuple(replace(check, examples=()) for check in outcome.checks)
    return replace(outcome, counts=numbers, checks=checks)


def removed_steps(run: RunFolder, relations: Iterable[str], *, dry_run: bool) -> set[str]:
    """Delete the outputs of relations in a data interval; return the steps that had one.

    The next run makes them again.
    """
    names = {f"{kind}.{name}" for name in relations for kind in ("transform", "kpi", "check")}
    steps = {name for name in names if run.step(name).outcome()}
    if not dry_run:
        earlier = (name for name in run.steps() if name.startswith("earlier."))
        for name in sorted({*names, *earlier}):
            run.step(name).delete()
    return steps
