"""Turn DuckDB's error about SQL that it refuses into one sentence with a hint."""

from __future__ import annotations

import re

from etl_framework.errors import PlanError

_HINTS = (
    ("must appear in the GROUP BY", "add it to GROUP BY, or write an aggregate such as MAX(...)"),
    ("No function matches", "CAST the arguments to the types that it takes"),
    ("Cannot compare", "CAST one side to the type of the other"),
)


def refused(error: Exception) -> PlanError:
    """Our error for one of DuckDB's; only DuckDB's own error has the place in the SQL."""
    text = str(error)
    if only := re.search(r"Function with name (\w+) does not exist", text):
        message = f"{only[1].upper()} is computed by Redshift only; DuckDB has nothing like it"
        return PlanError(message, "compute it in the source, or in a Python transform")
    near = re.search(r'Did you mean "([^"]+)"', text)
    hints = (hint for part, hint in _HINTS if part in text)
    hint = f"did you mean '{near[1]}'?" if near else next(hints, "")
    return PlanError(_sentence(text), hint)


def _sentence(text: str) -> str:
    """The message without its class, its candidates and its copy of the query."""
    first = text.split("\n")[0]
    return first.partition("Error: ")[2] or first
