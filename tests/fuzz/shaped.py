"""Pipelines, SQL and Jinja built from their grammars: well formed, and seldom right.

`python -m tests.fuzz.shaped COUNT` lints so many, always the same; the smallest that breaks lint is
shown. The mutator finds what is broken in spelling, this what is broken in meaning.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fuzz.fuzzing import Fuzzer
from tests.fuzz.hurting import RIGHT, SHOP, SQL, YAML

NAMES = st.sampled_from(
    ["orders", "order_id", "country", "amount", "paid", "o", "nope", "x y", "É"]
)
LITERALS = st.sampled_from(
    ["0", "1.5", "-1e9", "''", "'it''s'", "NULL", "TRUE", "DATE '2024-02-30'", "INTERVAL '1 month'"]
)
FILLED = st.sampled_from(
    ["{{ params.least }}", "{{ interval.start }}", "{{ ident('amount') }}", "{{ params.nope }}",
     "{{ params.least | string }}", "{{ ''.__class__ }}", "{{ self.x }}", "{{ params }}",
     "{% if params.least > 1 %}1{% else %}2{% endif %}", "{% set a = 1 %}{{ a }}",
     "{% for i in [1, 2] %}{{ i }} + {% endfor %}0", "{{ [1, 2] | join(', ') }}"]
)  # fmt: skip
CALLS = [
    "COUNT",
    "SUM",
    "COALESCE",
    "DATE_TRUNC",
    "DATEDIFF",
    "LISTAGG",
    "NVL",
    "NO_SUCH",
    "ROW_NUMBER",
]
OPERATORS = st.sampled_from(
    ["+", "-", "*", "/", "%", "||", "=", "<>", "<", "AND", "OR", "IS", "LIKE"]
)
TYPES = st.sampled_from(["int", "date", "text", "super", "decimal(3,9)", "nope"])


def _larger(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    two = st.tuples(inner, inner)
    return st.one_of(
        st.tuples(
            inner,
            OPERATORS,
            inner,
        ).map(" ".join),
        st.tuples(st.sampled_from(CALLS), st.lists(inner, max_size=3)).map(
            lambda c: f"{c[0]}({', '.join(c[1])})"
        ),
        two.map(lambda c: f"CASE WHEN {c[0]} THEN {c[1]} END"),
        st.tuples(inner, TYPES).map(lambda c: f"CAST({c[0]} AS {c[1]})"),
        two.map(lambda c: f"SUM({c[0]}) OVER (PARTITION BY {c[1]} ORDER BY {c[0]})"),
        two.map(lambda c: f"{c[0]} IN (SELECT {c[1]} FROM orders)"),
        inner.map(
            lambda e: f"(SELECT MAX({e}) FROM orders AS o WHERE o.order_id = orders.order_id)"
        ),
    )


VALUES = st.recursive(NAMES | LITERALS | FILLED | NAMES.map("o.{}".format), _larger, max_leaves=8)


@st.composite
def selects(draw: st.DrawFn) -> str:
    """One SELECT, with CTEs, joins and unions where it falls out so."""
    listed = draw(st.lists(st.tuples(VALUES, st.none() | NAMES), min_size=1, max_size=4))
    text = "SELECT " + ", ".join(f"{value} AS {name}" if name else value for value, name in listed)
    text += f" FROM {draw(NAMES)}" + draw(
        st.sampled_from(["", " AS o", ", paid", " NATURAL JOIN paid"])
    )
    for word in draw(st.lists(st.sampled_from(["JOIN", "LEFT JOIN", "CROSS JOIN"]), max_size=2)):
        text += (
            f" {word} {draw(NAMES)} ON {draw(VALUES)}"
            if word != "CROSS JOIN"
            else f" {word} orders"
        )
    for clause in ("WHERE", "GROUP BY", "HAVING", "ORDER BY", "LIMIT"):
        text += f" {clause} {draw(VALUES)}" if draw(st.integers(0, 3)) == 0 else ""
    if draw(st.integers(0, 4)) == 0:
        text = f"WITH {draw(NAMES)} AS ({draw(selects())}) {text}"
    return f"{text} UNION ALL {draw(selects())}" if draw(st.integers(0, 9)) == 0 else text


ODD = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.dates()
    | st.text(max_size=9)
    | VALUES,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=5,
)


@st.composite
def pipelines(draw: st.DrawFn) -> str:
    """The right pipeline with some of its values, keys and blocks replaced."""
    data: Any = yaml.safe_load(RIGHT)
    for _ in range(draw(st.integers(1, 3))):
        block, key = None, None
        inner = data
        while isinstance(inner, dict | list) and inner:
            block = inner
            keys = list(block) if isinstance(block, dict) else list(range(len(block)))
            key = draw(st.sampled_from(keys))
            inner = block[key]
            if draw(st.integers(0, 3)) == 0:
                break
        if block is None:
            break
        if draw(st.booleans()):
            block[key] = draw(ODD)
        elif isinstance(block, dict):
            block[draw(st.text(max_size=6) | st.sampled_from(["type", "sql", "where"]))] = (
                block.pop(key)
            )
        else:
            block.append(block[key])
    return yaml.safe_dump(data, allow_unicode=True, sort_keys=False)


FILES = st.one_of(
    selects().map(lambda text: {SQL: text}),
    pipelines().map(lambda text: {YAML: text}),
    st.tuples(pipelines(), selects()).map(lambda two: {YAML: two[0], SQL: two[1]}),
)


def main() -> None:
    right = {
        file.relative_to(SHOP).as_posix(): file.read_text("utf-8")
        for file in sorted(SHOP.rglob("*"))
        if file.is_file()
    }
    tried = 0
    with tempfile.TemporaryDirectory(prefix="etl-shaped-") as folder:
        fuzzer = Fuzzer(Path(folder))

        @settings(max_examples=int(sys.argv[1]), derandomize=True, database=None, deadline=None,
                  suppress_health_check=list(HealthCheck))  # fmt: skip
        @given(FILES)
        def lints(files: dict[str, str]) -> None:
            nonlocal tried
            tried += 1
            assert not (what := fuzzer.broken(right | files)), what

        lints()
    print(f"{tried:,} projects built from grammars: none broke lint")


if __name__ == "__main__":
    main()
