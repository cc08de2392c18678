"""A process that has imported the libraries, and forks for each command: imports take long."""

from __future__ import annotations

import atexit
import importlib
import json
import os
import runpy
import subprocess
import sys
import threading
import traceback
from pathlib import Path
from tempfile import TemporaryDirectory

REPOSITORY = Path(__file__).parents[1]
LIBRARIES = ["boto3", "psycopg2", "pyarrow.parquet", "sqlglot.optimizer.qualify"]
# With the plug-ins of this environment; a command with others starts a Python of its own.
OURS = ["lint.inspector", "lint.linter", "run.run", "run.publish", "run.show", "workbench.inputs"]


class Forks:
    """Runs the command `etl`, each time in a process of its own."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._server: subprocess.Popen[str] | None = None

    def etl(
        self, root: Path, arguments: tuple[str, ...], env: dict[str, str], seconds: float
    ) -> subprocess.CompletedProcess[str]:
        """Run a command in a folder, as `subprocess.run` does.

        :raises TimeoutExpired: it takes longer.
        """
        with self._lock, TemporaryDirectory(prefix="etl-fork-") as name:
            out, err = Path(name, "out"), Path(name, "err")
            order = {"root": str(root), "arguments": arguments, "env": env}
            code = self._run({**order, "out": str(out), "err": str(err), "seconds": seconds})
            said = out.read_text(encoding="utf-8"), err.read_text(encoding="utf-8")
        command = ["etl", *arguments]
        if code is None:
            raise subprocess.TimeoutExpired(command, seconds, *said)
        return subprocess.CompletedProcess(command, code, *said)

    def _run(self, order: dict[str, object]) -> int | None:
        if self._server is None:
            self._server = subprocess.Popen(
                [sys.executable, "-m", "tests.forked"], cwd=REPOSITORY, text=True,
                stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            )  # fmt: skip
            atexit.register(self._stop)
        assert self._server.stdin and self._server.stdout
        print(json.dumps(order), file=self._server.stdin, flush=True)
        code: int | None = json.loads(self._server.stdout.readline())
        return code

    def _stop(self) -> None:
        if self._server:
            self._server.kill()
            self._server.communicate()


def _child(order: dict[str, object]) -> None:
    """Be `python -m etl_framework`, and end the process."""
    for number, name in enumerate(("out", "err"), 1):
        os.dup2(os.open(str(order[name]), os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.chdir(str(order["root"]))
    os.environ.clear()
    os.environ.update(order["env"])  # type: ignore[call-overload]
    sys.path[0] = str(order["root"])
    sys.argv = ["etl", *order["arguments"]]  # type: ignore[misc]
    code = 0
    try:
        runpy.run_module("etl_framework", run_name="__main__", alter_sys=True)
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(bool(end.code))
    except BaseException:  # noqa: BLE001 - the command ends as a process would
        traceback.print_exc()
        code = 1
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _wait(pid: int, seconds: float) -> int | None:
    """The exit code of a child; None if it had to be killed."""
    late = threading.Event()

    def kill() -> None:
        late.set()
        os.kill(pid, 9)

    timer = threading.Timer(seconds, kill)
    timer.start()
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    timer.cancel()
    return None if late.is_set() else code


def main() -> None:
    """Take orders, a line of JSON each; answer each with an exit code."""
    for module in [*LIBRARIES, *(f"etl_framework.{module}" for module in OURS)]:
        importlib.import_module(module)
    for line in sys.stdin:
        order = json.loads(line)
        pid = os.fork()
        if pid == 0:
            _child(order)
        print(json.dumps(_wait(pid, order["seconds"])), flush=True)


if __name__ == "__main__":
    main()
