"""Rules about how tables lie in Redshift, and about runs that write them side by side."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from etl_framework.connections.redshift.connection import Redshift
from etl_framework.errors import Diagnostic
from etl_framework.lint.base import Checked, Rule
from etl_framework.project.project import Project

KEYS = ("sort_key", "dist_key", "dist_style")


class UselessKeys(Rule):
    """A sort or distribution key serves a query, at least the run's own that replaces rows.

    Keys are Redshift's: where no environment has a Redshift they do nothing.
    """

    codes = ("W305",)

    def check(self, project: Project, files: list[Checked]) -> Iterator[Diagnostic]:
        environments = project.environments.environments if project.environments else {}
        for checked in files:
            for name, kpi in checked.pipeline.kpis.items():
                target = kpi.target
                given = [key for key in KEYS if getattr(target, key)]
                connections = [
                    environment.connections.get(target.connection)
                    for environment in environments.values()
                ]
                nowhere = (
                    connections
                    and all(connections)
                    and not any(isinstance(c, Redshift) for c in connections)
                )
                for key in given:
                    useless = target.loads_by.unused(target, key)
                    if nowhere:
                        what = f"'{target.connection}' is no Redshift in any environment"
                        useless = what, f"take {key} out"
                    if useless:
                        yield _warning(checked, name, key, *useless)


class SideBySide(Rule):
    """Runs of a pipeline that go on at the same time do not write what the other has written.

    With `replace` the run that ends last is the table, which may be that of an older interval.
    """

    codes = ("W306",)

    def check(self, project: Project, files: list[Checked]) -> Iterator[Diagnostic]:
        for checked in files:
            if checked.pipeline.max_active_runs == 1:
                continue
            for name, kpi in checked.pipeline.kpis.items():
                if kpi.target.loads_by.last_wins(kpi.target):
                    many = checked.pipeline.max_active_runs
                    message = (
                        f"{many} runs at a time write '{kpi.target.table}', and the last one wins"
                    )
                    hint = (
                        "write max_active_runs: 1, or a strategy by interval: delete+insert, append"
                    )
                    yield _warning(checked, name, "strategy", message, hint)


def _warning(checked: Checked, kpi: str, key: str, message: str, hint: str) -> Diagnostic:
    code = "W306" if key == "strategy" else "W305"
    keys = ("kpis", kpi, "target", key)
    diagnostic = checked.pipeline_file.file.diagnostic(keys, code, message, hint)
    return replace(diagnostic, severity="warning")
