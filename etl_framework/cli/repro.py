"""`etl repro`"""

from __future__ import annotations

import sys
from pathlib import Path

import click

from etl_framework.cli.options import environment_option, project_option


@click.command()
@click.argument("run")
@click.option("--step", metavar="STEP", help="Which step; the first that failed if not given.")
@environment_option
@project_option
def repro(run: str, step: str | None, environment: str | None, root: Path) -> None:
    """Do the step of a run that failed again on this machine, over what the run had read.

    RUN is what `etl show runs` lists, or how it begins; with --env also a run of MWAA, from its
    record and its staging in S3. The files are those of the run's commit, if git has it. Everything
    lies in a folder of its own, with a DuckDB database of views to look at. No target changes.
    Exit codes: 0 the step passes here, 1 it fails as it did, or cannot be done.

    \b
    etl repro 20261130T084241-8c1a823f
    etl repro "music_streaming scheduled__2026-11-29T03:00:00+00:00" --env prod
    """
    from etl_framework.cli.board import in_words
    from etl_framework.project.project import load_project
    from etl_framework.workbench.repro import DATABASE, find
    from etl_framework.workbench.repro import repro as do_again

    project = load_project(root)
    found = find(project, environment, run)
    done = do_again(project, environment, found, step)
    record, here = done.attempt.last, done.folder.relative_to(project.root)
    click.echo(f"{record.pipeline} {record.key}, run {record.run}: {done.attempt.error}")
    for note in done.notes:
        click.echo(f"- {note}")
    if done.result:
        told = "fails again" if done.result.error else "passes here"
        click.echo(f"{done.step} {told}: {in_words(done.result)}")
        for problem in done.result.error.diagnostics if done.result.error else ():
            click.echo(str(problem.without_secrets()))
    click.echo(f"to look at: duckdb {here}/{DATABASE}")
    if (done.folder / f"{done.step}.sql").exists():
        click.echo(f"its SQL: {here}/{done.step}.sql")
    sys.exit(1 if done.result is None or done.result.error else 0)
