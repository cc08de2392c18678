"""`etl ls`"""

from __future__ import annotations

import json
from pathlib import Path

import click

from etl_framework.cli.options import environment_option, format_option, project_option
from etl_framework.cli.selecting import chosen, selecting


@click.command()
@selecting
@environment_option
@project_option
@format_option("text", "json")
def ls(
    selectors: tuple[str, ...],
    select: tuple[str, ...],
    exclude: tuple[str, ...],
    base: str,
    environment: str | None,
    root: Path,
    format_: str,
) -> None:
    """List pipelines in the order in which they run, all or those that selectors mean.

    A selector is a name (`orders`, `shop_*`), a KPI (`orders.totals`), `tag:daily`, `owner:shop`,
    `path:pipelines/shop`, `source:clicks`, `state:modified` or `new` (since --base), or
    `result:failed` (what `etl status` says of the latest data interval). `+` before it adds all
    that it comes after, behind it all that come after it (`2+orders+1`: so many), `@` both, and
    what these come after. A comma means both, a blank any.

    \b
    etl ls tag:daily owner:shop
    etl ls 'path:pipelines/shop,tag:daily' --exclude orders+
    etl ls state:modified+ --base origin/main
    """
    from etl_framework.project.graph import upstream
    from etl_framework.project.project import load_project

    project = load_project(root)
    found = chosen(project, selectors, select, exclude, base, environment)
    if format_ == "text":
        for each in found:
            for name in each.names:
                click.echo(name)
        return
    before = upstream(project.models)
    listed = [
        {
            "name": each.name, "path": each.file.file.path,
            "description": each.model.description, "owner": each.model.owner,
            "tags": each.model.tags, "schedule": each.model.schedule,
            "sources": list(each.model.sources), "transforms": list(each.model.transforms),
            "kpis": [kpi for kpi in each.model.kpis if each.has(kpi)],
            "comes_after": sorted(before[each.model.name]),
        }
        for each in found
    ]  # fmt: skip
    click.echo(json.dumps(listed, indent=2, ensure_ascii=False))
