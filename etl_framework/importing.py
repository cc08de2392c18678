"""A source's YAML from what is there: a table of PostgreSQL as declared, a CSV file as it looks."""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from etl_framework.columns import ColumnType
from etl_framework.config.project import Project
from etl_framework.connections.files import Files
from etl_framework.connections.postgres import Postgres, our_errors
from etl_framework.errors import ConfigError, DataMissingError, did_you_mean
from etl_framework.sql.quote import literal, quote, quote_table

More = dict[str, str | bool]
SAMPLE = 100_000
# Texts that a YAML file reads as something else.
WORDS = ("y", "n", "yes", "no", "on", "off", "true", "false", "null")
LENGTHS = (5, 10, 20, 50, 100, 255, 1000, 4000, 65535)
CATALOGUE = """
SELECT a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull,
    EXISTS (SELECT 1 FROM pg_index AS i
            WHERE i.indrelid = a.attrelid AND i.indisprimary AND a.attnum = ANY (i.indkey))
FROM pg_attribute AS a
WHERE a.attrelid = to_regclass(%s) AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum
"""
TABLES = (
    "SELECT table_name FROM information_schema.tables "
    "WHERE table_schema NOT IN ('pg_catalog', 'information_schema')"
)


@dataclass(frozen=True)
class Found:
    """A column as it is there.

    :param type: ours; empty when there is none for it.
    :param was: the type there.
    """

    name: str
    type: str
    was: str
    required: bool = False
    primary_key: bool = False


def source_yaml(
    project: Project, environment: str | None, connection: str, what: str, name: str | None = None
) -> str:
    """The block of a source, as it stands under `sources:`.

    :param what: a table, or a pattern of files.
    :raises ConfigError: there is no such connection, or it is of a kind that sources do not read.
    :raises DataMissingError: there is no such table or file.
    """
    chosen = project.environment(environment)
    chosen.load_variables(project.root)
    if connection not in chosen.connections:
        hint = did_you_mean(connection, chosen.connections)
        raise ConfigError(f"there is no connection '{connection}'", hint=hint)
    found = chosen.connections[connection]
    if isinstance(found, Postgres):
        columns = _of_table(found, project.root, what)
        more: More = {"type": "postgres", "table": what}
    elif isinstance(found, Files):
        columns, sniffed = _of_csv(found, project.root, what)
        more = {"type": "csv", "path": what, **sniffed}
    else:
        raise ConfigError(f"'{connection}' holds neither tables of PostgreSQL nor files")
    return _block(name or _name(what), connection, more, columns)


def _of_table(connection: Postgres, root: Path, table: str) -> list[Found]:
    with closing(connection.connect(root)) as session, our_errors(), session.cursor() as cursor:
        cursor.execute(CATALOGUE, (quote_table(table),))
        rows = cursor.fetchall()
        if not rows:
            cursor.execute(TABLES)
            hint = did_you_mean(table, [name for (name,) in cursor.fetchall()])
            raise DataMissingError(f"there is no table '{table}'", hint=hint)
    return [Found(name, _type(was), was, required, key) for name, was, required, key in rows]


def _type(was: str) -> str:
    """Our type for PostgreSQL's; empty where there is none."""
    known = {
        "character varying": "varchar", "character": "char", "uuid": "varchar(36)",
        "timestamp without time zone": "timestamp", "timestamp with time zone": "timestamptz",
        "numeric": "decimal(38,9)", "json": "varchar", "jsonb": "varchar", "text": "varchar",
    }  # fmt: skip
    plain = re.sub(r"timestamp\(\d\)", "timestamp", was)
    match = re.fullmatch(r"([a-z ]+?)(\([\d,]+\))?", plain)
    name = match[1] if match else plain
    arguments = (match[2] or "") if match else ""
    ours = "decimal" if name == "numeric" and arguments else known.get(name, name)
    try:
        return str(ColumnType.parse(ours + arguments))
    except ValueError:
        return ""


def _of_csv(connection: Files, root: Path, pattern: str) -> tuple[list[Found], More]:
    import duckdb

    with tempfile.TemporaryDirectory(prefix="etl-import-") as here, duckdb.connect() as session:
        files = connection.files(root, pattern, Path(here))
        if not files:
            raise DataMissingError(f"no file matches '{pattern}'")
        connection.fetch(files[:1])
        file = literal(str(files[0].path))
        try:
            sniffed = session.execute(
                f"SELECT Delimiter, Quote, HasHeader FROM sniff_csv({file}, sample_size = {SAMPLE})"
            ).fetchone()
            rows = f"read_csv({file}, sample_size = {SAMPLE})"
            described = session.execute(f"DESCRIBE SELECT * FROM {rows}").fetchall()
            widths = (f"max(strlen(CAST({quote(str(row[0]))} AS VARCHAR)))" for row in described)
            sizes = session.execute(
                f"SELECT {', '.join(widths)} FROM (FROM {rows} LIMIT {SAMPLE})"
            ).fetchone()
        except duckdb.Error as error:
            text = str(error).split("\n")[0]
            raise DataMissingError(f"{files[0].name} does not read as CSV: {text}") from error
    assert sniffed and sizes
    more: More = {} if sniffed[0] == "," else {"delimiter": str(sniffed[0])}
    if not sniffed[2]:
        more["header"] = False
    columns = [
        Found(str(row[0]), _sniffed(str(row[1]), size or 0), str(row[1]))
        for row, size in zip(described, sizes, strict=True)
    ]
    return columns, more


def _sniffed(was: str, size: int) -> str:
    """Our type for one that DuckDB sniffed; texts with room for twice the longest."""
    if was == "VARCHAR":
        return f"varchar({next(length for length in LENGTHS if length >= min(2 * size, 65535))})"
    found = ColumnType.of_duckdb(was.lower())
    return str(found) if found else "varchar"


def _name(what: str) -> str:
    """What a relation of a table or of files may be called."""
    words = re.findall(r"[a-z0-9_]+", re.sub(r"\{\{.*?\}\}|\.\w+$", "", what.lower()))
    word = words[-1] if words else "source"
    return word if word[0].isalpha() else f"s_{word}"


def _block(name: str, connection: str, more: More, columns: Sequence[Found]) -> str:
    lines = [f"  {name}:", f"    type: {more.pop('type')}", f"    connection: {connection}"]
    lines += [f"    {key}: {scalar(value)}" for key, value in more.items()]
    lines.append("    columns:")
    for column in columns:
        if not column.type:
            lines.append(f"      # {column.name}: no type here holds {column.was}")
            continue
        type_ = f'"{column.type}"' if "," in column.type else column.type
        extra = ", primary_key: true" if column.primary_key else ""
        extra += ", required: true" if column.required and not column.primary_key else ""
        lines.append(f"      - {{name: {scalar(column.name)}, type: {type_}{extra}}}")
    return "\n".join(lines) + "\n"


def scalar(value: str | bool) -> str:
    """A value as YAML, quoted where it has to be."""
    if isinstance(value, bool):
        return str(value).lower()
    plain = re.fullmatch(r"[A-Za-z_][\w./*()-]*( [\w.]+)*", value, re.ASCII)
    return value if plain and value.lower() not in WORDS else json.dumps(value, ensure_ascii=False)
