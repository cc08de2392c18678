"""Run uv and pip as programs."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from etl_framework.errors import ConfigError, MissingExtraError
from etl_framework.platforms.mwaa import MwaaVersion


def uv(arguments: Sequence[str], folder: Path) -> subprocess.CompletedProcess[str]:
    """Run uv in a folder, with the settings of the `uv.toml` there.

    :raises MissingExtraError: it is not installed.
    """
    beside = Path(sys.executable).with_name("uv")
    program = str(beside) if beside.exists() else shutil.which("uv")
    if not program:
        raise MissingExtraError("uv", "mwaa")
    # uv must not use an activated environment instead of the one that is meant.
    env = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
    env["UV_PYTHON_DOWNLOADS"] = "never"
    return subprocess.run(
        [program, *arguments], cwd=folder, env=env, capture_output=True, text=True, check=False
    )


def pip(arguments: Sequence[str], folder: Path) -> subprocess.CompletedProcess[str]:
    """Run pip in a folder.

    :raises MissingExtraError: it is not installed.
    """
    if find_spec("pip") is None:
        raise MissingExtraError("pip", "mwaa")
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def python_of(version: MwaaVersion, folder: Path) -> str:
    """The path of a Python of the image's version on this machine, also one of pyenv.

    :raises ConfigError: this machine has none.
    """
    search = uv(["python", "find", "--no-project", version.python], folder)
    if search.returncode == 0:
        return search.stdout.strip()
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    path = next(map(str, sorted(pyenv.glob(f"versions/{version.python}.*/bin/python"))), "")
    if not path:
        raise ConfigError(
            f"there is no Python {version.python} on this machine, which MWAA runs DAGs on",
            hint=f"uv python install {version.python}; or `--no-import`: the DAGs are not tried",
        )
    return path
