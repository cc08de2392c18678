"""`etl deploy`"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from etl_framework.cli.document import document
from etl_framework.cli.log import log, log_options
from etl_framework.cli.options import format_option

if TYPE_CHECKING:
    from etl_framework.mwaa.deploy.calls import Call
    from etl_framework.mwaa.deploy.start import Ready

# The calls that a deploy's document counts.
COUNTED = {"upload": "put_object", "restore": "copy_object", "delete": "delete_object"}


@click.command()
@click.option(
    "--target", type=click.Choice(["mwaa"]), default="mwaa", show_default=True, help="Where to."
)
@click.option("--name", required=True, metavar="ENV", help="The environment, as MWAA calls it.")
@click.option(
    "--bundle",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("build/mwaa"),
    show_default=True,
    help="The folder that `etl bundle` wrote.",
)
@click.option("--dry-run", is_flag=True, help="Print every call, make those that only read.")
@click.option("--rollback", is_flag=True, help="Go back to the deploy before.")
@click.option(
    "--take-over",
    is_flag=True,
    help="Go on although a deploy seems to be under way: it was killed.",
)
@format_option("text", "json")
@log_options
def deploy(
    target: str,
    name: str,
    folder: Path,
    dry_run: bool,
    rollback: bool,
    take_over: bool,
    format_: str,
) -> None:
    """Bring a bundle to an environment of MWAA, and verify that it works there.

    What differs is uploaded; the environment is updated only when its plugins, requirements,
    start-up script or configuration changed. AWS is found as boto3 finds it: AWS_PROFILE,
    AWS_DEFAULT_REGION, a role.

    \b
    etl deploy --target mwaa --name music-prod --bundle build/mwaa --dry-run
    etl deploy --target mwaa --name music-prod --bundle build/mwaa
    etl deploy --target mwaa --name music-prod --rollback
    """
    from etl_framework.mwaa.deploy.aws import Aws
    from etl_framework.mwaa.deploy.clock import Clock
    from etl_framework.mwaa.deploy.start import Start

    def tell(line: str) -> None:
        log().say(line, "deploy", environment=name)

    calls: list[Call] = []

    def made(call: Call) -> None:
        calls.append(call)
        if format_ == "text":
            click.echo(f"made   {call}")

    with document(format_, environment=name, dry_run=dry_run) as facts:
        start = Start(name, Aws(made) if dry_run else Aws(), Clock(), tell, take_over)
        ready = start.rollback() if rollback else start.deploy(folder)
        facts |= _facts(ready)
        if dry_run:
            would = list(ready.changing())
            facts |= {"made": [str(call) for call in calls], "would": [str(call) for call in would]}
            for call in would if format_ == "text" else ():
                click.echo(f"would  {call}")
            return
        tell(_summary(ready))
        ready.go()
        for problem in ready.deploying.problems:
            log().problem(problem)
        facts["warnings"] = [asdict(problem) for problem in ready.deploying.problems]
    if format_ == "text":
        click.echo(_result(ready))


def _facts(ready: Ready) -> dict[str, Any]:
    """What `--format json` prints of a deploy."""
    environment, plan = ready.deploying.environment, ready.plan
    return {
        "airflow": environment.airflow,
        "bucket": environment.bucket,
        "commit": ready.deploy.commit,
        "restores": ready.deploy.restores,
        "files": {name: plan.count(call) for name, call in COUNTED.items()},
        "unchanged": len(plan.files),
        "updates_environment": bool(plan.count("update_environment")),
    }


def _summary(ready: Ready) -> str:
    environment, plan = ready.deploying.environment, ready.plan
    where = f"{environment.name}: Airflow {environment.airflow}, s3://{environment.bucket}"
    if ready.nothing_to_do:
        return f"{where}; it has all of this"
    counts = {
        "to upload": plan.count("put_object"),
        "to restore": plan.count("copy_object"),
        "to delete": plan.count("delete_object"),
        "as they should be": len(plan.files),
    }
    told = ", ".join(f"{count} {what}" for what, count in counts.items() if count)
    update = "to be updated" if plan.count("update_environment") else "stays as it is"
    return f"{where}; files: {told or 'none'}; the environment {update}"


def _result(ready: Ready) -> str:
    name, deploy = ready.deploying.environment.name, ready.deploy
    what = f"commit {deploy.commit[:12]}" if deploy.commit else "what was there before"
    if ready.nothing_to_do:
        return f"{name} has {what} already"
    return f"{name} is back at {what}" if deploy.restores else f"{name} has {what}"
