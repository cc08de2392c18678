"""DAG files that are slow to parse, import what is heavy, or do not load.

Airflow parses each file again and again, and gives up after 30 seconds.
"""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from etl_framework.doctor.base import Examination, Patient
from etl_framework.errors import Diagnostic
from etl_framework.errors.secrets import said
from etl_framework.lint.rules.dags import DAGS

HEAVY = (
    "boto3",
    "duckdb",
    "numpy",
    "pandas",
    "polars",
    "psycopg2",
    "pyarrow",
    "sklearn",
    "sqlglot",
)
SLOW, LIMIT = 0.5, 30.0
# Runs each file twice and times the second run: the first one compiles its SQL and keeps that.
_PARSE = """
import json, runpy, sys, time
import etl_framework.airflow
for file in sys.argv[1:]:
    try:
        for _ in range(2):
            start = time.perf_counter()
            runpy.run_path(file)
            seconds = time.perf_counter() - start
        print(json.dumps([file, seconds, ""]), flush=True)
    except BaseException as error:
        print(json.dumps([file, 0, f"{type(error).__name__}: {error}".splitlines()[0]]), flush=True)
"""


class HeavyImports(Examination):
    """A DAG file imports at its top level what only a task needs."""

    codes = ("D202",)

    def examine(self, patient: Patient, subject: str) -> Iterator[Diagnostic]:
        for file in _files(patient):
            try:
                tree = ast.parse(file.read_text(encoding="utf-8"))
            except (SyntaxError, ValueError):
                continue
            path = str(file.relative_to(patient.project.root))
            for node in tree.body:
                for name in _imported(node):
                    message = f"{name} is imported whenever the file is parsed"
                    hint = "import it in the function that uses it"
                    yield Diagnostic(
                        path,
                        node.lineno,
                        node.col_offset + 1,
                        "D202",
                        message,
                        hint,
                        severity="warning",
                    )


class Parsing(Examination):
    """A DAG file loads, and quickly."""

    codes = ("D201", "D203")
    seconds = LIMIT + 15

    def examine(self, patient: Patient, subject: str) -> Iterator[Diagnostic]:
        files = _files(patient)
        if not files or find_spec("airflow") is None:
            return
        root = patient.project.root
        told: dict[str, tuple[float, str]] = {}
        try:
            done = subprocess.run(
                [sys.executable, "-c", _PARSE, *map(str, files)],
                cwd=root,
                capture_output=True,
                text=True,
                check=False,
                timeout=LIMIT + 10,
            )
            lines = done.stdout
        except subprocess.TimeoutExpired as error:
            lines = (error.stdout or b"").decode() if isinstance(error.stdout, bytes) else ""
        for line in lines.splitlines():
            if line.startswith("["):
                name, seconds, wrong = json.loads(line)
                told[name] = (float(seconds), str(wrong))
        for file in files:
            path = str(file.relative_to(root))
            seconds, wrong = told.get(str(file), (0.0, f"not parsed within {LIMIT:.0f} seconds"))
            if wrong:
                hint = "etl lint says what is wrong with the pipeline"
                yield Diagnostic(path, 1, 1, "D203", said(wrong), hint)
            elif seconds > SLOW:
                message = f"parsing takes {seconds:.1f} seconds"
                hint = "open nothing and compute nothing outside of tasks"
                yield Diagnostic(path, 1, 1, "D201", message, hint, severity="warning")


def _files(patient: Patient) -> list[Path]:
    return sorted((patient.project.root / DAGS).rglob("*.py"))


def _imported(node: ast.stmt) -> Iterator[str]:
    names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
    if isinstance(node, ast.ImportFrom) and not node.level:
        names.append(node.module or "")
    yield from (name for name in names if name.partition(".")[0] in HEAVY)
