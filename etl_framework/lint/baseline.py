"""The baseline: known findings of an old project, which lint does not report again.

A finding is known by its file, code and message, because lines move. It is hidden as often as the
baseline counts it.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from etl_framework.errors import ConfigError, Diagnostic

Known = Counter[tuple[str, str, str]]


def read_baseline(file: Path) -> Known:
    """Return how often each finding is known.

    :raises ConfigError: the baseline cannot be read.
    """
    try:
        entries = json.loads(file.read_text(encoding="utf-8"))
        return Counter(
            {
                (entry["path"], entry["code"], entry["message"]): int(entry["count"])
                for entry in entries
            }
        )
    except OSError as error:
        message = f"the baseline {file.name} cannot be read: {error.strerror}"
        raise ConfigError(message, hint="make it with: etl lint --write-baseline") from error
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError) as error:
        hint = "make it again with: etl lint --write-baseline"
        raise ConfigError(f"the baseline {file.name} is not one", hint=hint) from error


def write_baseline(file: Path, problems: Iterable[Diagnostic]) -> None:
    """Write these problems as the new baseline."""
    counts = Counter(_key(problem) for problem in problems)
    entries = [
        {"path": path, "code": code, "message": message, "count": count}
        for (path, code, message), count in sorted(counts.items())
    ]
    file.write_text(json.dumps(entries, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def without_known(problems: Iterable[Diagnostic], known: Known) -> tuple[list[Diagnostic], int]:
    """Return the problems that are new, and how many entries of the baseline are mended."""
    left, rest = [], Counter(known)
    for problem in problems:
        if rest[_key(problem)] > 0:
            rest[_key(problem)] -= 1
        else:
            left.append(problem)
    return left, rest.total()


def _key(problem: Diagnostic) -> tuple[str, str, str]:
    return problem.path, problem.code, problem.message
