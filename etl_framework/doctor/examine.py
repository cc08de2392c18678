"""Run all examinations in parallel; each has its time limit, and none hides another."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass, field

from etl_framework.doctor.base import Examination, Patient
from etl_framework.errors import Diagnostic, EtlError
from etl_framework.errors.secrets import without_secrets
from etl_framework.plugins import import_all

LATE = "D900"


@dataclass
class Looking:
    """One examination of one subject in a thread, for which nobody waits too long."""

    examination: Examination
    patient: Patient
    subject: str
    problems: list[Diagnostic] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._broken: Exception | None = None
        self._began = time.monotonic()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def ended(self, seconds: float) -> list[Diagnostic]:
        """The problems found within some seconds of the start, and one more if it still runs."""
        self._thread.join(max(self._began + seconds - time.monotonic(), 0))
        if self._broken:
            raise self._broken
        if not self._thread.is_alive():
            return self.problems
        what = type(self.examination).__name__.lower()
        return [
            *self.problems,
            self._told(
                LATE,
                f"no answer within {seconds:g} seconds ({what})",
                "look for a firewall or a server that hangs",
            ),
        ]

    def _look(self) -> None:
        try:
            for problem in self.examination.examine(self.patient, self.subject):
                self.problems.append(problem)
        except EtlError as error:
            first = error.diagnostics[0]
            self.problems.append(
                self._told(self.examination.codes[0], without_secrets(first.message), first.hint)
            )
        except Exception as error:  # noqa: BLE001 - a bug of ours, raised again in `ended`
            self._broken = error

    def _told(self, code: str, message: str, hint: str) -> Diagnostic:
        if self.subject:
            return self.patient.at(self.subject, code, message, hint)
        return Diagnostic("", 0, 0, code, message, hint)


def examinations() -> list[Examination]:
    """Every examination, sorted by its codes."""
    import_all(__package__ or "")
    return [kind() for kind in sorted(Examination.__subclasses__(), key=lambda kind: kind.codes)]


def examine(patient: Patient, seconds: float | None = None) -> list[Diagnostic]:
    """Every problem that the examinations find, sorted by place.

    :param seconds: the longest that one examination may take; its own time if None.
    :raises ConfigError: the environment's `env_file` is not there.
    """
    patient.workspace  # noqa: B018 - sets the variables that examinations look up
    problems: list[Diagnostic] = []
    ill: set[str] = set()
    for stage in (0, 1, 2):
        started = [
            Looking(examination, patient, subject)
            for examination in examinations()
            if examination.stage == stage
            for subject in examination.subjects(patient)
            if subject not in ill
        ]
        for looking in started:
            findings = looking.ended(seconds or looking.examination.seconds)
            problems += findings
            if looking.subject and _serious(findings):
                ill.add(looking.subject)
    return sorted(set(problems))


def _serious(problems: Iterable[Diagnostic]) -> bool:
    """Whether there is an error, so that further examinations make no sense."""
    return any(problem.severity == "error" for problem in problems)
