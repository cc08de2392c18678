"""The operator that publishes the report after a run."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from etl_framework.airflow.errors import airflow_errors
from etl_framework.airflow.runs import Context, ProjectOperator, listening

if TYPE_CHECKING:
    from etl_framework.report.site import Written

# A report that takes longer is given up, so that the next run need not wait for it.
LONGEST = timedelta(minutes=15)


class ReportOperator(ProjectOperator):
    """Makes the report of all pipelines, and publishes it where the environment's `report` says.

    It is a teardown in Airflow's sense: it runs when all tasks have ended, also after a failure,
    and the state of the DAG run is that of the tasks before it. A report that fails is a failed
    task of a run that may have succeeded.

    :param last: how many data intervals of each pipeline the pages show.
    """

    template_fields: Sequence[str] = ("environment",)
    ui_color = "#e8eef4"
    ui_fgcolor = "#1b2a38"

    def __init__(self, *, last: int = 30, **kwargs: Any) -> None:
        kwargs.setdefault("execution_timeout", LONGEST)
        super().__init__(**kwargs)
        self.last = last
        self.as_teardown()

    def execute(self, context: Context) -> dict[str, int]:
        """Make and publish it.

        :returns: how many files were written, deleted, and left as they were.
        :raises AirflowFailException: the prefix holds other objects, or may not be used.
        :raises AirflowException: S3 or a warehouse does not answer.
        """
        with airflow_errors(), TemporaryDirectory(prefix="etl-report-") as folder:
            from etl_framework.project.project import load_project
            from etl_framework.report.publish import publish_site
            from etl_framework.report.site import write_site

            project = load_project(self.root())
            workspace = project.workspace(self.environment)

            def make() -> Written:
                output = Path(folder) / "report"
                return write_site(project, self.environment, output, self.last, project.models)

            done, address = listening(lambda: publish_site(workspace, make))
        self.log.info("the report is at %s", address)
        return {"written": done.written, "deleted": done.deleted, "same": done.same}
