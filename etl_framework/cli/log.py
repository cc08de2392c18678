"""What a command tells on stderr while it works: lines for people, or JSON for machines."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import wraps
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import click

if TYPE_CHECKING:
    from etl_framework.errors import Diagnostic

F = TypeVar("F", bound=Callable[..., Any])
Level = Literal["debug", "info", "warning", "error"]
KEY = "etl_framework.log"
PACKAGE = "etl_framework"


@dataclass(frozen=True)
class Log:
    """Writes lines to stderr, as many as are wanted, in the format that is wanted.

    :param as_json: write an object a line; `docs/output.md` has its fields.
    """

    verbose: bool = False
    quiet: bool = False
    as_json: bool = False

    def say(self, text: str, event: str = "message", **facts: Any) -> None:
        """Tell progress, unless only errors are wanted.

        :param event: what has happened, in a word; only machines see it and the facts.
        """
        self._write("info", text, event, facts)

    def more(self, text: str, event: str = "message", **facts: Any) -> None:
        """Tell what only machines, and people who want to know more, are told."""
        if self.verbose or self.as_json:
            self._write("info" if self.as_json else "debug", text, event, facts)

    def problem(self, diagnostic: Diagnostic) -> None:
        """Tell a problem, also if only errors are wanted."""
        facts = asdict(diagnostic)
        self._write(facts.pop("severity"), str(diagnostic), "problem", facts)

    @property
    def live(self) -> bool:
        """Whether a picture that is drawn again and again suits: somebody looks at it."""
        return sys.stderr.isatty() and not (self.quiet or self.verbose or self.as_json)

    def _write(self, level: Level, text: str, event: str, facts: Mapping[str, Any]) -> None:
        if self.quiet and level != "error":
            return
        if not self.as_json:
            click.echo(text, err=True)
            return
        level = "error" if facts.get("state") == "failed" else level
        message = " ".join(text.split())
        told = {"time": _now(), "level": level, "event": event, "message": message, **facts}
        click.echo(json.dumps(_shown(told), default=str, ensure_ascii=False), err=True)

    def _bug(
        self, kind: type[BaseException], error: BaseException, trace: TracebackType | None
    ) -> None:
        """Tell a bug in a line; a hook for `sys.excepthook`."""
        from etl_framework.errors.secrets import traceback_text

        facts = {"traceback": traceback_text(kind, error, trace)}
        self._write("error", f"a bug: {kind.__name__}", "bug", facts)

    @contextmanager
    def attached(self) -> Iterator[None]:
        """Take what libraries tell by `logging` as well; what ran in the cluster if verbose."""
        root, package = logging.getLogger(), logging.getLogger(PACKAGE)
        handler, level = _Handler(self), package.level
        root.addHandler(handler)
        if self.verbose:
            package.setLevel(logging.INFO)
        if self.as_json:
            sys.excepthook = self._bug
        try:
            yield
        finally:
            root.removeHandler(handler)
            package.setLevel(level)


class _Handler(logging.Handler):
    """Passes records of `logging` on to a log."""

    def __init__(self, log: Log) -> None:
        super().__init__()
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        from etl_framework.errors.secrets import without_secrets

        ours = record.name.startswith(PACKAGE)
        if record.levelno < logging.WARNING and not (ours and self._log.verbose):
            return
        level = record.levelname.lower().replace("critical", "error")
        text = without_secrets(record.getMessage())
        self._log._write(level, text, "log", {"logger": record.name})  # type: ignore[arg-type]


def log() -> Log:
    """The log of the command that runs."""
    context = click.get_current_context(silent=True)
    return context.meta.get(KEY, Log()) if context else Log()


def log_options(command: F) -> F:
    """Add `-v`, `-q` and `--log-format` to a command that shows its progress."""

    @click.option("-v", "--verbose", is_flag=True, help="Tell more: each start, each statement.")
    @click.option("-q", "--quiet", is_flag=True, help="Tell only errors, and print the result.")
    @click.option(
        "--log-format",
        type=click.Choice(["text", "json"]),
        default="text",
        show_default=True,
        envvar="ETL_LOG_FORMAT",
        help="How progress and errors are written to stderr; json: an object a line.",
    )
    @wraps(command)
    def with_log(*, verbose: bool, quiet: bool, log_format: str, **rest: Any) -> Any:
        from etl_framework.cli import fuse
        from etl_framework.cli.failure import EXPECTED, failure_of

        if verbose and quiet:
            raise click.UsageError("give either --verbose or --quiet")
        told = Log(verbose, quiet, as_json=log_format == "json")
        click.get_current_context().meta[KEY] = told
        with told.attached():
            if not told.as_json:
                return command(**rest)
            try:
                return command(**rest)
            except (KeyboardInterrupt, click.Abort):
                told._write("error", fuse.TEXT, "stopped", {})
                sys.exit(fuse.STOPPED)
            except EXPECTED as error:
                failure = failure_of(error)
                for diagnostic in failure.diagnostics:
                    told.problem(diagnostic)
                sys.exit(failure.code)

    return with_log  # type: ignore[return-value]


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _shown(value: Any) -> Any:
    """A value without the secrets that are known, in whatever depth."""
    from etl_framework.errors.secrets import without_known

    if isinstance(value, str):
        return without_known(value)
    if isinstance(value, Mapping):
        return {name: _shown(inner) for name, inner in value.items()}
    if isinstance(value, Sequence):
        return [_shown(inner) for inner in value]
    return value
