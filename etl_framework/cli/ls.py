"""`etl ls`"""

from __future__ import annotations

import json
from pathlib import Path

import click

from etl_framework.cli.completion import pipelines
from etl_framework.cli.options import format_option, project_option


@click.command()
@click.argument("selectors", nargs=-1, shell_complete=pipelines)
@click.option("--exclude", multiple=True, metavar="SELECTOR", help="Leave these out.")
@project_option
@format_option("text", "json")
def ls(selectors: tuple[str, ...], exclude: tuple[str, ...], root: Path, format_: str) -> None:
    """List pipelines in the order in which they run, all or those that selectors mean.

    A selector is a name (`orders`, `shop_*`), `tag:daily`, `owner:shop` or `path:pipelines/shop`;
    `+` before it adds all that it comes after, behind it all that come after it (`2+orders+1`: so
    many), `@` both, and what these come after. A comma means both, a blank any.

    \b
    etl ls tag:daily owner:shop
    etl ls 'path:pipelines/shop,tag:daily' --exclude orders+
    """
    from etl_framework.project.project import load_project
    from etl_framework.project.selection import selected, upstream

    project = load_project(root)
    models = selected(project, selectors, exclude)
    if format_ == "text":
        for model in models:
            click.echo(model.name)
        return
    paths = {file.model.name: file.file.path for file in project.pipelines if file.model}
    before = upstream(project.models)
    listed = [
        {
            "name": model.name, "path": paths[model.name], "description": model.description,
            "owner": model.owner, "tags": model.tags, "schedule": model.schedule,
            "sources": list(model.sources), "transforms": list(model.transforms),
            "kpis": list(model.kpis), "comes_after": sorted(before[model.name]),
        }
        for model in models
    ]  # fmt: skip
    click.echo(json.dumps(listed, indent=2, ensure_ascii=False))
