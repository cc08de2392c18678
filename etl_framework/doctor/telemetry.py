"""dag-factory's telemetry: its plug-in tells its maker of every run unless a setting forbids it."""

from __future__ import annotations

import configparser
import os
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from etl_framework.doctor.base import Examination, Patient
from etl_framework.errors import Diagnostic
from etl_framework.lint.rules.dags import DAGS

SETTING = "AIRFLOW__DAG_FACTORY__ENABLE_TELEMETRY"
# What dag-factory takes for no; and variables that refuse it by any other value.
NO = ("f", "false", "0", "off", "no", "n")
REFUSING = ("DO_NOT_TRACK", "SCARF_NO_ANALYTICS")


class Telemetry(Examination):
    """The Airflow of this machine sends something to the makers of dag-factory."""

    codes = ("D204",)

    def examine(self, patient: Patient, subject: str) -> Iterator[Diagnostic]:
        file = Path(os.environ.get("AIRFLOW_HOME") or Path.home() / "airflow") / "airflow.cfg"
        is_airflow_here = file.is_file() or any(name.startswith("AIRFLOW__") for name in os.environ)
        if not is_airflow_here or not (patient.project.root / DAGS).is_dir():
            return
        if find_spec("dagfactory") is None or is_off(file):
            return
        yield Diagnostic(
            "", 0, 0, "D204",
            "dag-factory's telemetry is on: Airflow tells of runs at astronomer.gateway.scarf.sh",
            f"set {SETTING}=False for every process of Airflow; on MWAA the configuration option "
            "dag_factory.enable_telemetry",
            severity="warning",
        )  # fmt: skip


def is_off(file: Path) -> bool:
    """Whether the environment or Airflow's configuration file switches the telemetry off."""
    if any(os.environ.get(name, "").strip().lower() not in ("", "none", *NO) for name in REFUSING):
        return True
    said = os.environ.get(SETTING)
    if said is None and file.is_file():
        settings = configparser.RawConfigParser(strict=False)
        settings.read(file, encoding="utf-8")
        said = settings.get("dag_factory", "enable_telemetry", fallback=None)
    return said is not None and said.strip().lower() in NO
