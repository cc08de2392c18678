"""Which files of a source the ledger lists, for sources that read each file once."""

from __future__ import annotations

from collections.abc import Iterator

from etl_framework.interval import DataInterval
from etl_framework.plan.plan import Plan
from etl_framework.sources.read_files import ReadFiles
from etl_framework.targets import files
from etl_framework.targets.ledger import unpacked
from etl_framework.targets.published import moment, within

ENDS = ["interval_start", "interval_end"]


def read_files(plan: Plan, source: str, *, again: bool = False) -> ReadFiles | None:
    """The files of a source by the data intervals that have read them.

    An interval takes new files when it runs first, or as long as no later one was published.

    :param again: the run is to bring what the interval had brought, and nothing new.
    :returns: None for a source that reads all of its files in every interval.
    :raises RetryableError: the warehouse does not answer.
    """
    if not plan.pipeline.sources[source].reads_once():
        return None
    own, others = dict[str, str](), dict[str, str]()
    published, newest = False, True
    for name, version, interval in listed_files(plan, source):
        (own if within(interval, plan.interval) else others)[name] = version
    for interval in _published(plan, source):
        published = published or within(interval, plan.interval)
        newest = newest and interval.start < plan.interval.end
    return ReadFiles(own, others, takes_new=not published or (newest and not again))


def listed_files(plan: Plan, source: str) -> Iterator[tuple[str, str, DataInterval]]:
    """Yield every file of a source that was published: its name, its version, and who has read it.

    :raises RetryableError: the warehouse does not answer.
    """
    columns, values = ["name", "version", *ENDS], (plan.pipeline.name, source)
    for connection in plan.pipeline.target_connections():
        rows = plan.workspace.ledger_rows(connection, columns, files.OF_SOURCE, values, files.TABLE)
        for name, version, start, end in rows:
            yield str(name), str(version), DataInterval(moment(start), moment(end))


def _published(plan: Plan, source: str) -> Iterator[DataInterval]:
    """The data intervals that have read a source."""
    columns, values = ["sources", *ENDS], (plan.pipeline.name,)
    for connection in plan.pipeline.target_connections():
        for text, start, end in plan.workspace.ledger_rows(
            connection, columns, "pipeline = ?", values
        ):
            if any(fact.get("source") == source for fact in unpacked(text)):
                yield DataInterval(moment(start), moment(end))
