"""The process that `etl dev up` leaves running: `python -m etl_framework.devstack.serve FOLDER`."""

from __future__ import annotations

import os
import signal
import sys
from contextlib import ExitStack
from pathlib import Path

from etl_framework.devstack.mwaa_server import start_mwaa
from etl_framework.devstack.stack import Stack
from etl_framework.errors import EtlError
from etl_framework.storage.write import write_text

ENV, PID = "env", "pid"


def main() -> None:
    """Start the servers, write their addresses to the file `env`, serve until SIGTERM or SIGINT."""
    folder = Path(sys.argv[1])
    seed = Path(sys.argv[2]) if len(sys.argv) > 2 else None
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})
    stack = Stack(folder)
    beside = ExitStack()
    try:
        stack.start()
        mwaa = start_mwaa(beside, stack.variables["ETL_DEV_S3_URL"], stack.s3)
        if seed:
            stack.seed(seed)
        lines = [f"{name}={value}\n" for name, value in {**stack.variables, **mwaa}.items()]
        write_text(folder / PID, str(os.getpid()))
        write_text(folder / ENV, "".join(lines), mode=0o600)
        signal.sigwait({signal.SIGTERM, signal.SIGINT})
    except EtlError as error:  # `up` shows the last line
        diagnostic = error.diagnostics[0]
        sys.exit(f"{diagnostic.message}; {diagnostic.hint}".removesuffix("; "))
    finally:
        (folder / ENV).unlink(missing_ok=True)
        (folder / PID).unlink(missing_ok=True)
        beside.close()
        stack.stop()


if __name__ == "__main__":
    main()
