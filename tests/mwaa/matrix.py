"""`make test-bundle`: the project as a bundle for each version of MWAA, verified in full."""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

from etl_framework.errors import EtlError
from etl_framework.mwaa.bundle.serverless import TARGET, serverless_version
from etl_framework.mwaa.bundle.verify import digests, size_of
from etl_framework.mwaa.bundle.write import Order, write_bundle
from etl_framework.mwaa.bundle.write_serverless import CODE, write_serverless
from etl_framework.platforms.mwaa import mwaa_versions
from etl_framework.project.project import load_project
from tests.conftest import REPOSITORY


def bundled(target: str, folder: Path) -> list[str]:
    """What there is to tell of a target: it is made twice and imported once."""
    project = load_project(REPOSITORY)
    version = mwaa_versions().get(target) or serverless_version()
    write = write_serverless if target == TARGET else write_bundle
    manifest, found = write(project, Order(version, "prod"), folder / "first")
    write(project, Order(version, "prod", imports=False), folder / "again")
    same = digests(folder / "first") == digests(folder / "again")
    size = size_of(folder / "first" / (CODE if target == TARGET else "plugins.zip")) / 1e6
    parsed = " ".join(f"{row['seconds']:.2f}" for row in found.rows)
    return [f"{size:.1f} MB", str(len(manifest.packages)), f"{parsed} s", str(same)]


def main(arguments: list[str]) -> int:
    """Try those named on the command line, or all; 1 when one is not as it has to be."""
    worst = 0
    print("target           zip        packages  parsed  twice the same  took")
    for target in arguments or [*mwaa_versions(), TARGET]:
        started = time.monotonic()
        with tempfile.TemporaryDirectory() as name:
            try:
                told = bundled(target, Path(name))
            except EtlError as error:
                told = [str(error)]
        worst = max(worst, int(told[-1] != "True"))
        print(f"{target:<16} {'  '.join(told)}  {time.monotonic() - started:.0f} s", flush=True)
    return worst


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
