"""Make a source's YAML: from a table of PostgreSQL, or from the content of a CSV file."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from etl_framework.authoring.catalogue import SourceColumn, columns_of_table
from etl_framework.authoring.sniff_csv import More, columns_of_csv
from etl_framework.columns import TABLE_NAME
from etl_framework.connections.files import Files
from etl_framework.connections.postgres import Postgres
from etl_framework.errors import ConfigError
from etl_framework.project.project import Project

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,126}", re.ASCII)
# Texts that YAML reads as something else.
WORDS = ("y", "n", "yes", "no", "on", "off", "true", "false", "null")


def source_yaml(
    project: Project, environment: str | None, connection: str, what: str, name: str | None = None
) -> str:
    """Return the block of a source, as it stands under `sources:`.

    :param what: a table, or a pattern of files.
    :raises ConfigError: there is no such connection, or sources do not read from its kind.
    :raises DataMissingError: there is no such table or file.
    """
    place = project.workspace(environment).connection(connection)
    if isinstance(place, Postgres):
        if not re.fullmatch(TABLE_NAME, what):
            hint = "read a view that is called otherwise: letters, digits and _"
            raise ConfigError(f"a source cannot read a table called '{what}'", hint=hint)
        columns = columns_of_table(place, project.root, what)
        more: More = {"type": "postgres", "table": what}
    elif isinstance(place, Files):
        columns, sniffed = columns_of_csv(place, project.root, what)
        more = {"type": "csv", "path": what, **sniffed}
    else:
        raise ConfigError(f"'{connection}' holds neither tables of PostgreSQL nor files")
    name = name or _name(what, of_files=isinstance(place, Files))
    return _block(name, connection, more, columns)


def _name(what: str, *, of_files: bool) -> str:
    """Return a name for the relation of a table or of files."""
    end = r"\{\{.*?\}\}|(\.\w+)+\*?$" if of_files else r".*\."
    words = re.findall(r"[a-z0-9_]+", re.sub(end, "", what.lower()))
    word = (words[-1] if words else "source")[:60]
    return word if word[0].isalpha() else f"s_{word}"


def _block(name: str, connection: str, more: More, columns: Sequence[SourceColumn]) -> str:
    lines = [f"  {name}:", f"    type: {more.pop('type')}", f"    connection: {connection}"]
    lines += [f"    {key}: {scalar(value)}" for key, value in more.items()]
    lines.append("    columns:")
    for column in columns:
        shown = " ".join(column.name.split())
        if not column.type:
            lines.append(f"      # {shown}: no type here holds {column.was}")
            continue
        if not NAME.fullmatch(column.name):
            lines.append(f"      # {shown}: no column here can be called so")
            continue
        type_ = json.dumps(column.type) if "," in column.type else column.type
        extra = ", primary_key: true" if column.primary_key else ""
        extra += ", required: true" if column.required and not column.primary_key else ""
        note = f"  # {column.note}" if column.note else ""
        lines.append(f"      - {{name: {scalar(column.name)}, type: {type_}{extra}}}{note}")
    return "\n".join(lines) + "\n"


def scalar(value: str | bool) -> str:
    """Return a value as YAML, quoted if necessary."""
    if isinstance(value, bool):
        return str(value).lower()
    plain = re.fullmatch(r"[A-Za-z_][\w./*()-]*( [\w.]+)*", value, re.ASCII)
    return value if plain and value.lower() not in WORDS else json.dumps(value, ensure_ascii=False)
