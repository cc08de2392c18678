"""`etl ls`"""

from __future__ import annotations

import json
from pathlib import Path

import click

from etl_framework.cli.options import environment_option, format_option, project_option
from etl_framework.cli.selecting import selecting


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
    from etl_framework.cli.selecting import known_facts, refuse_broken
    from etl_framework.project.graph import upstream
    from etl_framework.project.selection import meant, names_of
    from etl_framework.project.summary import summaries

    pipelines = summaries(root)
    refuse_broken(pipelines, selectors, select)
    facts = known_facts(root, base, environment)
    found = meant(pipelines, selectors, exclude, select, facts=facts)
    if format_ == "text":
        for name, relations in found.items():
            click.echo("\n".join(names_of(name, relations)))
        return
    known, before = {p.name: p for p in pipelines}, upstream(pipelines)
    listed = [
        {
            "name": name, "path": known[name].path, "description": known[name].description,
            "owner": known[name].owner, "tags": known[name].tags,
            "schedule": known[name].schedule, "sources": list(known[name].sources),
            "transforms": list(known[name].transforms),
            "kpis": [kpi for kpi in known[name].kpis if relations is None or kpi in relations],
            "comes_after": sorted(before[name]),
        }
        for name, relations in found.items()
    ]  # fmt: skip
    click.echo(json.dumps(listed, indent=2, ensure_ascii=False))
