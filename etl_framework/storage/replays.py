"""Which data intervals are being replayed, so that a replay that was killed can go on."""

from __future__ import annotations

from etl_framework.storage.staging import RunFolder

_NAME = "replay/begun.json"


def begin(run: RunFolder) -> None:
    """Remember that the interval is to be run again, until `end` is called."""
    run.write(_NAME, {})


def begun(run: RunFolder) -> bool:
    """Return whether a replay of the interval has begun and not ended."""
    return run.has(_NAME)


def end(run: RunFolder) -> None:
    """Forget what `begin` remembered: the interval was run and published."""
    run.delete(_NAME)
