"""Make a source's YAML: from a table of PostgreSQL, or from the content of a CSV file."""

from __future__ import annotations

import json
import re
from dataclasses import replace

from etl_framework.authoring.catalogue import SourceColumn, columns_of_table
from etl_framework.authoring.csv.given import Given
from etl_framework.authoring.csv.proposal import Proposal, Value, propose
from etl_framework.authoring.names import name_for
from etl_framework.columns import RESERVED, TABLE_NAME
from etl_framework.connections.files import Files
from etl_framework.connections.postgres import Postgres
from etl_framework.errors import ConfigError
from etl_framework.project.project import Project

NOTHING_GIVEN = Given()
# Texts that YAML reads as something else.
WORDS = ("y", "n", "yes", "no", "on", "off", "true", "false", "null")


def source_yaml(
    project: Project,
    environment: str | None,
    connection: str,
    what: str,
    name: str | None = None,
    given: Given = NOTHING_GIVEN,
) -> str:
    """Return the block of a source, as it stands under `sources:`.

    :param what: a table, or a pattern of files.
    :param given: how the files are written, if the user says so.
    :raises ConfigError: there is no such connection, or sources do not read from its kind.
    :raises DataMissingError: there is no such table or file, or a source cannot read it.
    """
    workspace = project.workspace(environment)
    place = workspace.connection(connection)
    if isinstance(place, Postgres):
        proposal = _of_table(place, project, what, given)
        head: dict[str, Value] = {"type": "postgres", "connection": connection, "table": what}
    elif isinstance(place, Files):
        proposal = propose(workspace, place, what, given)
        head = {"type": "csv", "connection": connection, "path": what}
    else:
        raise ConfigError(f"'{connection}' holds neither tables of PostgreSQL nor files")
    name = name or _name(what, of_files=isinstance(place, Files))
    return _block(name, {**head, **proposal.keys}, proposal)


def _of_table(place: Postgres, project: Project, table: str, given: Given) -> Proposal:
    if given != NOTHING_GIVEN:
        raise ConfigError("a table has no encoding, delimiter, quotes, header or words for nothing")
    if not re.fullmatch(TABLE_NAME, table):
        hint = "read a view that is called otherwise: letters, digits and _"
        raise ConfigError(f"a source cannot read a table called '{table}'", hint=hint)
    taken = set(RESERVED)
    columns = [_readable(column, taken) for column in columns_of_table(place, project.root, table)]
    if not any(column.name for column in columns):
        hint = "read a view that gives them other names and types"
        raise ConfigError(f"no column of '{table}' can be read by a source", hint=hint)
    return Proposal(columns, {}, [])


def _readable(column: SourceColumn, taken: set[str]) -> SourceColumn:
    """The column by a name that it may have here, or one without a name and a note that says why.

    :param taken: the names of columns so far, in lower case; that of this one is added.
    """
    if not column.type:
        note = f"{column.name}: no type here holds {column.was}"
        return SourceColumn("", "", column.was, note=note)
    here = name_for(column.name, taken)
    return column if here == column.name else replace(column, name=here, there=column.name)


def _name(what: str, *, of_files: bool) -> str:
    """Return a name for the relation of a table or of files."""
    end = r"\{\{.*?\}\}|(\.\w+)+\*?$" if of_files else r".*\."
    words = re.findall(r"[a-z0-9_]+", re.sub(end, "", what.lower()))
    word = (words[-1] if words else "source")[:60]
    return word if word[0].isalpha() else f"s_{word}"


def _block(name: str, keys: dict[str, Value], proposal: Proposal) -> str:
    lines = [f"  {name}:", *(f"    # {_printable(note)}" for note in proposal.notes)]
    lines += [f"    {key}: {scalar(value)}" for key, value in keys.items()]
    lines.append("    columns:")
    return "\n".join([*lines, *map(_line, proposal.columns)]) + "\n"


def _line(column: SourceColumn) -> str:
    """A column as a line of YAML; one without a name is a comment."""
    if not column.name:
        return f"      # {_printable(column.note)}"
    type_ = json.dumps(column.type) if "," in column.type else column.type
    extra = ", primary_key: true" if column.primary_key else ""
    extra += ", required: true" if column.required and not column.primary_key else ""
    note = f"  # {_printable(column.note)}" if column.note else ""
    start = "# - " if column.is_left_out else "- "
    extra = f", from: {scalar(column.there)}{extra}" if column.there else extra
    return f"      {start}{{name: {scalar(column.name)}, type: {type_}{extra}}}{note}"


def _printable(text: str) -> str:
    """A text on one line, with escapes for what YAML does not allow."""
    escaped = (c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
    return "".join(escaped)


def scalar(value: Value) -> str:
    """Return a value as YAML, quoted if necessary."""
    if isinstance(value, bool | int):
        return str(value).lower()
    if isinstance(value, list):
        return f"[{', '.join(map(scalar, value))}]"
    plain = re.fullmatch(r"[A-Za-z_][\w./*()-]*( [\w.]+)*", value, re.ASCII)
    if plain and value.lower() not in WORDS:
        return value
    return json.dumps(value, ensure_ascii=not value.isprintable())
