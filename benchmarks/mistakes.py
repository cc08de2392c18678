"""Thirty typical mistakes, and what four tools say of them: `tests/cases/lint/mistakes/`.

Each mistake is made in a copy of a project that is clean, and the tool's best offline command is
run; what counts is what it prints beyond what it prints of the clean project. `line` is a report
that names the line, `yes` one that does not, `no` none at all; `-` where it cannot be made.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import yaml
from lint import OFFLINE, PEERS, install

ROOT = Path(__file__).parent.parent
CASES = ROOT / "tests" / "cases" / "lint" / "mistakes"
TOOLS = ("ours", "dbt", "sqlmesh", "dag_factory")
# dag-factory's own lint reads YAML only; that Airflow can import the DAG is tried too.
IMPORTED = "import dagfactory; dagfactory.load_yaml_dags({}, config_filepath='%s/shop.yml')"
# Times, colours, progress and paths of this machine, which differ from run to run.
_NOISE = re.compile(
    r"\x1b\[[\d;]*m|\d\d:\d\d:\d\d(\.\d+)?|\d{4}-\d\d-\d\dT\S+|0x[0-9a-f]+|\d+\.\d+s"
)


def commands(folder: Path, project: Path) -> dict[str, list[list[str]]]:
    """What is run for each tool; those that do not install have none."""
    programs = {peer: install(peer, folder) for peer in PEERS}
    here = Path(sys.executable).parent
    found = {
        "ours": [[f"{here}/etl", "lint", "--no-cache"]],
        "dag_factory": [[f"{here}/dagfactory", "lint", "shop.yml"],
                        [sys.executable, "-c", IMPORTED % project]],
    }  # fmt: skip
    if programs["dbt"]:
        found["dbt"] = [[str(programs["dbt"]), "compile", "--no-partial-parse",
                         "--show-all-deprecations"]]  # fmt: skip
    if programs["sqlmesh"]:
        found["sqlmesh"] = [[str(programs["sqlmesh"]), "lint"]]
    return found


def say(tool_commands: list[list[str]], project: Path) -> tuple[int, list[str]]:
    """Exit codes added up, and the lines that were printed."""
    env = {**os.environ, **OFFLINE, "COLUMNS": "200", "AIRFLOW_HOME": str(project / "airflow"),
           "AIRFLOW__DAG_FACTORY__ENABLE_TELEMETRY": "False", "NO_COLOR": "1"}  # fmt: skip
    code, lines = 0, []
    for command in tool_commands:
        done = subprocess.run(
            command, cwd=project, env=env, capture_output=True, text=True, timeout=300, check=False
        )
        code += done.returncode
        text = _NOISE.sub("", done.stdout + "\n" + done.stderr)
        lines += [line.strip() for line in text.splitlines() if line.strip()]
    return code, lines


def judged(code: int, lines: list[str], clean: tuple[int, list[str]], word: str, at: int) -> str:
    """How well a report tells of a mistake.

    Of what is wrong between two lines, such as a contract and its query, either may be named: any
    line of a project's file counts, and the line `at` that was changed, however it is written.
    """
    new = [line for line in lines if line not in clean[1]]
    told = any(re.search(word, line, re.IGNORECASE) for line in new)
    if not (told or code != clean[0]):
        return "no"
    placed = re.compile(rf"\.(?:sql|ya?ml)\W+\d+\b|\blines?:? {at}\b|:{at}\b", re.IGNORECASE)
    return "line" if any(placed.search(line) for line in new) else "yes"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path, default=ROOT / ".etl" / "bench-lint")
    parser.add_argument("--only", nargs="+", choices=TOOLS, default=list(TOOLS))
    parser.add_argument("--say", action="store_true", help="show what each tool printed")
    arguments = parser.parse_args()
    folder = arguments.folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    project = folder / "mistakes"
    run = commands(folder, project)
    tools = [tool for tool in arguments.only if tool in run]
    clean = {tool: say(run[tool], _fresh(tool, project)) for tool in tools}
    print("| mistake | " + " | ".join(tools) + " |\n|---|" + "---|" * len(tools), flush=True)
    counts = {tool: dict.fromkeys(("line", "yes", "no", "-"), 0) for tool in tools}
    for mistake in yaml.safe_load((CASES / "mistakes.yml").read_text(encoding="utf-8")):
        row = []
        for tool in tools:
            result = "-"
            if tool in mistake:
                at = _make(mistake[tool], _fresh(tool, project))
                code, lines = say(run[tool], project)
                result = judged(code, lines, clean[tool], mistake["word"], at)
                if arguments.say:
                    new = [line for line in lines if line not in clean[tool][1]]
                    print(f"\n## {tool}, line {at}, exit {code}: {result}", *new, sep="\n")
            counts[tool][result] += 1
            row.append(result)
        print(f"| {mistake['name']} | " + " | ".join(row) + " |", flush=True)
    for tool, found in counts.items():
        print(f"{tool}: " + ", ".join(f"{n} {what}" for what, n in found.items()))


def _fresh(tool: str, project: Path) -> Path:
    shutil.rmtree(project, ignore_errors=True)
    shutil.copytree(CASES / tool, project)
    return project


def _make(change: list[str], project: Path) -> int:
    """Change a file; the line of the first character that differs."""
    name, right, wrong = change
    file = project / name
    text = file.read_text(encoding="utf-8")
    if right not in text:
        raise SystemExit(f"{name} does not hold {right!r}")
    pairs = zip(right, wrong, strict=False)
    same = next((at for at, (one, other) in enumerate(pairs) if one != other), len(right))
    file.write_text(text.replace(right, wrong, 1), encoding="utf-8")
    return text.count("\n", 0, text.index(right) + same) + 1


if __name__ == "__main__":
    main()
