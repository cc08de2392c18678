"""Ctrl-C ends the process within seconds, whatever hangs."""

from __future__ import annotations

import os
import signal
import sys
import time
from contextlib import suppress
from threading import Thread

# Longer than `Run` takes to stop its steps.
SECONDS = 8
STOPPED = 130
TEXT = (
    "stopped. A data interval is published whole or not at all; the same command goes on from here."
)
_told = False


def arm() -> None:
    """End the process some seconds after a Ctrl-C, if the command has not ended by then.

    Python raises KeyboardInterrupt only between two of its own instructions: not while a driver
    waits for a server. The system tells a thread at once, through a pipe.
    """
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    Thread(target=_watch, args=(reader,), daemon=True).start()


def tell() -> None:
    """Say that the command was stopped, once."""
    global _told
    if not _told:
        _told = True
        with suppress(OSError, ValueError):
            sys.stderr.write(f"{TEXT}\n")
            sys.stderr.flush()


def _watch(reader: int) -> None:
    while number := os.read(reader, 1):
        # A command that ends servers in its own way has a handler of its own.
        if number[0] != signal.SIGINT or not _is_ours():
            continue
        time.sleep(SECONDS)
        if _is_ours():
            tell()
            os._exit(STOPPED)


def _is_ours() -> bool:
    return signal.getsignal(signal.SIGINT) is signal.default_int_handler
