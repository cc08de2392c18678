"""Projects of many pipelines, each two sources and three KPIs: ours, dbt's and SQLMesh's.

The same relations, columns, checks and SELECTs; only what names a table or a date differs.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from textwrap import indent

SEED = 7
THINGS = ("order", "visit", "claim", "ticket", "rental", "payment", "delivery", "booking", "call")
WHO = ("customer", "driver", "patient", "agent", "member", "branch", "supplier")
GROUPS = ("region", "segment", "country", "channel", "plan", "category", "status")
AMOUNTS = ("amount", "price", "fee", "discount", "tax", "weight", "distance")
Reference = Callable[[str], str]


@dataclass(frozen=True)
class Shape:
    """What one pipeline is about: names of its tables and columns, drawn by chance."""

    name: str
    thing: str
    who: str
    group: str
    amount: str
    other: str
    limit: int

    @property
    def events(self) -> str:
        return f"{self.thing}s_{self.name}"

    @property
    def people(self) -> str:
        return f"{self.who}s_{self.name}"

    def sources(self) -> dict[str, dict[str, str]]:
        """Column to type, by table."""
        events = {f"{self.thing}_id": "integer", f"{self.who}_id": "integer",
                  self.amount: "decimal(12,2)", self.other: "decimal(12,2)",
                  "state": "varchar(20)", "made_at": "timestamp"}  # fmt: skip
        people = {f"{self.who}_id": "integer", self.group: "varchar(40)", "since": "date"}
        return {self.events: events, self.people: people}

    def kpis(self) -> dict[str, dict[str, str]]:
        """Column to type, by KPI."""
        total, n = f"total_{self.amount}", f"{self.thing}_count"
        return {
            f"by_{self.group}_{self.name}": {
                self.group: "varchar(40)", n: "bigint", total: "decimal(38,2)",
                f"{self.other}_rate": "decimal(18,4)"},
            f"daily_{self.name}": {"day": "date", n: "bigint", f"{self.who}_count": "bigint",
                                   total: "decimal(38,2)"},
            f"top_{self.name}": {self.group: "varchar(40)", f"{self.who}_id": "integer",
                                 total: "decimal(38,2)", "place": "bigint"},
        }  # fmt: skip

    def sql(self, of: Reference, start: str, end: str) -> list[str]:
        """The SELECT of each KPI, in their order."""
        events, people = of(self.events), of(self.people)
        key, total = f"{self.who}_id", f"total_{self.amount}"
        return [
            f"""SELECT
    p.{self.group},
    COUNT(*) AS {self.thing}_count,
    SUM(e.{self.amount}) AS {total},
    CAST(SUM(e.{self.other}) / NULLIF(SUM(e.{self.amount}), 0) AS DECIMAL(18, 4))
        AS {self.other}_rate
FROM {events} AS e
JOIN {people} AS p ON p.{key} = e.{key}
WHERE e.state <> 'cancelled' AND e.{self.amount} > {self.limit}
GROUP BY p.{self.group}
""",
            f"""SELECT
    CAST(made_at AS DATE) AS day,
    COUNT(DISTINCT {self.thing}_id) AS {self.thing}_count,
    COUNT(DISTINCT {key}) AS {self.who}_count,
    SUM(CASE WHEN state = 'done' THEN {self.amount} - COALESCE({self.other}, 0) ELSE 0 END)
        AS {total}
FROM {events}
WHERE made_at >= {start} AND made_at < {end}
GROUP BY CAST(made_at AS DATE)
""",
            f"""WITH totals AS (
    SELECT p.{self.group}, p.{key}, SUM(e.{self.amount}) AS {total}
    FROM {events} AS e
    JOIN {people} AS p ON p.{key} = e.{key}
    GROUP BY p.{self.group}, p.{key}
),
ranked AS (
    SELECT
        {self.group},
        {key},
        {total},
        ROW_NUMBER() OVER (PARTITION BY {self.group} ORDER BY {total} DESC, {key}) AS place
    FROM totals
)
SELECT {self.group}, {key}, {total}, place
FROM ranked
WHERE place <= {self.limit}
""",
        ]


def shapes(count: int) -> list[Shape]:
    """So many, the same for the same count."""
    dice = random.Random(SEED)
    found = []
    for number in range(count):
        amount, other = dice.sample(AMOUNTS, 2)
        drawn = (dice.choice(words) for words in (THINGS, WHO, GROUPS))
        found.append(Shape(f"p{number:04}", *drawn, amount, other, dice.randint(2, 99)))
    return found


def write_ours(root: Path, count: int) -> None:
    """A project of this framework."""
    _write(root / "environments.yml", ENVIRONMENTS)
    for shape in shapes(count):
        events, people = shape.sources()
        lines = [f"name: {shape.name}", f"description: Each {shape.thing} of a {shape.who}.",
                 "owner: analytics", 'schedule: "0 3 * * *"', "start_date: 2024-06-25",
                 "sources:"]  # fmt: skip
        for table, columns in shape.sources().items():
            kind = "{type: csv, connection: lake, path: %s/*.csv}" % table  # noqa: UP031
            lines += [f"  {table}:", *_block(kind), "    columns:"]
            for name, type_ in columns.items():
                more = ", primary_key: true" if name == next(iter(columns)) else ""
                lines.append(f'      - {{name: {name}, type: "{type_}"{more}}}')
            if table == events:
                lines += ["    checks:", f"      - {{type: not_null, columns: [{shape.who}_id]}}",
                          f"      - {{type: relationships, column: {shape.who}_id, "
                          f"to: {people}.{shape.who}_id, severity: warning}}"]  # fmt: skip
        lines.append("kpis:")
        selects = shape.sql(str, "{{ interval.start }}", "{{ interval.end }}")
        for (name, columns), sql in zip(shape.kpis().items(), selects, strict=True):
            first = next(iter(columns))
            lines += [
                f"  {name}:",
                f"    description: One row per {first}.",
                f"    sql: {shape.name}/{name}.sql",
                f"    target: {{connection: warehouse, table: {name}}}",
                "    columns:",
                *(f'      - {{name: {n}, type: "{t}"}}' for n, t in columns.items()),
                "    checks:",
                f"      - {{type: not_null, columns: [{first}]}}",
            ]
            _write(root / f"sql_templates/{shape.name}/{name}.sql", f"-- {name}\n{sql}")
        _write(root / f"pipelines/{shape.name}.yml", "\n".join(lines) + "\n")


def _block(flow: str) -> list[str]:
    return [f"    {part.strip()}" for part in flow.strip("{}").split(",")]


def write_dbt(root: Path, count: int) -> None:
    """A project of dbt, on DuckDB."""
    _write(root / "dbt_project.yml", DBT_PROJECT)
    _write(root / "profiles.yml", DBT_PROFILE)
    for shape in shapes(count):
        folder = root / "models" / shape.name
        lines = ["version: 2", "sources:", f"  - name: {shape.name}", "    tables:"]
        for table, columns in shape.sources().items():
            lines += [f"      - name: {table}", "        columns:"]
            for name, type_ in columns.items():
                lines.append(f'          - {{name: {name}, data_type: "{type_}"}}')
                if name == next(iter(columns)):
                    lines[-1] = lines[-1][:-1] + ", data_tests: [unique, not_null]}"
        lines.append("models:")
        reference = f"{{{{ source('{shape.name}', '%s') }}}}".__mod__
        selects = shape.sql(reference, "'{{ var(\"start\") }}'", "'{{ var(\"end\") }}'")
        for (name, columns), sql in zip(shape.kpis().items(), selects, strict=True):
            first = next(iter(columns))
            lines += [f"  - name: {name}", f"    description: One row per {first}.",
                      "    config: {materialized: table, contract: {enforced: true}}",
                      "    columns:"]  # fmt: skip
            for column, type_ in columns.items():
                tests = ", data_tests: [not_null]" if column == first else ""
                lines.append(f'      - {{name: {column}, data_type: "{type_}"{tests}}}')
            _write(folder / f"{name}.sql", f"-- {name}\n{sql}")
        _write(folder / "schema.yml", "\n".join(lines) + "\n")


def write_sqlmesh(root: Path, count: int) -> None:
    """A project of SQLMesh, on DuckDB, with the rules of its linter switched on."""
    _write(root / "config.yaml", SQLMESH)
    external = []
    for shape in shapes(count):
        for table, columns in shape.sources().items():
            external += [f"- name: raw.{table}", "  columns:"]
            external += [f"    {name}: {type_}" for name, type_ in columns.items()]
        selects = shape.sql(lambda table: f"raw.{table}", "@start_day", "@end_day")
        for (name, columns), sql in zip(shape.kpis().items(), selects, strict=True):
            first = next(iter(columns))
            listed = indent(",\n".join(f"{n} {t}" for n, t in columns.items()), "    ")
            head = (f"MODEL (\n  name {shape.name}.{name},\n  kind FULL,\n  owner analytics,\n"
                    f"  description 'One row per {first}.',\n  columns (\n{listed}\n  ),\n"
                    f"  audits (not_null(columns := ({first})))\n);\n\n")  # fmt: skip
            _write(root / f"models/{shape.name}/{name}.sql", head + sql)
    _write(root / "external_models.yaml", "\n".join(external) + "\n")


def _write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")


ENVIRONMENTS = """default: local
environments:
  local:
    connections:
      lake: {type: directory, path: lake}
      warehouse: {type: duckdb, path: .etl/warehouse.duckdb}
"""
DBT_PROJECT = """name: many
version: "1.0"
profile: many
model-paths: [models]
vars: {start: "2024-06-25", end: "2024-06-26"}
"""
DBT_PROFILE = """many:
  target: dev
  outputs:
    dev: {type: duckdb, path: many.duckdb, threads: 2}
"""
SQLMESH = """gateways:
  local:
    connection: {type: duckdb, database: many.duckdb}
default_gateway: local
model_defaults: {dialect: redshift, start: 2024-06-25}
variables: {start_day: "2024-06-25", end_day: "2024-06-26"}
linter:
  enabled: true
  rules: [ambiguousorinvalidcolumn, invalidselectstarexpansion, noselectstar, nomissingaudits]
"""
