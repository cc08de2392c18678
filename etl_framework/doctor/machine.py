"""Compare disk and memory with what a run needs."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from dataclasses import replace

from etl_framework.doctor.base import Examination, Patient
from etl_framework.errors import Diagnostic

# The memory of a task's process without its engine, in megabytes, from `make bench-memory`.
BESIDE = 210
FREE = 2 << 30
_UNITS = {"MB": 1, "MiB": 1.05, "GB": 1000, "GiB": 1074}


class Disk(Examination):
    """There is room for staging's files and for what the engine spills to disk."""

    codes = ("D502",)

    def examine(self, patient: Patient, subject: str) -> Iterator[Diagnostic]:
        free = shutil.disk_usage(patient.project.root).free
        if free < FREE:
            message = f"{free / 1e9:.1f} GB are free on this disk"
            yield Diagnostic("", 0, 0, "D502", message, "a run needs about twice what it reads")


class Memory(Examination):
    """The engines of all tasks that run at a time fit into a worker's memory."""

    codes = ("D503",)

    def examine(self, patient: Patient, subject: str) -> Iterator[Diagnostic]:
        size = patient.size
        if not size:
            return
        slot = size.memory_gb * 1000 // size.concurrency
        wanted = _megabytes(patient.environment.memory_limit) + BESIDE
        if wanted > slot:
            tasks = max(int(size.memory_gb * 1000 // wanted), 1)
            message = (
                f"{size.name} has {slot} MB for each of {size.concurrency} tasks, and one takes up "
                f"to {wanted:.0f} MB"
            )
            hint = f"set celery.worker_autoscale to {tasks},1" + (
                f", or memory_limit: {slot - BESIDE}MB" if slot > BESIDE + 50 else ""
            )
            keys = ("environments", patient.name, "memory_limit")
            file = patient.project.environments_file
            yield replace(file.diagnostic(keys, "D503", message, hint), severity="warning")


def _megabytes(text: str) -> float:
    number, unit = re.fullmatch(r"([\d.]+) ?(\w+)", text).groups()  # type: ignore[union-attr]
    return float(number) * _UNITS[unit]
