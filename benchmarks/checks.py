"""Twenty row checks over ten million rows of Parquet: by the framework, and by its peers.

Each way runs in a fresh process and times its work without its imports. The floor is one bare
aggregate, a sum of every column, by DuckDB with the same memory. Peers are installed
into environments of their own; one that cannot be is named and left out.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path

import checks_data
from measure import Cost, measure

HERE = Path(__file__).parent
ROOT = HERE.parent
OURS = ("aggregate", "framework")
PEERS = {
    "pandera": ["pandera", "pandas", "pyarrow"],
    "great_expectations": ["great_expectations", "pandas", "pyarrow"],
    "soda": ["soda-core-duckdb", "duckdb<1.4", "setuptools"],
}


def install(peer: str, folder: Path) -> Path | None:
    """The Python of an environment with the peer in it; None when it does not install."""
    python = folder / peer / "bin/python"
    uv = Path(sys.executable).with_name("uv")
    if not python.exists():
        subprocess.run(
            [uv, "venv", "--quiet", folder / peer, "--python", sys.executable], check=True
        )
    command = [uv, "pip", "install", "--quiet", "--python", python, *PEERS[peer]]
    return python if subprocess.run(command, check=False).returncode == 0 else None


def time_once(
    python: Path, way: str, folder: Path, rows: int
) -> tuple[list[float], Cost, list[int]]:
    """Seconds of the work (wall, processor), cost of the process, failing rows of each check."""
    log, result = folder / f"{way}.log", folder / f"{way}.json"
    result.unlink(missing_ok=True)
    script = HERE / "checks_ways.py"
    cost = measure([python, script, way, folder, str(rows)], cwd=ROOT, log=log)
    seconds, failing = json.loads(result.read_text(encoding="utf-8"))
    return seconds, cost, failing


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--repeat", type=int, default=3, help="runs of ours; the quickest counts")
    parser.add_argument("--only", nargs="+", choices=[*OURS, *PEERS], default=[*OURS, *PEERS])
    parser.add_argument("--folder", type=Path, default=ROOT / ".etl" / "bench-checks")
    arguments = parser.parse_args()
    folder = arguments.folder.resolve()
    checks_data.generate(folder, arguments.rows)
    base: list[float] = []
    expected: list[int] | None = None
    print(f"{arguments.rows:,} rows, {len(checks_data.CHECKS)} checks")
    print(f"{'':20}{'seconds':>9}{'ratio':>8}{'processor':>11}{'ratio':>8}{'peak MiB':>10}")
    for way in arguments.only:
        python = Path(sys.executable) if way in OURS else install(way, folder)
        if python is None:
            print(f"{way:20} does not install here")
            continue
        repeat = arguments.repeat if way in OURS else 1
        found = [time_once(python, way, folder, arguments.rows) for _ in range(repeat)]
        seconds, cost, failing = min(found)
        base = base or seconds
        peak = cost.peak_bytes / 2**20
        figures = "".join(
            f"{found:{width}.2f}{found / least:7.2f}x"
            for found, least, width in zip(seconds, base, (9, 11), strict=True)
        )
        print(f"{way:20}{figures}{peak:10.0f}", flush=True)
        if way != "aggregate":
            expected = expected or failing
            if failing != expected:
                raise SystemExit(f"{way} found {failing} failing rows, not {expected}")
    print("all that ran found the same failing rows")


if __name__ == "__main__":
    main()
