"""The one JSON document that a command prints with `--format json`, also when it fails."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

import click

KEY = "etl_framework.document"


@contextmanager
def document(format_: str, **facts: Any) -> Iterator[dict[str, Any]]:
    """Print a JSON document at the end of a command; nothing if the format is another.

    `state` is `done`, `failed` or `stopped`, and `problems` has the diagnostics of a failure.

    :param facts: what the document begins with; the command adds to it.
    :raises EtlError: as the command did.
    """
    from etl_framework.cli.failure import EXPECTED, failure_of

    told: dict[str, Any] = {"state": "done", "problems": [], **facts}
    if format_ != "json":
        yield told
        return
    context = click.get_current_context()
    context.meta[KEY] = told
    try:
        yield told
    except EXPECTED as error:
        diagnostics = failure_of(error).diagnostics
        told |= {"state": "failed", "problems": [asdict(problem) for problem in diagnostics]}
        _print(told)
        raise
    except (KeyboardInterrupt, click.Abort):
        told["state"] = "stopped"
        _print(told)
        raise
    _print(told)


def current() -> dict[str, Any] | None:
    """What the command has for its document so far; None if it prints none."""
    context = click.get_current_context(silent=True)
    return context.meta.get(KEY) if context else None


def _print(told: dict[str, Any]) -> None:
    click.echo(json.dumps(told, indent=2, default=str, ensure_ascii=False))
