"""Make the tables and the queries of TPC-H and TPC-DS, with the generators that DuckDB has.

`__main__.py` runs this in an environment of its own: the generators come as extensions, each for
one version of DuckDB. The other halves of four queries of TPC-DS come from another package.
"""

from __future__ import annotations

import argparse
import json
from importlib import import_module
from importlib.resources import files
from pathlib import Path

import duckdb
from columns import column_type, primary_key

GENERATORS = {"tpch": "dbgen", "tpcds": "dsdgen"}
# DuckDB has one half of the queries that have two; these are the others.
HALVES = ("q14b", "q23a", "q24b", "q39b")


def generate(suite: str, scale: float, folder: Path) -> None:
    """Write the tables of a suite as CSV and as Parquet, its columns as JSON, and its queries."""
    folder.mkdir(parents=True)
    (folder / "queries").mkdir()
    with duckdb.connect() as session:
        extension = f"{suite}.duckdb_extension"
        package = Path(str(import_module(f"duckdb_extension_{suite}").__file__)).parent
        session.execute(f"LOAD '{next(package.rglob(extension))}'")
        session.execute(f"CALL {GENERATORS[suite]}(sf = {scale})")
        tables = {}
        for (table,) in session.execute("SHOW TABLES").fetchall():
            described = session.execute(f"DESCRIBE {table}").fetchall()
            names = [row[0] for row in described]
            types = {row[0]: column_type(suite, row[0], row[1]) for row in described}
            tables[table] = {"columns": types, "key": primary_key(table, names)}
            values = ", ".join(
                f"CAST({name} AS {type_}) AS {name}" for name, type_ in types.items()
            )
            for form in ("CSV", "PARQUET"):
                target = f"{folder}/{table}.{form.lower()}"
                session.execute(
                    f"COPY (SELECT {values} FROM {table}) TO '{target}' (FORMAT {form})"
                )
        (folder / "tables.json").write_text(json.dumps(tables), encoding="utf-8")
        for number, sql in session.execute(f"FROM {suite}_queries()").fetchall():
            (folder / f"queries/q{number:02}.sql").write_text(sql, encoding="utf-8")
    for name in HALVES if suite == "tpcds" else ():
        sql = (files("resources") / f"queries/{name}.sql").read_text(encoding="utf-8")
        (folder / f"queries/{name}.sql").write_text(sql, encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("scale", type=float)
    arguments = parser.parse_args()
    for suite in GENERATORS:
        generate(suite, arguments.scale, arguments.folder / suite)


if __name__ == "__main__":
    main()
