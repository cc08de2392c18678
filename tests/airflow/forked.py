"""A process that has imported Airflow, and forks for each script: the import takes seconds."""

from __future__ import annotations

import json
import os
import sys
import traceback

import airflow

try:
    import airflow.sdk
except ImportError:
    import airflow.models.dag  # noqa: F401


def run(order: dict[str, object]) -> None:
    """Run a script as `python -c` does, and end the process."""
    for number, name in enumerate(("out", "err"), 1):
        os.dup2(os.open(str(order[name]), os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)
    os.environ.update(order["env"])  # type: ignore[call-overload]
    sys.argv = ["-c", *order["arguments"]]  # type: ignore[misc]
    code = 0
    try:
        exec(compile(str(order["code"]), "<script>", "exec"), {"__name__": "__main__"})
    except BaseException:  # noqa: BLE001 - the script ends as a process would
        traceback.print_exc()
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def main() -> None:
    """Take orders, a line of JSON each; answer each with an exit code."""
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            run(json.loads(line))
        print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)


if __name__ == "__main__":
    main()
