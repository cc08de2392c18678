"""uv and pip, as programs."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from etl_framework.errors import ConfigError, MissingExtraError
from etl_framework.mwaa.versions import MwaaVersion


def uv(arguments: Sequence[str], folder: Path) -> subprocess.CompletedProcess[str]:
    """Run uv in a folder, whose `uv.toml` counts.

    :raises MissingExtraError: it is not installed.
    """
    beside = Path(sys.executable).with_name("uv")
    found = str(beside) if beside.exists() else shutil.which("uv")
    if not found:
        raise MissingExtraError("uv", "mwaa")
    # An environment that is switched on must not be taken for the one that is meant.
    env = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
    env["UV_PYTHON_DOWNLOADS"] = "never"
    return subprocess.run(
        [found, *arguments], cwd=folder, env=env, capture_output=True, text=True, check=False
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
    """Path of the Python that the image has, pyenv's too.

    :raises ConfigError: this machine has none.
    """
    found = uv(["python", "find", "--no-project", version.python], folder)
    if found.returncode == 0:
        return found.stdout.strip()
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    path = next(map(str, sorted(pyenv.glob(f"versions/{version.python}.*/bin/python"))), "")
    if not path:
        raise ConfigError(
            f"there is no Python {version.python} on this machine, which MWAA runs DAGs on",
            hint=f"uv python install {version.python}; or `--no-import`: the DAGs are not tried",
        )
    return path
