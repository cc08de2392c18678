"""A process that has imported everything and forks a run for each order on stdin.

An order is a line of JSON. The answers are lines: the run's process number, then how it ended: an
exit code, or minus a signal.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import sys
from datetime import date
from pathlib import Path
from typing import Any

import boto3
import duckdb
import psycopg2
import pyarrow.parquet
import sqlglot.optimizer.qualify

from etl_framework.errors import EtlError
from etl_framework.plan.plan import build_plan
from etl_framework.project.project import load_project
from etl_framework.run import retry as again
from etl_framework.run.run import Run

IMPORTED_ONCE = (boto3, duckdb, psycopg2, pyarrow.parquet, sqlglot.optimizer.qualify)


def run(order: dict[str, Any]) -> int:
    """One run of the pipeline; returns the exit code."""
    again.WAITS = (0.02, 0.1, 0.3)
    os.environ.update(order["variables"])
    if limit := order.get("file_size"):
        # A write beyond it fails, as on a full disk.
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    project = load_project(Path(order["root"]))
    model = project.pipeline(order.get("pipeline", "shop")).model
    assert model
    interval = next(model.cut().intervals_from(date.fromisoformat(order["day"])))
    started = Run(build_plan(project, model.name, order["engine"], interval))
    started.run_id = order.get("run_id") or started.run_id
    try:
        started.all_steps(lambda result: None)
    except EtlError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def main() -> None:
    for line in sys.stdin:
        order = json.loads(line)
        load_project(Path(order["root"]))  # imports what every run imports
        child = os.fork()
        if not child:
            said = os.open(order["said"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
            os.dup2(said, 1)
            os.dup2(said, 2)
            code = 3
            try:
                code = run(order)
            except BaseException as bug:  # noqa: BLE001 - told to who ordered
                import traceback

                traceback.print_exception(bug)
            sys.stderr.flush()
            os._exit(code)
        print(child, flush=True)
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


if __name__ == "__main__":
    main()
