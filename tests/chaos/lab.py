"""A stand-in of AWS, runs in processes of their own, and what a fault leaves of them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import patch

from etl_framework.devstack.cluster import Isolation
from etl_framework.devstack.stack import BUCKET, Stack
from etl_framework.project.project import load_project
from etl_framework.quarantine.rows import Quarantine, Selection
from etl_framework.run.clean import clean
from etl_framework.storage.seal import unsealed
from tests.chaos import shop
from tests.chaos.proxies import Cutter, S3Proxy
from tests.conftest import REPOSITORY

# A run that takes longer hangs, and is killed.
SECONDS = 60


class Runner:
    """The process that forks runs."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.chaos.forked"], cwd=REPOSITORY, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONWARNINGS": "ignore"},
        )  # fmt: skip
        self._pid = 0
        self._known = threading.Event()

    def run(self, order: dict[str, Any]) -> int:
        """Do one run; returns its exit code, or minus the signal that ended it."""
        assert self._process.stdin and self._process.stdout
        self._known.clear()
        print(json.dumps(order), file=self._process.stdin, flush=True)
        self._pid = int(self._process.stdout.readline())
        self._known.set()
        hanging = threading.Timer(SECONDS, self.kill)
        hanging.start()
        try:
            return int(self._process.stdout.readline())
        finally:
            hanging.cancel()

    def kill(self) -> None:
        """SIGKILL for the run that is going on."""
        if self._known.wait(10):
            os.kill(self._pid, signal.SIGKILL)

    def stop(self) -> None:
        if self._process.stdin:
            self._process.stdin.close()
        self._process.wait(10)
        if self._process.stdout:
            self._process.stdout.close()


@dataclass
class Lab:
    """Everything that a fault needs."""

    root: Path
    stack: Stack
    s3: S3Proxy
    clusters_s3: S3Proxy
    rds: Cutter
    cluster: Cutter
    runners: list[Runner]
    clean_state: dict[str, Any] = field(default_factory=dict)
    clean_told: dict[str, list[tuple[Any, ...]]] = field(default_factory=dict)

    @property
    def variables(self) -> dict[str, str]:
        known = self.stack.variables
        rds = known["ETL_DEV_RDS_URL"].replace(str(self.stack.ports["rds"]), str(self.rds.port))
        return {
            **known,
            "ETL_DEV_RDS_URL": rds,
            "ETL_DEV_S3_URL": self.s3.url,
            "ETL_DEV_REDSHIFT_PORT": str(self.cluster.port),
        }

    def run(self, engine: str, day: str = shop.DAYS[1], runner: int = 0, **more: Any) -> int:
        """One run; returns how its process ended."""
        order = {
            "root": str(self.root), "engine": engine, "day": day, "variables": self.variables,
            "said": str(self.root / f"said-{runner}"), **more,
        }  # fmt: skip
        return self.runners[runner].run(order)

    def worker(self, number: int) -> Path:
        """The project on a machine of its own."""
        root = self.root.with_name(f"worker-{number}")
        if not root.is_dir():
            shop.write(root)
        return root

    def said(self, runner: int = 0) -> str:
        """What the run said."""
        return (self.root / f"said-{runner}").read_text(encoding="utf-8", errors="replace")

    def reset(self) -> None:
        """The warehouse as after the first day, staging empty."""
        self.heal()
        self.sql(
            "DROP SCHEMA public CASCADE; CREATE SCHEMA public; "
            "DROP SCHEMA IF EXISTS etl_staging CASCADE;"
            + "".join(
                f"CREATE TABLE public.{t} (LIKE saved.{t} INCLUDING ALL);"
                f"INSERT INTO public.{t} TABLE saved.{t};"
                for t in (*shop.TABLES, "etl_ledger")
            )
        )
        self._empty_staging()

    def heal(self) -> None:
        """Nothing is broken any more."""
        assert self.stack.cluster
        self.stack.cluster.fault = lambda sql: False
        self.s3.verdict = self.clusters_s3.verdict = lambda method, path: ""
        self.rds.cut_after = self.cluster.cut_after = None

    def save(self) -> None:
        """Remember the warehouse as it is as that of the first day."""
        self.sql(
            "CREATE SCHEMA saved;"
            + "".join(
                f"CREATE TABLE saved.{t} (LIKE public.{t} INCLUDING ALL);"
                f"INSERT INTO saved.{t} TABLE public.{t};"
                for t in (*shop.TABLES, "etl_ledger")
            )
        )

    def state(self) -> dict[str, Any]:
        """Every target, the ledger's intervals, and its counts."""
        found = {t: sorted(self.sql(f"SELECT * FROM public.{t}")) for t in shop.TABLES}
        found["ledger"] = sorted(
            self.sql(
                "SELECT interval_start, sources FROM public.etl_ledger WHERE pipeline = 'shop'"
            )
        )
        return found

    def told(self, engine: str, root: Path | None = None) -> list[tuple[Any, ...]]:
        """What the quarantine tells of each rejected row, without the run that rejected it.

        :param root: the project on another machine.
        """
        with patch.dict(os.environ, self.variables):
            rows = Quarantine(load_project(root or self.root), engine, "shop.orders").rows(
                Selection()
            )
            return sorted(
                (
                    row.id, row.rule, row.reason, str(row.file), row.line or 0, row.column or 0,
                    str(row.name), row.row, json.dumps(row.values), row.state,
                )
                for row in rows
            )  # fmt: skip

    def orphans(self, engine: str) -> list[str]:
        """What is in S3 after a clean-up, is named by no result, and is no record of a run."""
        with patch.dict(os.environ, self.variables):
            clean(load_project(self.root), engine, days=0)
        kept: dict[str, str] = {}
        left = []
        names = sorted(name for name in self._staged() if "/history/" not in name)
        for name in names:
            folder, _, last = name.rpartition("/")
            if last == "result.json":
                body = self.stack.s3.get_object(Bucket=BUCKET, Key=name)["Body"].read()
                kept[folder] = unsealed(body)["attempt"]
        for name in names:
            if not any(name.startswith((f"{f}/{a}/", f"{f}/result")) for f, a in kept.items()):
                left.append(name)
        return left

    def _staged(self) -> Iterator[str]:
        pages = self.stack.s3.get_paginator("list_objects_v2")
        for page in pages.paginate(Bucket=BUCKET, Prefix="stagingData/"):
            yield from (found["Key"] for found in page.get("Contents", []))

    def _empty_staging(self) -> None:
        if keys := [{"Key": key} for key in self._staged()]:
            self.stack.s3.delete_objects(Bucket=BUCKET, Delete={"Objects": keys})

    def sql(self, sql: str) -> list[tuple[Any, ...]]:
        """Ask the PostgreSQL behind the stand-in itself."""
        assert self.stack.cluster
        with self.stack.cluster._backend() as session:
            return [tuple(row) for row in session.ask(sql)]


@contextmanager
def laboratory(folder: Path, isolation: Isolation, runners: int = 3) -> Iterator[Lab]:
    """A stand-in with the shop's data, the first day published."""
    stack = Stack(folder / "dev", isolation)
    stack.start()
    s3, clusters_s3 = (
        S3Proxy(stack.variables["ETL_DEV_S3_URL"]),
        S3Proxy(stack.variables["ETL_DEV_S3_URL"]),
    )
    assert stack.cluster
    stack.cluster.client = stack.client_of_s3(clusters_s3.url)
    lab = Lab(
        folder / "shop", stack, s3, clusters_s3, Cutter(stack.ports["rds"]),
        Cutter(stack.ports["cluster"]), [Runner() for _ in range(runners)],
    )  # fmt: skip
    try:
        shop.write(lab.root)
        shop.fill(stack, folder)
        assert lab.run("duckdb", shop.DAYS[0]) == 0, lab.said()
        lab.save()
        for engine in ("redshift", "duckdb"):
            lab.reset()
            assert lab.run(engine) == 0, lab.said()
            lab.clean_told[engine] = lab.told(engine)
        lab.clean_state = lab.state()
        yield lab
    finally:
        for runner in lab.runners:
            runner.stop()
        for part in (s3, clusters_s3, lab.rds, lab.cluster, stack):
            part.stop()
