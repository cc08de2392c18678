"""`make bench-meaning`: TPC-H and TPC-DS through the translation, against plain DuckDB.

The tables are sources and the queries KPIs of a project that is linted and run. Every KPI must hold
the rows that the query's original gives on plain DuckDB over the same tables. Where Redshift means
something else, `differences.md` says why; any other difference is a failure (exit code 1). With
`--pushdown` the project runs on the stand-in of Redshift too, and must give the same tables.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import duckdb
from dialect import RESTATED, for_reference, plain
from differences import Differences
from project import Suite, run, write_project
from pushdown import pushed_down
from rows import compare, rows_of

from etl_framework.errors import Diagnostic
from etl_framework.lint.linter import Linter

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
SUITES = ("tpch", "tpcds")
# Each version of the extensions is for one version of DuckDB, which they bring.
GENERATORS = ("duckdb-extension-tpch==1.5.5", "duckdb-extension-tpcds==1.5.5",
              "databricks-tpcds==0.6.0")  # fmt: skip


def generate(lake: Path, scale: float) -> None:
    """Make the tables and queries, in an environment with the generators.

    :raises SystemExit: the generators cannot be installed here; the exit code is 2.
    """
    packages = [word for package in GENERATORS for word in ("--with", package)]
    uv = [sys.executable, "-m", "uv", "run", "--quiet", "--no-project"]
    command = [*uv, "--python", sys.executable, *packages]
    if subprocess.run([*command, "python", "-c", "pass"], check=False).returncode:
        print("the generators of TPC-H and TPC-DS cannot be installed here", file=sys.stderr)
        raise SystemExit(2)
    subprocess.run([*command, "python", HERE / "generate.py", lake, str(scale)], check=True)


def lint(root: Path) -> dict[str, list[Diagnostic]]:
    """What lint says of each query, by the path of its template; "" has what it says of others."""
    said: dict[str, list[Diagnostic]] = {}
    for diagnostic in Linter(root).look():
        path = diagnostic.path if diagnostic.path.startswith("sql_templates/") else ""
        said.setdefault(path, []).append(diagnostic)
    return said


def judge(root: Path, suite: Suite, known: Differences) -> list[tuple[str, str, int, str]]:
    """For each query of a suite: its name, `equal` or `differs` or `wrong`, its rows, and why."""
    lines = []
    with (
        suite.reference() as reference,
        duckdb.connect(str(root / ".etl/warehouse.duckdb"), read_only=True) as warehouse,
    ):
        for name, original in suite.queries.items():
            query = f"{suite.name} {name}"
            columns = len(reference.execute(f"DESCRIBE {plain(original)}").fetchall())
            wanted = rows_of(reference, for_reference(query, original, columns))
            ours = rows_of(warehouse, f"FROM {suite.name}_{name}")
            verdict = compare(ours, wanted)
            reason = known.why(query, verdict, restated=query in RESTATED)
            state = "wrong" if reason.wrong else "differs" if reason.text else "equal"
            lines.append((query, state, len(ours.rows), reason.wrong or reason.text))
    return lines


def show(lines: Sequence[tuple[str, str, int, str]], said: dict[str, list[Diagnostic]]) -> None:
    """Print a line for each query."""
    print(f"{'query':12} {'lint':24} {'rows':>6}  result")
    for query, state, count, why in lines:
        path = f"sql_templates/{query.replace(' ', '/')}.sql"
        codes = Counter(diagnostic.code for diagnostic in said.get(path, []))
        shown = ", ".join(f"{count} {code}" if count > 1 else code for code, count in codes.items())
        print(f"{query:12} {shown or 'clean':24} {count:6}  {state}{': ' if why else ''}{why}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--scale", type=float, default=0.1, help="1 is about a gigabyte each")
    parser.add_argument("--folder", type=Path, default=ROOT / ".etl" / "bench-meaning")
    parser.add_argument("--pushdown", action="store_true", help="on the stand-in too: minutes")
    parser.add_argument("--only", nargs="*", default=[], metavar="tpcds.q14", help="these queries")
    arguments = parser.parse_args()
    started = time.monotonic()
    root = arguments.folder.resolve()
    shutil.rmtree(root, ignore_errors=True)
    generate(root / "lake", arguments.scale)
    suites = [Suite.read(root / "lake" / name, arguments.only) for name in SUITES]
    suites = [suite for suite in suites if suite.queries]
    for suite in suites:
        write_project(root, suite)
    said = lint(root)
    errors = [one for problems in said.values() for one in problems if one.severity == "error"]
    for error in errors:
        print(error)
    if errors:
        return 1
    known, lines = Differences.read(HERE / "differences.md"), []
    for suite in suites:
        if failed := run(root, suite):
            print(failed)
            return 1
        lines += judge(root, suite, known)
    show(lines, said)
    states = Counter(state for _, state, _, _ in lines)
    empty = sum(not count for _, _, count, _ in lines)
    print(
        f"{len(lines)} queries lint and run: {states['equal']} equal, {states['differs']} differ "
        f"as listed, {states['wrong']} wrong; {empty} without rows "
        f"({time.monotonic() - started:.0f} s)"
    )
    different = pushed_down(root, suites, known) if arguments.pushdown else []
    for line in different:
        print(line)
    return 1 if states["wrong"] or different else 0


if __name__ == "__main__":
    sys.exit(main())
