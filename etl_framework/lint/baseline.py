"""Findings that an old project knows and mends later: those in its baseline are not told again.

A finding is known by its file, code and message, and as often as the baseline has it: lines move.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from etl_framework.errors import ConfigError, Diagnostic

Known = Counter[tuple[str, str, str]]


def read_baseline(file: Path) -> Known:
    """What is known.

    :raises ConfigError: it cannot be read.
    """
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
        return Counter(
            {(each["path"], each["code"], each["message"]): int(each["count"]) for each in found}
        )
    except OSError as error:
        message = f"the baseline {file.name} cannot be read: {error.strerror}"
        raise ConfigError(message, hint="make it with: etl lint --write-baseline") from error
    except (ValueError, TypeError, KeyError) as error:
        hint = "make it again with: etl lint --write-baseline"
        raise ConfigError(f"the baseline {file.name} is not one", hint=hint) from error


def write_baseline(file: Path, problems: Iterable[Diagnostic]) -> None:
    """Let all of these be known."""
    counts = Counter(_key(problem) for problem in problems)
    found = [
        {"path": path, "code": code, "message": message, "count": count}
        for (path, code, message), count in sorted(counts.items())
    ]
    file.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def without_known(problems: Iterable[Diagnostic], known: Known) -> tuple[list[Diagnostic], int]:
    """The problems that are new, and how many entries of the baseline are mended."""
    left, rest = [], Counter(known)
    for problem in problems:
        if rest[_key(problem)] > 0:
            rest[_key(problem)] -= 1
        else:
            left.append(problem)
    return left, rest.total()


def _key(problem: Diagnostic) -> tuple[str, str, str]:
    return problem.path, problem.code, problem.message
