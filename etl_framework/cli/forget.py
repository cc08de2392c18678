"""`etl forget`"""

from __future__ import annotations

import shutil
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from etl_framework.cli.completion import sources
from etl_framework.cli.document import document
from etl_framework.cli.log import log, log_options
from etl_framework.cli.options import environment_option, format_option, project_option
from etl_framework.cli.protection import refuse_protected

if TYPE_CHECKING:
    from etl_framework.run.forget import Forgetting

NOT_REACHED = (
    "not reached: the source itself and its archive; backups, and earlier versions of objects in "
    "S3; pages of `etl report`; what others have copied from the tables"
)


@click.command()
@click.argument("source", shell_complete=sources)
@click.option(
    "--where",
    "where",
    metavar="COLUMN=VALUE",
    multiple=True,
    required=True,
    help="Whose rows; with several, rows that have all. COLUMN=- reads the value from stdin.",
)
@click.option("--targets", is_flag=True, help="Delete the rows in targets, too.")
@click.option("--dry-run", is_flag=True, help="Say what would be removed, and remove nothing.")
@click.option("--yes", is_flag=True, help="Do not ask before; and write where protected.")
@environment_option
@project_option
@format_option("text", "json")
@log_options
def forget(
    source: str,
    where: tuple[str, ...],
    targets: bool,
    dry_run: bool,
    yes: bool,
    environment: str | None,
    root: Path,
    format_: str,
) -> None:
    """Remove a person's rows of a source from staging, quarantine, corrections and history.

    The outputs of steps are written anew without the rows; what is computed from them is deleted,
    and the next run makes it again. No later run reads the rows again, also if the source still has
    them: a hash of the value is kept, and not the value. It is told which targets still hold rows.

    \b
    etl forget customers --where email=ada@example.com --dry-run
    etl forget shop.customers --where customer_id=- < id.txt
    etl forget customers --where email=ada@example.com --targets --yes
    """
    from etl_framework.project.project import load_project
    from etl_framework.run.forget import Forget
    from etl_framework.workbench.inputs import FOLDER
    from etl_framework.workbench.repro import FOLDER as REPRO

    with document(format_) as facts:
        project = load_project(root)
        if not dry_run:
            refuse_protected(project, environment, yes=yes)
        forgetting = Forget(project, environment, source, _given(where))
        if not (dry_run or yes):
            _agree(forgetting.run(dry_run=True))
        done = forgetting.run(dry_run=dry_run, targets=targets)
        for folder in (FOLDER, REPRO) if not dry_run else ():
            shutil.rmtree(root / folder, ignore_errors=True)
        facts["forgotten"] = {**asdict(done), "remade": sorted(done.remade), "dry_run": dry_run}
    _say(done, dry_run=dry_run)


def _given(where: tuple[str, ...]) -> dict[str, str]:
    """Return the values by column."""
    values = {}
    for condition in where:
        column, equal, value = condition.partition("=")
        if not (equal and value):
            raise click.UsageError("--where takes COLUMN=VALUE")
        values[column] = sys.stdin.readline().rstrip("\r\n") if value == "-" else value
    return values


def _agree(found: Forgetting) -> None:
    """Say what would be removed, and end the command if that is not wanted."""
    _say(found, dry_run=True)
    if not sys.stdin.isatty():
        raise click.UsageError("give --yes to remove this, or --dry-run")
    if not click.confirm("remove this?", err=True):
        log().say("nothing was removed")
        sys.exit(1)


def _say(done: Forgetting, *, dry_run: bool) -> None:
    verb = "would remove" if dry_run else "removed"
    for what, rows in sorted(done.rows.items()):
        log().say(f"{verb} {rows:,} from {what}")
    if done.remade:
        deleted = "would delete" if dry_run else "deleted"
        log().say(f"{deleted} outputs, which the next run makes again: {_listed(done.remade)}")
    if done.records:
        masked = "would mask" if dry_run else "masked"
        log().say(f"{masked} the value in {done.records:,} records of runs")
    if done.deleted:
        log().say(f"removed {done.deleted:,} from targets")
    for target in done.targets:
        log().say(f"target {target.connection}.{target.table} {target.told}")
    for other in done.also:
        log().say(f"{other} reads the same rows: forget them there, too")
    log().say(NOT_REACHED)
    total = sum(done.rows.values())
    log().say(f"{verb} {total:,} cop{'y' if total == 1 else 'ies'} of rows", "summary")


def _listed(names: set[str]) -> str:
    return ", ".join(sorted(names))
