"""A rule about checks of whole targets, and how an environment reaches the database of one."""

from __future__ import annotations

from collections.abc import Iterator

from etl_framework.connections.redshift.connection import Redshift
from etl_framework.errors import Diagnostic
from etl_framework.lint.base import Checked, Rule
from etl_framework.project.project import Project


class NoLookWithin(Rule):
    """A check of a whole target is judged within a transaction, which the Data API sends whole."""

    codes = ("E331",)

    def check(self, project: Project, files: list[Checked]) -> Iterator[Diagnostic]:
        environments = project.environments.environments if project.environments else {}
        by_batches = {
            (label, name)
            for label, environment in environments.items()
            for name, connection in environment.connections.items()
            if isinstance(connection, Redshift) and connection.driver == "data_api"
        }
        for checked in files if by_batches else ():
            for kpi, block in checked.pipeline.kpis.items():
                here = sorted(e for e, name in by_batches if name == block.target.connection)
                for index, check in enumerate(block.checks):
                    if here and check.on == "target":
                        keys = ("kpis", kpi, "checks", index, "on")
                        message = (
                            f"in {', '.join(here)} the Data API sends a transaction as a whole, "
                            "and nobody can take back what a check finds in it"
                        )
                        hint = (
                            "write driver: psycopg2 or redshift_connector in environments.yml; or "
                            "take `on: target` out, to check the run's rows"
                        )
                        file = checked.pipeline_file.file
                        yield file.diagnostic(keys, "E331", message, hint, of_key=True)
