"""`extract.<source>`: read a source for the run's data interval."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from etl_framework.engines.corrections import put_right
from etl_framework.engines.work import Work
from etl_framework.errors import CheckFailedError
from etl_framework.plan import Step
from etl_framework.sources.base import Extracted, Extraction, Source
from etl_framework.sql.quote import literal
from etl_framework.storage.archived import archived
from etl_framework.storage.decisions import corrections
from etl_framework.storage.outcome import CheckResult, Outcome, Status
from etl_framework.storage.parquet import as_path
from etl_framework.storage.rejected import keep
from etl_framework.storage.staging import StepFolder


def extract(work: Work) -> Outcome:
    """Read a source.

    :raises StepError: more rows were rejected than the source allows.
    """
    source = _source(work)
    extracted = source.extract(extraction(work, work.folder))
    found = new_columns(work, source, extracted)
    extracted = corrected(work, source, extracted)
    within_limit(work.step, source, extracted.rejected, extracted.read)
    counts = {"read": extracted.read, "kept": extracted.kept, "rejected": extracted.rejected}
    files = tuple(work.folder.files("data"))
    return Outcome(counts, found, files, sources=extracted.files)


def new_columns(work: Work, source: Source, extracted: Extracted) -> tuple[CheckResult, ...]:
    """What the source's contract says of columns that are there and not declared.

    :raises CheckFailedError: there are some, and the source has `on_new_column: fail`.
    """
    if source.on_new_column == "ignore":
        return ()
    names, read = extracted.new_columns, extracted.read
    note = f"not declared: {', '.join(names)}" if names else "all are declared"
    status: Status = "pass"
    if names:
        status = "fail" if source.on_new_column == "fail" else "warn"
    found = CheckResult("new_column", work.step.relation, status, 0, read, note)
    if status == "fail":
        raise CheckFailedError(
            f"'{work.step.relation}' has columns that are not declared: {', '.join(names)}",
            hint="declare them, or write `on_new_column: warn` or `ignore`",
            checks=(found,),
        )
    return (found,)


def corrected(work: Work, source: Source, extracted: Extracted) -> Extracted:
    """Add the corrected form of rejected rows, which then count as kept."""
    made, found = corrections(work.run, work.step.relation), work.folder.files("rejected")
    if not made or not found:
        return extracted
    work.session.execute(
        f"CREATE OR REPLACE TEMP TABLE etl_taken AS FROM read_parquet({as_path(found[0])})"
    )
    ids = put_right(work.session, work.folder, "data", source.columns, made)
    if ids:
        Path(found[0]).unlink()
        rest = f"FROM etl_taken WHERE id NOT IN {literal(ids)}"
        if extracted.rejected > len(ids):
            relation, file = work.step.relation, work.folder.path / "rejected/corrected.parquet"
            keep(work.session, rest, file, source=relation, run=work.run_id)
    kept, left = extracted.kept + len(ids), extracted.rejected - len(ids)
    return replace(extracted, kept=kept, rejected=left)


def extraction(work: Work, folder: StepFolder) -> Extraction:
    """What the source of a step gets to do its work.

    :param folder: of the step that extracts.
    """
    source = _source(work)
    return Extraction(
        source=work.step.relation,
        run=work.run_id,
        interval=work.plan.interval,
        connection=work.plan.environment.connections[source.connection],
        root=work.plan.root,
        folder=folder,
        session=work.session,
        on_cancel=work.on_cancel,
        archived=archived(work.run, work.step.relation),
    )


def _source(work: Work) -> Source:
    if not isinstance(work.step.block, Source):
        raise TypeError(f"{work.step.name} is not a source")
    return work.step.block


def rows_read(work: Work, otherwise: int) -> int:
    """How many rows the source of a step's relation had; another number where none was read."""
    outcome = work.run.step(f"extract.{work.step.relation}").outcome()
    return outcome.counts["read"] if outcome else otherwise


def within_limit(step: Step, source: Source, rejected: int, read: int) -> None:
    """Refuse a source that gives too many rows that cannot be used.

    :raises CheckFailedError: more rows were rejected than `max_rejected`.
    """
    if source.max_rejected.exceeded(rejected, read):
        raise CheckFailedError(
            f"{rejected:,} of {read:,} rows of '{step.relation}' were rejected, "
            f"more than max_rejected ({source.max_rejected})",
            hint=f"look at them with: etl quarantine show {step.relation}",
        )
