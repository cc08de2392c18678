"""`make test-airflow`: the same tests on every version of Airflow that MWAA has."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
VERSIONS = ("2.11.2", "3.0.6", "3.2.1", "3.3.1")
PYTHON = "3.12"
ENVIRONMENTS = ROOT / ".venv-airflow"


def python_of(uv: str) -> str:
    """Path of the Python that MWAA has, pyenv's too; empty where it is missing."""
    command = [uv, "python", "find", "--no-project", PYTHON]
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    if found.returncode == 0:
        return found.stdout.strip()
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    return next(map(str, pyenv.glob(f"versions/{PYTHON}.*/bin/python")), "")


def installed(uv: str, python: str, version: str) -> Path:
    """The Python of an environment with a version and what its constraints allow."""
    folder = ENVIRONMENTS / version
    if not folder.is_dir():
        subprocess.run([uv, "venv", "--quiet", "--python", python, str(folder)], check=True)
    here = folder / "bin/python"
    subprocess.run(
        [uv, "pip", "install", "--quiet", "--python", str(here), "--editable", f"{ROOT}[dev]",
         f"apache-airflow=={version}", "--constraints", str(ROOT / f"constraints/{version}.txt")],
        check=True,
    )  # fmt: skip
    return here


def tested(here: Path, arguments: list[str]) -> tuple[int, str]:
    """The exit code, and pytest's last line; old packages may warn of what is new."""
    done = subprocess.run(
        [str(here), "-m", "pytest", "-q", "-W", "ignore", "tests/airflow", *arguments],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        print(done.stdout, flush=True)
    return done.returncode, done.stdout.strip().splitlines()[-1]


def main(arguments: list[str]) -> int:
    """Test each version; those named on the command line, or all."""
    uv = str(Path(sys.executable).with_name("uv"))
    chosen = [each for each in arguments if re.fullmatch(r"\d+\.\d+\.\d+", each)] or VERSIONS
    rest = [each for each in arguments if each not in chosen]
    python = python_of(uv)
    if not python:
        print(f"there is no Python {PYTHON} on this machine, which MWAA's versions of Airflow run "
              f"on: {uv} python install {PYTHON}", file=sys.stderr)  # fmt: skip
        return 2
    table, worst = [], 0
    for version in chosen:
        started = time.monotonic()
        try:
            code, said = tested(installed(uv, python, version), rest)
        except subprocess.CalledProcessError:
            code, said = 1, "cannot be installed with its constraints"
        worst = max(worst, code)
        table.append(
            (version, "passed" if code == 0 else "FAILED", time.monotonic() - started, said)
        )
        print(f"{version} {table[-1][1]}", flush=True)
    print(f"\nAirflow  on Python {PYTHON}")
    for version, state, seconds, said in table:
        print(f"{version:<8} {state}  {seconds:4.0f} s  {said}")
    return worst


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
