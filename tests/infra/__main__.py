"""`make test-infra`: Terraform itself over infra/, with a mocked provider: validate, then test.

It needs the binary and the provider `hashicorp/aws`, from a mirror under /opt or from the registry.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.conftest import REPOSITORY

MIRRORS = "*/registry.terraform.io/hashicorp/aws"


def main() -> int:
    """Exit code 0 when all passed, 1 when not, 2 when Terraform or the provider is missing."""
    binary = shutil.which("terraform")
    if not binary:
        print("there is no terraform on PATH", file=sys.stderr)
        return 2
    mirror = next(Path("/opt").glob(MIRRORS), None)
    source = [f"-plugin-dir={mirror.parents[2]}"] if mirror else []
    with tempfile.TemporaryDirectory(prefix="etl-infra-") as folder:
        copy = shutil.copytree(REPOSITORY / "infra", Path(folder) / "infra")
        for module in (copy, copy / "rights"):
            if _run(module, binary, "init", "-backend=false", "-input=false", *source):
                return 2
            if _run(module, binary, "validate") or _run(module, binary, "test"):
                return 1
    return 0


def _run(folder: Path, *command: str) -> int:
    done = subprocess.run(
        [*command, "-no-color"], cwd=folder, text=True, check=False,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    if done.returncode or command[1] != "init":
        print(done.stdout, end="", flush=True)
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
