"""Compare the versions of Python and of packages here with those of the target."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, requires, version

from etl_framework.doctor.base import Examination, Patient
from etl_framework.errors import Diagnostic
from etl_framework.platforms.mwaa import normalized

_NEEDS = re.compile(r"([\w.-]+)(?:\[[^\]]*\])?\s*(?:\(?>=\s*([\d.]+))?")


class PythonVersion(Examination):
    """Python has the same version here and in the target."""

    codes = ("D101",)

    def examine(self, patient: Patient, subject: str) -> Iterator[Diagnostic]:
        here = f"{sys.version_info.major}.{sys.version_info.minor}"
        if patient.target and here != patient.target.python:
            message = (
                f"Python is {here} here, and {patient.target.python} in {patient.target.target}"
            )
            hint = f"make a virtual environment of Python {patient.target.python}"
            yield Diagnostic("", 0, 0, "D101", message, hint, severity="warning")


class Packages(Examination):
    """The packages that we need have the same major version here and there, and are new enough."""

    codes = ("D102", "D103")

    def examine(self, patient: Patient, subject: str) -> Iterator[Diagnostic]:
        if not patient.target:
            return
        there = patient.target.installed()
        for name, least in sorted(_needed().items()):
            theirs = there.get(name, "")
            where = patient.target.target
            if theirs and _numbers(theirs) < _numbers(least):
                message = f"{name} is {theirs} in {where}, and we need {least}"
                yield Diagnostic("", 0, 0, "D103", message, "put a newer wheel into the bundle")
            ours = _here(name)
            if theirs and ours and _numbers(theirs)[:1] != _numbers(ours)[:1]:
                message = f"{name} is {ours} here, and {theirs} in {where}"
                hint = f"pip install '{name}=={theirs}'"
                yield Diagnostic("", 0, 0, "D102", message, hint, severity="warning")


def _needed() -> dict[str, str]:
    """The lowest version of every package that we always need."""
    try:
        lines = requires("etl-framework") or []
    except PackageNotFoundError:
        lines = []
    plain = [match for line in lines if "extra" not in line and (match := _NEEDS.match(line))]
    return {normalized(match[1]): match[2] or "0" for match in plain}


def _here(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", text)[:3])
