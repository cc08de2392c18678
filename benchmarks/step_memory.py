"""Each step of the music pipeline in a process of its own, as a worker of Airflow runs it.

Prints the peak memory of every step's process, Airflow's own imports included, beside that of a
process that only imports them.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from measure import Cost, measure
from music_streaming import PIPELINE, ROOT, prepare, warehouse

if TYPE_CHECKING:
    from etl_framework.plan.plan import Plan

HERE = Path(__file__).parent
LIMIT_MIB = 400
STEP = """\
import sys
import etl_framework.airflow.operators
if len(sys.argv) > 1:
    from pathlib import Path
    from step_memory import plan_in
    from etl_framework.run.run import Run
    print(Run(plan_in(Path(sys.argv[1]))).one_step(sys.argv[2]))
"""


def plan_in(project: Path) -> Plan:
    """The pipeline's plan for the latest day."""
    from etl_framework.plan.plan import build_plan
    from etl_framework.project.project import load_project

    loaded = load_project(project)
    pipeline = loaded.pipeline(PIPELINE).model
    assert pipeline is not None
    midnight = datetime(2024, 7, 2, tzinfo=UTC)
    return build_plan(loaded, PIPELINE, None, pipeline.cut().latest(midnight))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--memory-limit", default="150MB", help="of the environment; 150MB")
    parser.add_argument("--folder", type=Path, default=ROOT / ".etl" / "bench")
    arguments = parser.parse_args()
    project = arguments.folder.resolve()
    url = prepare(project, arguments.rows)
    environments = project / "environments.yml"
    text = environments.read_text(encoding="utf-8")
    environments.write_text(text.replace("600MB", arguments.memory_limit), encoding="utf-8")
    warehouse("framework", project).unlink(missing_ok=True)
    shutil.rmtree(project / "staging", ignore_errors=True)

    def cost(*arguments: str | Path) -> Cost:
        command = [sys.executable, "-c", STEP, *arguments]
        return measure(command, cwd=HERE, log=project / "step.log", env={"BENCH_RDS_URL": url})

    rows = {"(Airflow alone)": cost()}
    for step in plan_in(project).steps:
        rows[step.name] = cost(project, step.name)
    print(f"{arguments.rows:,} events, memory_limit {arguments.memory_limit}")
    for name, each in rows.items():
        print(f"{name:32}{each.seconds:8.1f} s{each.peak_bytes / 2**20:8.0f} MiB")
    if over := [name for name, each in rows.items() if each.peak_bytes > LIMIT_MIB * 1e6]:
        raise SystemExit(f"over {LIMIT_MIB} MB: {', '.join(over)}")


if __name__ == "__main__":
    main()
