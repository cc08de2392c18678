"""The link from a task to the page of its run, among the extra links that Airflow shows."""

from __future__ import annotations

from typing import Any

from etl_framework.airflow import _compat


class RunReport(_compat.BaseOperatorLink):
    """Leads to the page of the task's run, which is there once the report has been published."""

    name = "Run report"

    def get_link(self, operator: Any, *, ti_key: Any) -> str:
        """The page's address; empty, so that Airflow shows no link, if the task has none."""
        return _compat.kept_link(operator, ti_key)


class EtlPlugin(_compat.AirflowPlugin):
    """Tells Airflow 2 of the link, whose web server knows no other classes; Airflow 3 needs none.

    It is named in the metadata of this package, where Airflow finds it.
    """

    name = "etl_framework"
    operator_extra_links: list[Any] = [] if _compat.AIRFLOW_3 else [RunReport()]
