"""Propose the columns and keys with which a source reads CSV files and loses nothing."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from etl_framework.authoring.catalogue import SourceColumn
from etl_framework.authoring.csv.encoding import encoding_of
from etl_framework.authoring.csv.given import Given
from etl_framework.authoring.csv.look import Look, look
from etl_framework.authoring.csv.marks import LONGEST, Fit, fit_of
from etl_framework.authoring.csv.nulls import Typed, typed
from etl_framework.authoring.csv.sample import MOST_BYTES, Sample, sample, size
from etl_framework.authoring.csv.trial import Place, rejected
from etl_framework.authoring.names import name_for
from etl_framework.columns import RESERVED
from etl_framework.connections.files import File, Files
from etl_framework.engines.duckdb.session import Database
from etl_framework.errors import DataMissingError
from etl_framework.project.workspace import Workspace
from etl_framework.sources.csv.dialect import Dialect

if TYPE_CHECKING:
    import duckdb

Value = str | bool | int | list[str]
Keys = dict[str, Value]
USUAL = Dialect()
# Redshift and PostgreSQL have no wider tables, and a run with more needs much memory.
MOST_COLUMNS = 1600


@dataclass(frozen=True)
class Proposal:
    """The columns of a source, its other keys, and comments for the user."""

    columns: list[SourceColumn]
    keys: Keys
    notes: list[str]


def propose(workspace: Workspace, connection: Files, path: str, given: Given) -> Proposal:
    """Look at the files of a path and return what reads them.

    :param workspace: says how much memory a run has.
    :param path: may contain the data interval.
    :raises ConfigError: what is given cannot be.
    :raises DataMissingError: there is no such file, or a source cannot read the files.
    """
    given.refuse_wrong()
    with tempfile.TemporaryDirectory(prefix="etl-import-") as here:
        chosen = sample(connection, workspace.root, path, Path(here) / "fetched")
        with _session(workspace, Path(here), chosen.files) as session:
            encoding = encoding_of(chosen.files, given.encoding)
            fit, seen = _seen(session, chosen.files, encoding, given)
            found = typed(session, chosen.files, fit, seen, given)
            proposal = _written(path, chosen, fit, found)
            if size(chosen.files) > MOST_BYTES or not found.look.rows:
                return proposal
            place = Place(workspace.root, connection, Path(here) / "trial")
            block = _block(proposal, connection, path)
            note = rejected(session, block, chosen.files, place)
            if any(column.note.startswith("rejects ") for column in proposal.columns):
                return proposal
            return replace(proposal, notes=[*proposal.notes, *filter(None, [note])])


@contextmanager
def _session(
    workspace: Workspace, here: Path, files: Sequence[File]
) -> Iterator[duckdb.DuckDBPyConnection]:
    fetched = dict.fromkeys(file.path.parent for file in files)
    folders = [here / "fetched", here / "trial", *fetched]
    limits = workspace.environment.memory_limit, workspace.environment.threads
    engine = Database(*limits, here / "spill", "UTC", folders)
    session = engine.session()
    try:
        yield session
    finally:
        session.close()
        engine.close()


def _seen(
    session: duckdb.DuckDBPyConnection, files: Sequence[File], encoding: str, given: Given
) -> tuple[Fit, Look]:
    """How the files are written, and what is in them."""
    filled = next((file for file in files if file.path.stat().st_size), files[0])
    fit = _skipping(filled, fit_of(filled, encoding, given))
    seen = look(session, files, fit.dialect, fit.width, given.header)
    if seen.odd and given.quote is None:
        # A quote that is none may stand behind the start of the file.
        delimited = replace(given, delimiter=fit.dialect.delimiter)
        better = fit_of(seen.odd, encoding, delimited, looked_at=8 * LONGEST)
        better = replace(better, dialect=replace(better.dialect, skip=fit.dialect.skip))
        if better.dialect != fit.dialect:
            return better, look(session, files, better.dialect, better.width, given.header)
    return fit, seen


def _skipping(file: File, fit: Fit) -> Fit:
    """The same way of writing, without the lines before the rows.

    :raises DataMissingError: the only line before them names another number of columns.
    """
    if fit.before == 1 and fit.first > 1:
        values = f"{fit.width} value{'s' if fit.width > 1 else ''}"
        message = f"{file.name}:1:1: the header has {fit.first} names, and most rows have {values}"
        raise DataMissingError(message, hint="write a name for each value, and a value for each")
    return replace(fit, dialect=replace(fit.dialect, skip=fit.before))


def _written(path: str, chosen: Sample, fit: Fit, found: Typed) -> Proposal:
    seen, dialect = found.look, fit.dialect
    keys: Keys = {}
    for key in ("delimiter", "quote", "escape", "encoding"):
        if getattr(dialect, key) != getattr(USUAL, key):
            keys[key] = getattr(dialect, key)
    if dialect.skip:
        keys["skip"] = dialect.skip
    if seen.header is False:
        keys["header"] = False
    if found.nulls:
        keys["null_values"] = list(found.nulls)
    notes = [chosen.note or (f"made from the first {MOST_BYTES >> 20} MB" if seen.is_cut else "")]
    if not seen.rows:
        keys["may_be_empty"] = True
    elif seen.header is None:
        notes.append("the first line is taken for names; if it is a row: --no-header")
    columns = list(_columns(found))
    if left_out := sum(column.is_left_out for column in columns):
        what = f"the last {left_out} columns are comments: a table holds {MOST_COLUMNS:,} columns"
        notes.append(f"{what} in Redshift and PostgreSQL")
    if not any(column.name for column in columns):
        if all(count < seen.files for count in seen.in_files.values()):
            message = f"the {seen.files} files of '{path}' have no column in common"
            raise DataMissingError(message, hint="give a path whose files have the same columns")
        message = f"no column of '{path}' has a name of its own"
        raise DataMissingError(message, hint="for a file without a header: --no-header")
    return Proposal(columns, keys, [note for note in notes if note])


def _columns(found: Typed) -> Iterator[SourceColumn]:
    """The columns; one that cannot be declared has no name, and a note that says why."""
    seen, taken = found.look, set(RESERVED)
    for number, (name, choice) in enumerate(found.choices.items(), start=1):
        facts = seen.columns[name]
        if name[1:] in seen.doubled and name.startswith("\0"):
            note = f"{name[1:]}: several columns are called so, and cannot be told apart"
            yield SourceColumn("", "", "", note=note)
        elif "\0" in name[1:]:
            yield SourceColumn("", "", "", note=f"{name}: no column can be called so")
        elif name.startswith("\0"):
            if facts.filled or facts.nulls:
                note = f"column {number} has no name in the header, so it cannot be read"
                yield SourceColumn("", "", "", note=note)
        elif seen.in_files[name] < seen.files:
            count = f"{seen.in_files[name]} of {seen.files} files"
            yield SourceColumn("", "", "", note=f"{name}: only {count} have this column")
        else:
            here = name_for(name, taken)
            there = name if name != here else ""
            left_out = len(taken) > MOST_COLUMNS + len(RESERVED)
            yield SourceColumn(
                here, choice.type, "", note=choice.note, is_left_out=left_out, there=there
            )


def _block(proposal: Proposal, connection: Files, path: str) -> dict[str, object]:
    columns = [
        {
            "name": column.name,
            "type": column.type,
            **({"from": column.there} if column.there else {}),
        }
        for column in proposal.columns
        if column.name and not column.is_left_out
    ]
    return {"type": "csv", "connection": "files", "path": path, **proposal.keys, "columns": columns}
