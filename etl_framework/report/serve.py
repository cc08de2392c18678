"""Make a report anew whenever files of the project or records of runs change, and serve it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

from etl_framework.errors import EtlError, RetryableError
from etl_framework.project.project import load_project
from etl_framework.project.saved import SECONDS, saved
from etl_framework.report.pages import read_pages
from etl_framework.report.server import ReportServer
from etl_framework.report.site import Written
from etl_framework.storage.staging import RunFolder

# Between two looks at the records of runs, where each look lists a prefix of a bucket.
SECONDS_IN_S3 = 5.0

# Until a warehouse is read again that did not answer, or whose file a run has open; then twice as
# long each time.
FIRST, LONGEST = 1.0, 64.0

# Makes the report.
Make = Callable[[], Written]
Tell = Callable[[str], None]


def serve(root: Path, environment: str | None, make: Make, port: int, tell: Tell) -> NoReturn:
    """Serve a report until Ctrl-C.

    :param make: is called at the start and after each change.
    :param tell: is called with lines for the user: the address, and each time that it was made.
    :raises ConfigError: the port is taken, or the first report cannot be made.
    :raises KeyboardInterrupt: Ctrl-C was pressed; nothing is left running.
    """
    server = ReportServer(port)
    try:
        changes = Changes(root, environment)
        changes.seen()
        whole = _shown(server, make)
    except BaseException:
        server.server_close()
        raise
    again = Again()
    again.after(whole)
    told = ""
    with server.running():
        tell(f"{server.url}  (Ctrl-C ends it)")
        while True:
            time.sleep(SECONDS)
            if not changes.seen() and not again.due:
                continue
            try:
                again.after(_shown(server, make))
            except EtlError as error:  # the pages stay as they are
                again.after(not isinstance(error, RetryableError))
                if told != str(error):  # once, while a run has the file of a warehouse open
                    tell(str(error))
                told = str(error)
            else:
                told = ""
                tell(f"made anew, {time.strftime('%H:%M:%S')}")


def _shown(server: ReportServer, make: Make) -> bool:
    """Make the report and show it; return whether it tells everything."""
    written = make()
    server.show(read_pages(written.index.parent))
    return written.whole


class Again:
    """When a report that does not tell everything is made again."""

    def __init__(self) -> None:
        self._wait = 0.0
        self._next = 0.0

    @property
    def due(self) -> bool:
        """Whether it is time."""
        return bool(self._wait) and time.monotonic() >= self._next

    def after(self, whole: bool) -> None:
        """Count from now, unless it tells everything."""
        self._wait = 0.0 if whole else min(2 * self._wait, LONGEST) or FIRST
        self._next = time.monotonic() + self._wait


class Changes:
    """Notices what a report is made of: the project's files, and the records of runs."""

    def __init__(self, root: Path, environment: str | None) -> None:
        self._root = root
        self._environment = environment
        self._files: dict[Path, int] = {}
        self._histories: Sequence[RunFolder] = ()
        self._records: Sequence[tuple[str, str]] = ()
        self._next = 0.0

    def seen(self) -> bool:
        """Look, and return whether anything has changed since the last look."""
        before = self._files, self._records
        files = dict(saved(self._root))
        if files != self._files:
            self._files = files
            self._find()
        if time.monotonic() >= self._next:
            self._look()
        return before != (self._files, self._records)

    def _find(self) -> None:
        """Find where records lie; files with mistakes change nothing."""
        with suppress(EtlError):
            project = load_project(self._root)
            staging = project.workspace(self._environment).staging
            self._histories = [staging.history(model.name) for model in project.models]

    def _look(self) -> None:
        """Look at the records; as long as S3 does not answer, they are as they were."""
        with suppress(EtlError):
            found = [record for history in self._histories for record in _versions(history)]
            self._records = sorted(found)
        if any(history.remote for history in self._histories):
            self._next = time.monotonic() + SECONDS_IN_S3


def _versions(history: RunFolder) -> Iterator[tuple[str, str]]:
    """The records of a pipeline, each with a text that differs once it is written again."""
    if history.remote:
        yield from ((history.remote.uri(o.name), o.tag) for o in history.remote.listed())
        return
    for file in history.path.glob("*.json"):
        with suppress(FileNotFoundError):  # deleted in between
            yield str(file), str(file.stat().st_mtime_ns)
