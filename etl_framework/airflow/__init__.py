"""Pipelines as Airflow DAGs: `load_dag` for the stubs in `dags/`, and operators to use by hand.

Importing this package imports neither Airflow nor the framework's heavy parts. The module of a name
is imported when the name is used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from etl_framework.airflow.dags import load_dag as load_dag
    from etl_framework.airflow.dags import load_dags as load_dags

_MODULES = {
    "load_dag": "dags",
    "load_dags": "dags",
    "ExtractOperator": "operators",
    "CheckOperator": "operators",
    "TransformOperator": "operators",
    "KpiOperator": "operators",
    "PublishOperator": "operators",
    "ReportOperator": "report",
    "RedshiftSqlOperator": "redshift",
    "ArchiveOperator": "redshift",
    "FilesSensor": "sensors",
    "FreshnessSensor": "sensors",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(name)
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
