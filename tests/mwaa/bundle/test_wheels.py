"""Our own wheel is the same bytes each time, and wheels of other machines are told."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import time
import zipfile
from pathlib import Path

import pytest

from etl_framework import __version__
from etl_framework.mwaa.bundle.archive import write_zip
from etl_framework.mwaa.bundle.own_wheel import LEFT_OUT, LICENSES, PACKAGE, write_own_wheel
from etl_framework.mwaa.bundle.wheels import unfitting
from etl_framework.platforms.mwaa import mwaa_version
from tests.conftest import REPOSITORY


def test_the_own_wheel_is_the_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "later").mkdir()
    first = write_own_wheel(tmp_path)
    monkeypatch.setattr(time, "time", lambda: 2e9)
    again = write_own_wheel(tmp_path / "later")

    assert first.read_bytes() == again.read_bytes()
    with zipfile.ZipFile(first) as archive:
        names = archive.namelist()
        assert {entry.date_time[0] for entry in archive.infolist()} == {1980}
    assert "etl_framework/platforms/images/3.3.1/installed.txt" in names
    assert [name for name in names if "__pycache__" in name or name.startswith("tests")] == []


def test_the_own_wheel_installs(tmp_path: Path) -> None:
    wheel, here = write_own_wheel(tmp_path), tmp_path / "here"
    uv = str(Path(sys.executable).with_name("uv"))
    options = ["--quiet", "--offline", "--no-deps", "--target", str(here)]
    subprocess.run([uv, "pip", "install", *options, str(wheel)], check=True)
    code = "import etl_framework as e; print(e.__file__, e.__version__)"
    said = subprocess.run(
        [sys.executable, "-S", "-c", code], cwd=here, capture_output=True, text=True, check=True
    )

    assert said.stdout.split() == [str(here / "etl_framework/__init__.py"), __version__]
    assert (here / "bin/etl").is_file()


@pytest.fixture(scope="module")
def worker(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what a worker of MWAA gets of this package."""
    here = tmp_path_factory.mktemp("worker")
    with zipfile.ZipFile(write_own_wheel(here)) as archive:
        archive.extractall(here)
    return here


def on_the_worker(worker: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run Python where the package is that of the worker: `-S` keeps the checkout out."""
    path = f"{worker}:{sysconfig.get_path('purelib')}"
    environment = {**os.environ, "PYTHONPATH": path, "AIRFLOW_HOME": str(worker / "airflow")}
    return subprocess.run(
        [sys.executable, "-S", "-W", "ignore", *arguments],
        cwd=worker,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_worker_gets_no_stand_ins_and_all_else_works(worker: Path) -> None:
    assert not (worker / "etl_framework/devstack").exists()
    code = "import etl_framework.cli, etl_framework.airflow as a; print(a.__file__, a.load_dag)"
    done = on_the_worker(worker, "-c", code)

    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(str(worker))


def test_what_needs_the_stand_ins_says_so(worker: Path) -> None:
    done = on_the_worker(worker, "-m", "etl_framework", "dev", "up")

    assert done.returncode == 2
    assert done.stderr.splitlines() == [
        "R100 this installation has no stand-ins for AWS: it is the one for MWAA's workers",
        "  hint: on a machine of your own: pip install 'etl-framework[devstack]'",
    ]


def test_only_one_command_needs_the_stand_ins() -> None:
    named = {
        str(file.relative_to(PACKAGE))
        for file in PACKAGE.rglob("*.py")
        if "etl_framework.devstack" in file.read_text(encoding="utf-8")
        and LEFT_OUT not in file.parents
    }

    assert named == {"cli/dev.py"}


def test_a_worker_gets_the_license(worker: Path) -> None:
    (info,) = worker.glob("*.dist-info")

    for name in LICENSES:
        assert (info / "licenses" / name).read_bytes() == (REPOSITORY / name).read_bytes()


def test_a_source_date_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    write_zip(tmp_path / "x.zip", {"b": b"2", "a": b"1"})

    with zipfile.ZipFile(tmp_path / "x.zip") as archive:
        assert archive.namelist() == ["a", "b"]
        assert archive.getinfo("a").date_time[:3] == (2023, 11, 14)


@pytest.mark.parametrize(
    ("name", "fits"),
    [
        pytest.param("a-1-py3-none-any.whl", True, id="anywhere"),
        pytest.param("a-1-py2.py3-none-any.whl", True, id="Python 2 and 3"),
        pytest.param("a-1-cp312-cp312-manylinux_2_34_x86_64.whl", True, id="the newest glibc"),
        pytest.param("a-1-cp312-cp312-manylinux2014_x86_64.whl", True, id="an old name"),
        pytest.param("a-1-cp39-abi3-manylinux_2_28_x86_64.whl", True, id="the stable ABI"),
        pytest.param("a-1-cp312-cp312-manylinux_2_35_x86_64.whl", False, id="a newer glibc"),
        pytest.param("a-1-cp311-cp311-manylinux_2_28_x86_64.whl", False, id="another Python"),
        pytest.param("a-1-cp312-cp312-manylinux_2_28_aarch64.whl", False, id="ARM"),
        pytest.param("a-1-cp312-cp312-musllinux_1_2_x86_64.whl", False, id="another libc"),
        pytest.param("a-1-cp312-cp312-macosx_11_0_arm64.whl", False, id="a Mac"),
        pytest.param("a-1.whl", False, id="no name of a wheel"),
    ],
)
def test_what_fits(name: str, fits: bool) -> None:
    found = list(unfitting([Path(name)], mwaa_version("3.3.1")))

    assert (found == []) is fits
    assert fits or "glibc 2.34" in str(found[0])
