"""`etl dev`"""

from __future__ import annotations

from pathlib import Path

import click

from etl_framework.cli.options import project_option

FOLDER = ".etl/dev"
EXPORT = "export $(grep ^AWS_ .etl/dev/env)"


@click.group()
def dev() -> None:
    """PostgreSQL, S3, Redshift and MWAA on this machine, as stand-ins for those of AWS.

    \b
    etl dev up                                        start them
    etl run music_streaming --env aws_local           a run as in production
    etl run music_streaming --env aws_local_pushdown  the same, computed in Redshift
    etl dev down                                      stop them
    """
    from importlib.util import find_spec

    from etl_framework.errors import ConfigError

    if find_spec("etl_framework.devstack") is None:
        raise ConfigError(
            "this installation has no stand-ins for AWS: it is the one for MWAA's workers",
            hint="on a machine of your own: pip install 'etl-framework[devstack]'",
        )


@dev.command()
@click.option(
    "--seed",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Folder with `rds/` and `lake/` to fill them from; sample_data if not given.",
)
@project_option
def up(root: Path, seed: Path | None) -> None:
    """Start the servers on free ports of the loopback; data lie under .etl/dev.

    \b
    etl dev up
    etl dev up --seed sample_data
    """
    from etl_framework.devstack.control import up as start
    from etl_framework.devstack.mwaa_server import NAME

    chosen = seed or root / "sample_data"
    if start(root / FOLDER, chosen.resolve() if chosen.is_dir() else None):
        click.echo("PostgreSQL, S3, Redshift and MWAA are up: see .etl/dev/env", err=True)
        click.echo(f"for `etl deploy --name {NAME}`: {EXPORT}", err=True)
    else:
        click.echo("they are up already", err=True)


@dev.command()
@project_option
def airflow(root: Path) -> None:
    """Start a whole Airflow beside the servers, in the environment prod; Ctrl-C stops it.

    \b
    etl dev up
    etl dev airflow
    """
    import os
    import signal

    from etl_framework.connections.env_file import load_env_file
    from etl_framework.devstack.airflow_server import USER, AirflowServer
    from etl_framework.devstack.control import running

    if not running(root / FOLDER):
        raise click.UsageError("the servers are not up: etl dev up")
    load_env_file(root / FOLDER / "env")
    server = AirflowServer(root, root / ".etl/airflow", os.environ, {})
    for ending in (signal.SIGTERM, signal.SIGHUP):  # as Ctrl-C does
        if signal.getsignal(ending) is not signal.SIG_IGN:
            signal.signal(ending, signal.default_int_handler)
    click.echo("starting Airflow, which takes half a minute", err=True)
    try:
        server.start()
        login = f", user {USER}, password {server.password}" if server.major == 2 else ""
        click.echo(f"Airflow is at {server.url}{login}; Ctrl-C stops it", err=True)
        signal.pause()
    except KeyboardInterrupt:
        click.echo("stopping", err=True)
    finally:
        for ending in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):  # stopping takes a moment
            signal.signal(ending, signal.SIG_IGN)
        server.stop()


@dev.command()
@project_option
def down(root: Path) -> None:
    """Stop the servers. What is in PostgreSQL and Redshift stays, what is in S3 does not.

    \b
    etl dev down
    """
    from etl_framework.devstack.control import down as stop

    click.echo("stopped" if stop(root / FOLDER) else "they are not up", err=True)
