"""All examinations, side by side; each has its time, and none hides another."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass, field

from etl_framework.doctor.base import Examination, Patient
from etl_framework.errors import Diagnostic, EtlError, without_secrets
from etl_framework.plugins import import_all

LATE = "D900"


@dataclass
class Looking:
    """One examination of one subject, in a thread that nobody waits for too long."""

    examination: Examination
    patient: Patient
    subject: str
    found: list[Diagnostic] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._broken: Exception | None = None
        self._began = time.monotonic()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def ended(self, seconds: float) -> list[Diagnostic]:
        """What it found, within its time."""
        self._thread.join(max(self._began + seconds - time.monotonic(), 0))
        if self._broken:
            raise self._broken
        if not self._thread.is_alive():
            return self.found
        what = type(self.examination).__name__.lower()
        return [
            *self.found,
            self._told(
                LATE,
                f"no answer within {seconds:g} seconds ({what})",
                "look for a firewall or a server that hangs",
            ),
        ]

    def _look(self) -> None:
        try:
            for each in self.examination.examine(self.patient, self.subject):
                self.found.append(each)
        except EtlError as error:
            first = error.diagnostics[0]
            self.found.append(
                self._told(self.examination.codes[0], without_secrets(first.message), first.hint)
            )
        except Exception as error:  # noqa: BLE001 - a bug of ours, raised again where it is seen
            self._broken = error

    def _told(self, code: str, message: str, hint: str) -> Diagnostic:
        if self.subject:
            return self.patient.at(self.subject, code, message, hint)
        return Diagnostic("", 0, 0, code, message, hint)


def examinations() -> list[Examination]:
    """Every one there is, sorted by its codes."""
    import_all(__package__ or "")
    return [kind() for kind in sorted(Examination.__subclasses__(), key=lambda kind: kind.codes)]


def examine(patient: Patient, seconds: float | None = None) -> list[Diagnostic]:
    """Every problem there is, sorted by place.

    :param seconds: the longest that one examination may take; its own time if None.
    :raises ConfigError: the environment's `env_file` is not there.
    """
    patient.environment.load_variables(patient.project.root)
    problems: list[Diagnostic] = []
    ill: set[str] = set()
    for stage in (0, 1, 2):
        looking = [
            Looking(each, patient, subject)
            for each in examinations()
            if each.stage == stage
            for subject in each.subjects(patient)
            if subject not in ill
        ]
        for each in looking:
            found = each.ended(seconds or each.examination.seconds)
            problems += found
            if each.subject and _serious(found):
                ill.add(each.subject)
    return sorted(set(problems))


def _serious(found: Iterable[Diagnostic]) -> bool:
    """Whether it makes no sense to look further: a warning does not keep from working."""
    return any(each.severity == "error" for each in found)
