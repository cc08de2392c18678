"""What Python may do while lint looks at files: read the project's and its own, run templates."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

SECONDS = 2
# What ends with a dot stands for all that begins so.
FORBIDDEN = (
    "os.system", "os.exec", "os.posix_spawn", "os.fork", "os.forkpty", "os.startfile", "os.putenv",
    "os.remove", "os.rename", "os.mkdir", "os.rmdir", "os.chmod", "os.link", "os.symlink",
    "os.truncate", "os.kill", "subprocess.Popen", "socket.", "shutil.", "ctypes.", "pickle.",
    "urllib.", "ftplib.", "smtplib.", "http.", "webbrowser.", "pty.", "tempfile.", "sqlite3.",
)  # fmt: skip
# Python itself and what is installed: imports, time zones.
OURS = tuple(
    {f"{Path(p).resolve()}/" for p in (sys.prefix, sys.base_prefix, Path(__file__).parents[2])}
)
OURS += ("/usr/share/zoneinfo/",)


class TooLongError(BaseException):
    """Lint took longer than anybody waits."""


class Guard:
    """Writes down what is done that must not be."""

    def __init__(self, root: Path) -> None:
        self._root = f"{root.resolve()}/"
        self._on = False
        self.broken: list[str] = []
        sys.addaudithook(self._hook)

    @contextmanager
    def watch(self, seconds: float = SECONDS) -> Iterator[None]:
        """Look, and end what takes too long.

        :param seconds: of the processor's time.
        :raises TooLongError: it took longer.
        """
        signal.signal(signal.SIGPROF, _too_long)
        signal.setitimer(signal.ITIMER_PROF, seconds)
        self._on = True
        try:
            yield
        finally:
            self._on = False
            signal.setitimer(signal.ITIMER_PROF, 0)

    def _hook(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not self._on:
            return
        if event == "open":
            self._open(arguments)
        elif event == "exec":
            name = str(getattr(arguments[0], "co_filename", ""))
            # Jinja raises a template's error by such a line of its own.
            raised = getattr(arguments[0], "co_names", ()) == ("__jinja_exception__",)
            if (
                not raised
                and name != "<template>"
                and not name.startswith((*OURS, "<frozen", "<string>"))
            ):
                self.broken.append(f"exec {name}")
        elif any(
            event == each or (each[-1] == "." and event.startswith(each)) for each in FORBIDDEN
        ):
            self.broken.append(f"{event} {str(arguments)[:80]}")

    def _open(self, arguments: tuple[Any, ...]) -> None:
        path, mode = arguments[0], arguments[1]
        if isinstance(path, int):
            return
        full = str(Path(path if isinstance(path, str) else path.decode()).resolve())
        if full.startswith(self._root):
            return
        if not full.startswith(OURS) or (mode and set(str(mode)) & set("wax+")):
            self.broken.append(f"open {full} {mode}")


def _too_long(signal_: int, frame: FrameType | None) -> None:
    raise TooLongError
