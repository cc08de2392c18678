"""1,000 pipelines in 50 folders with defaults, templates, policies, and the same spelled out.

Both projects come to the same pipelines. Seconds of processor in one process, warm and cold, and
their ratio; `etl ls` with a selector; the policies' part is told apart.
"""

from __future__ import annotations

import argparse
import re
import shutil
import sys
from pathlib import Path

import lint_projects
import yaml
from measure import Cost, measure

ROOT = Path(__file__).parent.parent
FOLDERS = 50
# Every so many-th pipeline is made of a template.
TEMPLATED = 5
IN_COMMON = ("owner", "schedule", "start_date")
TEMPLATE = """
description: Events of one kind, and who they are of.
with:
  about: {description: What the pipeline is for}
  sources: {type: mapping, description: Where rows come from}
  kpis: {type: mapping, description: Result tables}
pipeline:
  description: "{{ with.about }}"
  sources: "{{ with.sources }}"
  kpis: "{{ with.kpis }}"
"""
POLICIES = """
policies:
  owners: {type: pipeline_has_owner, reason: who to call at night}
  descriptions: {type: pipeline_has_description, reason: so that others find it}
  kpis: {type: relation_has_description, of: [kpi], reason: readers ask, severity: warning}
  names: {type: pipeline_name_matches, pattern: "^p[0-9]{4}$", reason: as the warehouse sorts them}
  places: {type: connection_is_allowed, allow: [lake, warehouse], reason: no other is backed up}
"""


def write_folders(flat: Path, folder: Path) -> None:
    """Write a flat project's pipelines into folders, with what they have in common in defaults."""
    shutil.copytree(flat, folder, ignore=shutil.ignore_patterns("pipelines", ".etl"))
    (folder / "pipeline_templates").mkdir()
    (folder / "pipeline_templates/events.yml").write_text(TEMPLATE.lstrip())
    (folder / "policies.yml").write_text(POLICIES.lstrip())
    for number, file in enumerate(sorted((flat / "pipelines").glob("*.yml"))):
        team = folder / f"pipelines/team_{number % FOLDERS:02}"
        text = file.read_text()
        data = yaml.load(text, Loader=yaml.BaseLoader)
        if number < FOLDERS:
            team.mkdir(parents=True)
            (team / "defaults.yml").write_text(f"owner: {data['owner']}\n")
        if number == 0:
            common = f'schedule: "{data["schedule"]}"\nstart_date: {data["start_date"]}\n'
            (folder / "pipelines/defaults.yml").write_text(common)
        if number % TEMPLATED:
            text = "".join(
                line for line in text.splitlines(keepends=True)
                if line.partition(":")[0] not in IN_COMMON
            )  # fmt: skip
        else:
            body = text[text.index("sources:\n") :]
            about = re.search(r"^description: (.*)$", text, re.MULTILINE)
            inner = "".join(f"  {line}" for line in body.splitlines(keepends=True))
            text = f"template: events\nwith:\n  about: {about[1] if about else 'x'}\n{inner}"
        (team / file.name).write_text(text)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pipelines", type=int, default=1_000)
    parser.add_argument("--folder", type=Path, default=ROOT / ".etl" / "bench-many")
    arguments = parser.parse_args()
    folder, count = arguments.folder.resolve(), arguments.pipelines
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    flat, folders = folder / "flat", folder / "folders"
    lint_projects.write_ours(flat, count)
    write_folders(flat, folders)
    etl = Path(sys.executable).with_name("etl")
    print(f"{count:,} pipelines{'spelled out':>24}{'in folders':>12}{'ratio':>8}   s of processor")
    commands = {
        "etl lint, cold": ["lint", "--no-cache", "--jobs", "1"],
        "etl lint, fills its cache": ["lint", "--jobs", "1"],
        "etl lint, warm": ["lint"],
        "etl ls 'p01*', cold": ["ls", "p01*"],
        "etl ls 'p01*', warm": ["ls", "p01*"],
        "etl ls owner:analytics+": ["ls", "owner:analytics+"],
    }
    for name, command in commands.items():
        one, other = (_run([etl, *command], project, folder) for project in (flat, folders))
        print(f"{name:26}{one.cpu:13.2f}{other.cpu:12.2f}{other.cpu / one.cpu:8.2f}", flush=True)


def _run(command: list[str | Path], project: Path, folder: Path) -> Cost:
    return measure(command, cwd=project, log=folder / f"{project.name}.log")


if __name__ == "__main__":
    main()
