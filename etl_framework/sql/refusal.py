"""Turn DuckDB's error about SQL that it refuses into one sentence with a hint."""

from __future__ import annotations

import re

from etl_framework.errors import PlanError

_HINTS = (
    ("must appear in the GROUP BY", "add it to GROUP BY, or write an aggregate such as MAX(...)"),
    ("No function matches", "CAST the arguments to the types that it takes"),
    ("Cannot compare", "CAST one side to the type of the other"),
    ("explicit cast is required", "CAST one side to the type of the other"),
    ("add explicit type casts", "CAST the arguments to the types that it takes"),
    ("cannot contain aggregates", "write HAVING, or a subquery"),
    ("cannot contain window functions", "write QUALIFY, or a subquery"),
    ("cannot be nested", "write the inner one in a subquery"),
    ("same number of result columns", "give both sides the same columns"),
    ("range [0, 1]", "write a number from 0 to 1"),
    ("must be a constant", "write it as a number"),
)
# What only a window gives a value; DuckDB knows them by no other name, and says so in two ways.
_OF_WINDOWS = {
    "cume_dist", "dense_rank", "first_value", "lag", "last_value", "lead", "nth_value", "ntile",
    "percent_rank", "rank", "row_number",
}  # fmt: skip
_NO_CONSTANT = ("must be a constant", "can only take constant parameters")


def refused(error: Exception) -> PlanError:
    """Our error for one of DuckDB's; only DuckDB's own error has the place in the SQL."""
    text = str(error)
    if "quantile" in text.lower() and any(said in text for said in _NO_CONSTANT):
        return PlanError("the share of a percentile is no column", "write it as a number")
    if "Window functions are not supported here" in text:
        return _without_window("a window function")
    if only := re.search(r"Function with name \W*(\w+)\W+(?:does not exist|is not in)", text):
        of_window = only[1].lower() in _OF_WINDOWS
        return _without_window(only[1].upper()) if of_window else only_on_redshift(only[1])
    near = re.search(r'Did you mean "([^"]+)"', text)
    hints = (hint for part, hint in _HINTS if part in text)
    hint = f"did you mean '{near[1]}'?" if near else next(hints, "")
    return PlanError(sentence(text), hint)


def _without_window(function: str) -> PlanError:
    return PlanError(f"{function} has no window", "write OVER (...) behind it")


def only_on_redshift(function: str) -> PlanError:
    """The error about a function that DuckDB has not."""
    message = f"{function.upper()} is computed by Redshift only; DuckDB has nothing like it"
    return PlanError(message, "compute it in the source, or in a Python transform")


def sentence(text: str) -> str:
    """The message without its class, its candidates and its copy of the query."""
    first = text.split("\n")[0]
    return first.partition("Error: ")[2] or first
