"""1,000 pipelines of three KPIs each, linted by us, by `dbt parse` and by `sqlmesh lint`.

All three projects hold the same relations, columns, checks and SELECTs (`lint_projects.py`), and
are clean. Peers are installed into environments of their own, and so are we with the extra `fast`,
which is sqlglot compiled; what cannot be installed is named and left out. Each command is a fresh
process with its imports; CPU seconds are not known of those that work for another.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import lint_projects
from measure import Cost, measure

HERE = Path(__file__).parent
ROOT = HERE.parent
# dbt-core 1.12 needs a package that downloads itself from elsewhere while it installs.
PEERS = {"dbt": ["dbt-core<1.12", "dbt-duckdb"], "sqlmesh": ["sqlmesh"]}
OFFLINE = {"DBT_SEND_ANONYMOUS_USAGE_STATS": "false", "SQLMESH__DISABLE_ANONYMIZED_ANALYTICS": "1"}


def install(peer: str, folder: Path) -> Path | None:
    """The program of a peer, or ours with an extra; None when it does not install."""
    home = folder / peer
    uv = Path(sys.executable).with_name("uv")
    if not (home / "bin/python").exists():
        subprocess.run([uv, "venv", "--quiet", home, "--python", sys.executable], check=True)
    packages = PEERS.get(peer) or ["--editable", f"{ROOT}[{peer}]"]
    command = [uv, "pip", "install", "--quiet", "--compile-bytecode", "--python",
               home / "bin/python", *packages]  # fmt: skip
    done = subprocess.run(command, check=False, capture_output=True)
    return home / "bin" / (peer if peer in PEERS else "etl") if done.returncode == 0 else None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pipelines", type=int, default=1_000)
    parser.add_argument("--folder", type=Path, default=ROOT / ".etl" / "bench-lint")
    parser.add_argument("--only", nargs="*", choices=list(PEERS), default=list(PEERS))
    arguments = parser.parse_args()
    folder, count = arguments.folder.resolve(), arguments.pipelines
    folder.mkdir(parents=True, exist_ok=True)
    projects = {"ours": lint_projects.write_ours, "dbt": lint_projects.write_dbt,
                "sqlmesh": lint_projects.write_sqlmesh}  # fmt: skip
    for name, write in projects.items():
        shutil.rmtree(folder / f"{name}-project", ignore_errors=True)
        write(folder / f"{name}-project", count)
    print(f"{count:,} pipelines, {3 * count:,} KPIs")
    print(f"{'':32}{'seconds':>9}{'CPU':>8}{'of dbt parse':>14}", flush=True)
    base = None
    commands = {"dbt": ["parse", "--no-partial-parse"], "sqlmesh": ["lint"]}
    for peer in arguments.only:
        if (program := install(peer, folder)) is None:
            print(f"{peer:32} does not install here")
            continue
        cost = _run([program, *commands[peer]], folder / f"{peer}-project", folder)
        base = base or cost.seconds
        _show(f"{peer} {commands[peer][0]}", cost, base)
    ours = folder / "ours-project"
    lint = [Path(sys.executable).with_name("etl"), "lint"]
    _show("etl lint, one process", _run([*lint, "--no-cache", "--jobs", "1"], ours, folder), base)
    _show("etl lint, cold", replace(_run(lint, ours, folder), cpu=0.0), base)
    _show("etl lint, warm", _run(lint, ours, folder), base)
    if fast := install("fast", folder):
        cold = _run([fast, "lint", "--no-cache"], ours, folder)
        _show("etl lint, cold, with sqlglot[c]", replace(cold, cpu=0.0), base)
    else:
        print("sqlglot[c] does not install here")
    file = ours / f"pipelines/{lint_projects.shapes(count)[count // 2].name}.yml"
    file.write_text(file.read_text().replace("owner: analytics", "owner: finance"))
    _show("etl lint, one file changed", _run(lint, ours, folder), base)
    print(_watched(ours, file))


def _run(command: list[str | Path], project: Path, folder: Path) -> Cost:
    log = folder / f"{project.name}.log"
    return measure(command, cwd=project, log=log, env=OFFLINE)


def _show(name: str, cost: Cost, base: float | None) -> None:
    ratio = f"{cost.seconds / base:13.3f}x" if base else ""
    cpu = f"{cost.cpu:8.2f}" if cost.cpu else " " * 8
    print(f"{name:32}{cost.seconds:9.2f}{cpu}{ratio}", flush=True)


# A process that has linted before, as `etl watch` and editors have one: prints seconds.
WATCHED = """
import sys, time
from pathlib import Path
from etl_framework.lint.linter import Linter
file = Path(sys.argv[2])
linter, best = Linter(Path(sys.argv[1]), keep=True), 9.0
for number in range(4):
    file.write_text(file.read_text() + f"# {number}\\n")
    start = time.perf_counter()
    assert linter.look() == []
    best = min(best, time.perf_counter() - start) if number else best
print(f"{best:.2f}")
"""


def _watched(project: Path, file: Path) -> str:
    command = [sys.executable, "-c", WATCHED, str(project), str(file)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return f"{'one file changed, in etl watch':32}{float(done.stdout):9.2f}"


if __name__ == "__main__":
    main()
