"""`extract.<source>`: read a source for the run's data interval."""

from __future__ import annotations

from etl_framework.errors import CheckFailedError
from etl_framework.plan import Step
from etl_framework.sources.base import Extraction, Source
from etl_framework.steps.base import Outcome, Work


def extract(work: Work) -> Outcome:
    """Read a source.

    :raises StepError: more rows were rejected than the source allows.
    """
    source = work.step.block
    if not isinstance(source, Source):
        raise TypeError(f"{work.step.name} is not a source")
    extracted = source.extract(extraction(work))
    within_limit(work.step, source, extracted.rejected, extracted.read)
    counts = {"read": extracted.read, "kept": extracted.kept, "rejected": extracted.rejected}
    return Outcome(counts, files=tuple(work.folder.files("data")))


def extraction(work: Work) -> Extraction:
    """What the source of a step gets to do its work."""
    source = work.step.block
    if not isinstance(source, Source):
        raise TypeError(f"{work.step.name} is not a source")
    return Extraction(
        source=work.step.relation,
        interval=work.plan.interval,
        connection=work.plan.environment.connections[source.connection],
        root=work.plan.root,
        folder=work.folder,
        session=work.session,
        on_cancel=work.on_cancel,
    )


def within_limit(step: Step, source: Source, rejected: int, read: int) -> None:
    """Refuse a source that gives too many rows that cannot be used.

    :raises CheckFailedError: more rows were rejected than `max_rejected`.
    """
    if source.max_rejected.exceeded(rejected, read):
        raise CheckFailedError(
            f"{rejected:,} of {read:,} rows of '{step.relation}' were rejected, "
            f"more than max_rejected ({source.max_rejected})",
            hint=f"look at them with: etl show quarantine.{step.relation}",
        )
