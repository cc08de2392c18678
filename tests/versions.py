"""`make test-versions`: what SQL, checks and files mean, on the lowest and highest versions.

For each image of MWAA an environment with what its constraints allow, once with the lowest versions
that `setup.cfg` names and once with the highest: sqlglot, DuckDB, pyarrow, pydantic.
"""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from tests.airflow.matrix import PYTHON, ROOT, VERSIONS, python_of

ENVIRONMENTS = ROOT / ".venv-versions"
TESTS = ("tests/sql", "tests/plan", "tests/checks", "tests/sources/csv", "tests/lint/test_cases.py")
TOOLS = ("pytest", "pytest-xdist", "hypothesis", "tzdata")
SHOWN = ("duckdb", "sqlglot", "pyarrow", "pydantic")


def installed(uv: str, python: str, version: str, resolution: str) -> Path:
    """The Python of an environment for an image, with its lowest or highest versions."""
    folder = ENVIRONMENTS / f"{version}-{resolution}"
    if not folder.is_dir():
        subprocess.run([uv, "venv", "--quiet", "--python", python, str(folder)], check=True)
    here = folder / "bin/python"
    subprocess.run(
        [uv, "pip", "install", "--quiet", "--python", str(here), "--resolution", resolution,
         "--editable", f"{ROOT}[devstack,pandas]", "--constraints",
         str(ROOT / f"constraints/{version}.txt")],
        check=True,
    )  # fmt: skip
    subprocess.run([uv, "pip", "install", "--quiet", "--python", str(here), *TOOLS], check=True)
    return here


def versions_in(uv: str, here: Path) -> str:
    """The versions that an environment has of what changes the meaning of SQL."""
    listed = subprocess.run(
        [uv, "pip", "freeze", "--python", str(here)], capture_output=True, text=True, check=True
    )
    pins = dict(line.split("==") for line in listed.stdout.splitlines() if "==" in line)
    return ", ".join(f"{name} {pins.get(name, '?')}" for name in SHOWN)


def main(arguments: list[str]) -> int:
    """Test each image's lowest and highest versions; those named, or all."""
    uv = str(Path(sys.executable).with_name("uv"))
    python = python_of(uv)
    if not python:
        print(f"there is no Python {PYTHON} on this machine, which MWAA has", file=sys.stderr)
        return 2
    worst = 0
    for version in [name for name in arguments if name in VERSIONS] or VERSIONS:
        for resolution in ("lowest-direct", "highest"):
            started = time.monotonic()
            here = installed(uv, python, version, resolution)
            command = [str(here), "-m", "pytest", "-q", "-W", "ignore", "-n", "auto", "-p"]
            command += ["no:cacheprovider", *TESTS]
            done = subprocess.run(
                command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                check=False,
            )  # fmt: skip
            last = done.stdout.strip().splitlines()[-1]
            if done.returncode:
                print(done.stdout[-20_000:], flush=True)
            worst = max(worst, done.returncode)
            seconds = time.monotonic() - started
            print(f"{version} {resolution}: {versions_in(uv, here)}: {last} ({seconds:.0f} s)")
    return worst


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
