"""`etl iam`"""

from __future__ import annotations

from pathlib import Path

import click

from etl_framework.cli.options import environment_option, format_option, project_option


@click.command()
@environment_option
@click.option(
    "--set",
    "given",
    metavar="NAME=VALUE",
    multiple=True,
    help="A fact that no file holds: account_id, region, a variable. Others stay parameters.",
)
@click.option(
    "--allow-from",
    "addresses",
    metavar="RANGE",
    multiple=True,
    help="Addresses that may reach the databases besides MWAA: 10.1.2.3/32.",
)
@click.option("--no-secrets", is_flag=True, help="Connections and variables lie in Airflow itself.")
@click.option("--may-create", is_flag=True, help="Runs make their tables; else `etl ddl` did.")
@project_option
@format_option("json", "terraform", "cloudformation", "sql")
def iam(
    environment: str | None,
    given: tuple[str, ...],
    addresses: tuple[str, ...],
    no_secrets: bool,
    may_create: bool,
    root: Path,
    format_: str,
) -> None:
    """Print the least rights that the project's pipelines work with.

    The execution role's policies, the role of COPY, what the databases grant, and the rules of
    security groups; from the files alone. Connects nowhere.

    \b
    etl iam --env prod
    etl iam --env prod --set account_id=123456789012 --set region=eu-west-1
    etl iam --env prod --format terraform > infra/rights/main.tf
    etl iam --env prod --format sql
    """
    from etl_framework.errors import ConfigError
    from etl_framework.iam.cloudformation import as_cloudformation
    from etl_framework.iam.document import as_json, as_sql
    from etl_framework.iam.facts import Facts
    from etl_framework.iam.rights import Wanted, rights_of
    from etl_framework.iam.terraform import as_terraform
    from etl_framework.lint.linter import Linter
    from etl_framework.project.project import load_project

    forms = {
        "json": as_json,
        "terraform": as_terraform,
        "cloudformation": as_cloudformation,
        "sql": as_sql,
    }
    project = load_project(root)
    project.environment_name(environment)
    if errors := Linter(project.root).errors():
        raise ConfigError(errors)
    wanted = Wanted(addresses, not no_secrets, may_create)
    rights = rights_of(project, environment, Facts(_pairs(given)), wanted)
    click.echo(forms[format_](rights), nl=False)
    if format_ in ("json", "sql") and rights.parameters:
        names = ", ".join(rights.parameters)
        click.echo(f"to be filled in, or given by --set: {names}", err=True)


def _pairs(given: tuple[str, ...]) -> dict[str, str]:
    pairs = [assignment.partition("=") for assignment in given]
    if wrong := [name for name, equals, _ in pairs if not equals]:
        raise click.BadParameter(f"'{wrong[0]}' is not NAME=VALUE", param_hint="--set")
    return {name.strip(): value.strip() for name, _, value in pairs}
