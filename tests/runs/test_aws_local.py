"""The production path on the stand-in: S3, TLS, COPY, manifests; the tables are the local run's."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from etl_framework.devstack.stack import Stack
from etl_framework.run.run import Run
from tests.conftest import Folder
from tests.runs.conftest import ETL, Music

pytestmark = [
    pytest.mark.slow,
    pytest.mark.parametrize("environment", ["aws_local", "aws_local_pushdown"]),
]
TABLES = ("kpis_genre", "kpis_hourly")


@pytest.fixture
def aws(music: Music, running_stack: Stack, tmp_path: Path) -> Iterator[Folder]:
    """The music project beside a stand-in that holds its sample data."""
    for name in ("pipelines", "sql_templates", "environments.yml"):
        copy = shutil.copytree if (music.root / name).is_dir() else shutil.copy
        copy(music.root / name, tmp_path / name)
    running_stack.empty()
    running_stack.seed(music.root / "sample_data")
    lines = [f"{name}={value}\n" for name, value in running_stack.variables.items()]
    (tmp_path / ".etl/dev").mkdir(parents=True)
    (tmp_path / ".etl/dev/env").write_text("".join(lines), encoding="utf-8")
    yield Folder(tmp_path)


def tables(folder: Folder, *env: str) -> dict[str, str]:
    """Each table in CSV form."""
    how = ("--limit", "0", "--format", "csv", *env)
    return {table: folder.etl("show", table, *how).stdout for table in TABLES}


def test_the_tables_are_those_of_the_local_run(music: Music, aws: Folder, environment: str) -> None:
    env = ("--env", environment)

    first = aws.etl(*ETL, *env)

    assert first.returncode == 0, first.stderr
    assert tables(aws, *env) == tables(music)
    assert all(text.count("\n") > 10 for text in tables(music).values())

    again = aws.etl(*ETL, *env)
    assert "= extract.streams" in again.stderr, again.stderr
    assert tables(aws, *env) == tables(music)

    how = ("--limit", "0", "--format", "csv", *env)
    shown = aws.etl("preview", "kpis_genre", *how)
    assert shown.stdout == tables(music)["kpis_genre"]
    # From staging in S3; what lies in the cluster is read from the sources once more.
    assert ("read anew" in shown.stderr) == (environment == "aws_local_pushdown")


def test_a_worker_that_has_seen_nothing_goes_on_from_what_lies_in_s3(
    music: Music,
    aws: Folder,
    running_stack: Stack,
    monkeypatch: pytest.MonkeyPatch,
    environment: str,
) -> None:
    """As on MWAA, where each task may run on another machine."""
    for name, value in running_stack.variables.items():
        monkeypatch.setenv(name, value)
    plan = aws.plan("music_streaming", environment=environment)
    for step in plan.steps:
        shutil.rmtree(aws.root / ".etl/work", ignore_errors=True)
        Run(plan).one_step(step.name)

    assert tables(aws, "--env", environment) == tables(music)
