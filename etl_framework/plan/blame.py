"""Find the place in a template that an engine's error about its SQL is about."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from etl_framework.errors import EtlError
from etl_framework.plan.plan import Plan
from etl_framework.plan.step import Step
from etl_framework.project.project import TEMPLATES
from etl_framework.sql.blame import blamed
from etl_framework.sql.templates import TemplateProblemError, render_sql

HINTS = {
    "Could not convert string": "a text there is none: compare it, or CAST it, where it is one",
    "invalid date": "write dates like '2024-01-31', or TO_DATE(text, 'DD.MM.YYYY')",
    "division by zero": "write NULLIF(divisor, 0)",
}


def in_template(plan: Plan, step: Step, error: Exception, told: EtlError) -> EtlError:
    """An error of a step that runs SQL, at its place in the template, as far as that is known.

    :param error: what the engine raised.
    :param told: our error for it, which gets the place and a hint.
    """
    block: Any = step.block
    sql, said = getattr(block, "sql", None), told.diagnostics[0]
    hint = next((hint for part, hint in HINTS.items() if part in said.message), said.hint)
    if not step.template or not sql:
        return told.about([replace(said, hint=hint)])
    path = f"{TEMPLATES}/{sql}"
    try:
        rendered = render_sql(
            path, step.template, plan.interval, block.params, plan.root / TEMPLATES
        )
    except TemplateProblemError:
        return told
    offset = blamed(error, rendered.sql, step.sql)
    if not offset and "division by zero" in said.message and rendered.sql.count("/") == 1:
        offset = rendered.sql.index("/")
    path, line, column = rendered.where(offset)
    return told.about([replace(said, path=path, line=line, column=column, hint=hint)])
