"""Rules about the places of environments: `schema` and `prefix`."""

from __future__ import annotations

import re
from collections.abc import Iterator

from etl_framework.errors import Diagnostic
from etl_framework.lint.base import Fact, ProjectRule, fact
from etl_framework.project.place import VALUE, Place
from etl_framework.project.placed import place_problems
from etl_framework.project.project import PipelineFile, Project


class Places(ProjectRule):
    """In the place of an environment, no schema has too long a name, and no two KPIs one table.

    Values such as `{{ branch }}` count as one character here; a run looks at them as they are.
    """

    codes = ("E329", "E330")

    def facts(self, pipeline_file: PipelineFile) -> Iterator[Fact]:
        for kpi in pipeline_file.model.kpis.values() if pipeline_file.model else ():
            yield fact(pipeline_file, "writes", (kpi.target.connection, kpi.target.table))

    def judge(self, project: Project, facts: list[Fact]) -> Iterator[Diagnostic]:
        environments = project.environments.environments if project.environments else {}
        targets = list(dict.fromkeys((fact.values[0], fact.values[1]) for fact in facts))
        for name, environment in environments.items():
            texts = (environment.own_schema, environment.prefix)
            place = Place(*(re.sub(VALUE, "x", text or "") for text in texts))
            if place:
                yield from place_problems(project, name, place, targets)
