"""`etl bundle`"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from etl_framework.cli.options import environment_option, format_option, project_option
from etl_framework.cli.selecting import chosen

if TYPE_CHECKING:
    from etl_framework.mwaa.bundle.manifest import Manifest
    from etl_framework.mwaa.bundle.verify import Verified

_file = click.Path(exists=True, dir_okay=False, resolve_path=True, path_type=Path)
_folder = click.Path(exists=True, file_okay=False, resolve_path=True, path_type=Path)


@click.command()
@click.option(
    "--select", multiple=True, metavar="SELECTOR", help="The DAGs of these pipelines alone."
)
@click.option("--exclude", multiple=True, metavar="SELECTOR", help="Not those of these.")
@click.option("--base", metavar="REV", default="HEAD", help="For `state:modified`: since when.")
@click.option("--target", metavar="TARGET", help="mwaa:3.3.1, another version, or mwaa-serverless.")
@environment_option
@click.option("--output", type=click.Path(path_type=Path), help="The folder that it becomes.")
@click.option("--constraints", type=_file, help="Airflow's; else constraints/<version>.txt.")
@click.option("--requirements", type=_file, help="Further packages that the pipelines use.")
@click.option("--wheels", type=_folder, help="A folder with wheels that no index has.")
@click.option(
    "--ca-bundle", "authorities", type=_file, multiple=True, help="Certificates of RDS, Redshift."
)
@click.option("--no-import", is_flag=True, help="Do not try the DAGs as MWAA would import them.")
@click.option("--verify-only", type=_folder, metavar="DIR", help="Only look at a bundle again.")
@project_option
@format_option("text", "json")
def bundle(
    select: tuple[str, ...],
    exclude: tuple[str, ...],
    base: str,
    target: str | None,
    environment: str | None,
    output: Path | None,
    constraints: Path | None,
    requirements: Path | None,
    wheels: Path | None,
    authorities: tuple[Path, ...],
    no_import: bool,
    verify_only: Path | None,
    root: Path,
    format_: str,
) -> None:
    """Make the folder that goes to MWAA's bucket, and try it as MWAA would.

    Writes dags/, plugins.zip, requirements.txt, airflow-config.json and manifest.json, only when
    everything fits: versions, wheels, sizes, and each DAG imported in an environment as MWAA has
    it, without connections. Two bundles of one commit are the same bytes.

    \b
    etl bundle --target mwaa:3.3.1 --env prod --output build/mwaa
    etl bundle --target mwaa:3.3.1 --env prod --output build/shop --select owner:shop
    etl bundle --verify-only build/mwaa
    """
    from etl_framework.errors import BundleError
    from etl_framework.mwaa.bundle.serverless import TARGET, serverless_version
    from etl_framework.mwaa.bundle.verify import verify
    from etl_framework.mwaa.bundle.write import Order, write_bundle
    from etl_framework.mwaa.bundle.write_serverless import write_serverless
    from etl_framework.platforms.mwaa import mwaa_version
    from etl_framework.project.project import load_project

    if verify_only:
        manifest, verified = verify(verify_only, not no_import)
        if verified.problems:
            raise BundleError(verified.problems)
        _show(verify_only, manifest, verified, format_)
        return
    if not target or not output:
        raise click.UsageError("give --target and --output, or --verify-only")
    version = serverless_version() if target == TARGET else mwaa_version(target)
    project, only = load_project(root), None
    if select or exclude:
        found = chosen(project, select, (), exclude, base, environment, kinds=())
        only = frozenset(each.name for each in found)
    order = Order(
        version, environment, constraints, requirements, wheels, authorities, not no_import, only
    )
    write = write_serverless if target == TARGET else write_bundle
    manifest, verified = write(project, order, output)
    _show(output, manifest, verified, format_)


def _show(folder: Path, manifest: Manifest, verified: Verified, format_: str) -> None:
    import json

    from etl_framework.cli.table import text_table
    from etl_framework.mwaa.bundle.verify import size_of

    if format_ == "json":
        click.echo(json.dumps({"manifest": manifest.model_dump(), "dags": verified.rows}, indent=2))
        return
    commit = f", commit {manifest.commit}" if manifest.commit else ""
    click.echo(f"{folder}: {manifest.target}, environment {manifest.environment}{commit}\n")
    wheels = ", ".join(f"{name} {number}" for name, number in manifest.packages.items())
    holds = {"plugins.zip": wheels, "code.zip": wheels}
    for name in ("dags", "workflows"):
        holds[name] = f"{sum(file.startswith(f'{name}/') for file in manifest.files)} files"
    holds = {name: said for name, said in holds.items() if (folder / name).exists()}
    rows = [(name, f"{size_of(folder / name) / 1e6:.2f} MB", said) for name, said in holds.items()]
    click.echo(text_table(("part", "size", "holds"), rows, width=400) + "\n")
    for word in ("connections", "variables", "secrets"):
        if names := getattr(manifest, word):
            click.echo(f"{word} it looks up: {', '.join(names)}")
    for note in verified.notes:
        click.echo(f"note: {note}")
    if not verified.rows:
        click.echo("the DAGs were not imported")
        return
    timed = [(name, f"{row['seconds']:.2f} s") for row in verified.rows for name in row["dags"]]
    click.echo("\n" + text_table(("DAG", "parsed in"), timed))
