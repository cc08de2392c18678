"""What `publish: each` cannot be combined with."""

from __future__ import annotations

from collections.abc import Iterator

from etl_framework.errors import Diagnostic
from etl_framework.project.project import PipelineFile
from etl_framework.sources.files import FilesSource


def each_problems(pipeline_file: PipelineFile) -> Iterator[Diagnostic]:
    """Sources whose files a KPI that is held back would lose to the next data interval."""
    pipeline = pipeline_file.model
    if pipeline is None or pipeline.publish == "together":
        return
    for name, source in pipeline.sources.items():
        if isinstance(source, FilesSource) and source.archive and not source.by_interval():
            message = (
                f"a KPI that is held back needs the files of '{name}' again, and the next data "
                "interval would take them, for the path does not say whose they are"
            )
            hint = "write {{ interval.date }} in the path, or publish: together, or no archive"
            keys = ("sources", name, "archive")
            yield pipeline_file.file.diagnostic(keys, "E325", message, hint, of_key=True)
