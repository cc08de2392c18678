"""Read corrections of rejected rows from a CSV file that names the rows by their ids."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from etl_framework.columns import MASK, Column
from etl_framework.errors import ConfigError, Diagnostic, did_you_mean
from etl_framework.interval import DataInterval
from etl_framework.quarantine.rows import Quarantine, Rejected, Selection
from etl_framework.sources.base import Source
from etl_framework.sql.planner import scratch
from etl_framework.sql.text_form import TextForm
from etl_framework.sql.typed_texts import refusal, typed
from etl_framework.storage.decisions import Decision, Values
from etl_framework.storage.rejected import PARSE

ID = "etl_id"
# Columns with this prefix are only for people to read.
OURS = "etl_"

Made = dict[DataInterval, dict[str, Decision]]


@dataclass(frozen=True)
class _Line:
    """A line of the file.

    :param number: the line's number in the file.
    :param id: the id of the rejected row.
    :param texts: the cells, by column; None for an empty cell.
    """

    number: int
    id: str
    texts: Values


def listing(
    rows: Sequence[Rejected], columns: Sequence[str]
) -> tuple[list[str], list[list[str | None]]]:
    """Return the header and lines of a file of rejected rows, which `corrections_in` can read."""
    heads = [ID, "etl_rule", "etl_reason", *columns]
    return heads, [
        [row.id, row.rule, row.reason, *(row.values.get(name) for name in columns)] for row in rows
    ]


def corrections_in(file: Path, quarantine: Quarantine) -> Made:
    """Read the corrections in a CSV file: the cells that differ from the rejected rows.

    A row that an earlier correction let in is not rejected any more: its cells are compared with
    that correction.

    An empty cell means that the row has no value in this column.

    :param file: its header has `etl_id` and columns of the source, then follows a line for each
        row.
    :returns: the corrections by data interval and id, without rows that have no difference.
    :raises ConfigError: the file has problems; the error names all of them.
    """
    source = quarantine.pipeline.sources.get(quarantine.relation)
    if source is None:
        raise ConfigError(
            f"'{quarantine.relation}' is no source, so its rows cannot be corrected",
            hint="correct the rows of the sources that it is made of",
        )
    columns = source.staged
    header, lines = _read(file, [column.name for column in columns])
    rejected_by_id: dict[str, list[Rejected]] = {}
    for row in quarantine.rows(Selection(ids=[line.id for line in lines])):
        rejected_by_id.setdefault(row.id, []).append(row)
    corrected = quarantine.corrected({line.id for line in lines} - rejected_by_id.keys())
    problems = [
        Diagnostic(
            str(file),
            line.number,
            header.index(ID) + 1,
            ConfigError.code,
            f"no rejected row of '{quarantine.relation}' has the id '{line.id}'",
            f"list them with: etl quarantine show {quarantine.relation}",
        )
        for line in lines
        if line.id not in rejected_by_id and line.id not in corrected
    ]
    problems += _masked(str(file), header, source, lines, rejected_by_id)
    problems += _in_the_cluster(str(file), quarantine, lines, rejected_by_id)
    made: Made = {}
    wanted = []
    for line in lines:
        known = {row.interval: (row.rule, row.values) for row in rejected_by_id.get(line.id, ())}
        known |= {i: (d.rule, d.values or {}) for i, d in corrected.get(line.id, {}).items()}
        for interval, (rule, texts) in known.items():
            original = {column.name: texts.get(column.name) for column in columns}
            changes = {n: t for n, t in line.texts.items() if t not in (original[n], MASK)}
            if changes:
                values = original | changes
                wanted.append(_Line(line.number, line.id, values))
                made.setdefault(interval, {})[line.id] = Decision(rule, values)
    for line, index, reason in _refused(wanted, columns, source.form):
        name = columns[index].name
        column = header.index(name) + 1 if name in header else 1
        text = f"{name}: {reason}"
        problems.append(Diagnostic(str(file), line.number, column, ConfigError.code, text))
    if problems:
        raise ConfigError(sorted(set(problems)))
    return made


def _masked(
    path: str,
    header: Sequence[str],
    source: Source,
    lines: Sequence[_Line],
    rejected_by_id: Mapping[str, list[Rejected]],
) -> Iterator[Diagnostic]:
    """Yield a problem for every changed cell of a masked column: what is typed there is no mask."""
    masked = [column.name for column in source.columns if column.is_masked]
    for line in lines:
        for row in rejected_by_id.get(line.id, ()):
            for name in masked:
                if line.texts.get(name) not in (None, MASK, row.values.get(name)):
                    message = f"values of '{name}' are masked, so that none can be corrected here"
                    hint = "correct it where it comes from, and replay without --with"
                    place = path, line.number, header.index(name) + 1
                    yield Diagnostic(*place, ConfigError.code, message, hint)


def _in_the_cluster(
    path: str,
    quarantine: Quarantine,
    lines: Sequence[_Line],
    rejected_by_id: Mapping[str, list[Rejected]],
) -> Iterator[Diagnostic]:
    """Yield a problem for every row that broke a check in a cluster.

    Rows of a table in a cluster have no position, so a corrected row cannot replace one.
    """
    if quarantine.engine.corrects_quarantined:
        return
    for line in lines:
        for row in rejected_by_id.get(line.id, ()):
            if row.rule != PARSE:
                message = f"the row broke '{row.rule}' in the cluster, where it has no place"
                hint = "correct it where it comes from, and replay without --with"
                yield Diagnostic(path, line.number, 1, ConfigError.code, message, hint)


def _read(file: Path, columns: Sequence[str]) -> tuple[list[str], list[_Line]]:
    try:
        with file.open(encoding="utf-8-sig", newline="") as text:
            return _parsed(str(file), csv.reader(text, strict=True), columns)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ConfigError(f"{file} cannot be read: {error}") from error


def _parsed(
    path: str, rows: Iterator[list[str]], columns: Sequence[str]
) -> tuple[list[str], list[_Line]]:
    header = next(rows, [])
    problems = _wrong_names(path, header, columns)
    if problems:
        raise ConfigError(problems)
    lines: list[_Line] = []
    seen: set[str] = set()
    number = getattr(rows, "line_num", 1) + 1
    for row in rows:
        cells = dict(zip(header, row, strict=False))
        id_ = cells.get(ID, "").strip()
        if len(row) != len(header) and row:
            message = f"the line has {len(row)} values, the header {len(header)}"
            problems.append(Diagnostic(path, number, 1, ConfigError.code, message))
        elif id_ in seen:
            message = f"a second line about the row '{id_}'"
            problems.append(Diagnostic(path, number, 1, ConfigError.code, message))
        elif row:
            texts = {name: cells[name] or None for name in columns if name in cells}
            lines.append(_Line(number, id_, texts))
            seen.add(id_)
        number = getattr(rows, "line_num", number) + 1
    if problems:
        raise ConfigError(problems)
    return header, lines


def _wrong_names(path: str, header: Sequence[str], columns: Sequence[str]) -> list[Diagnostic]:
    problems = []
    if ID not in header:
        hint = "`etl quarantine show SOURCE --values --format csv` writes a file to edit"
        message = f"the first line names no column '{ID}'"
        problems.append(Diagnostic(path, 1, 1, ConfigError.code, message, hint))
    for index, name in enumerate(header):
        place = path, 1, index + 1, ConfigError.code
        if name in header[:index]:
            problems.append(Diagnostic(*place, f"two columns are called '{name}'"))
        elif name not in columns and not name.startswith(OURS):
            message = f"the source has no column '{name}'"
            problems.append(Diagnostic(*place, message, did_you_mean(name, columns)))
    return problems


def _refused(
    lines: Sequence[_Line], columns: Sequence[Column], form: TextForm
) -> Iterator[tuple[_Line, int, str]]:
    """Yield the lines with a text that is no exact value of its column's type.

    :returns: the line, the index of the first such column, and the reason.
    """
    if not lines:
        return
    rows: list[dict[str, str | None]] = [
        {
            "number": str(number),
            **{f"etl_text_{i}": line.texts[c.name] for i, c in enumerate(columns)},
        }
        for number, line in enumerate(lines)
    ]
    shape = json.dumps([dict.fromkeys(rows[0], "VARCHAR")])
    session = scratch("UTC")
    try:
        session.execute(
            "CREATE TEMP TABLE etl_texts AS SELECT *, CAST(NULL AS VARCHAR) AS etl_fault "
            "FROM (SELECT unnest(from_json(?, ?), recursive := true))",
            [json.dumps(rows), shape],
        )
        refused = session.execute(
            f"SELECT CAST(number AS BIGINT), etl_bad - 1, {refusal(columns)} "
            f"FROM ({typed(columns, 'etl_texts', form.or_usual())}) WHERE etl_bad > 0 ORDER BY 1"
        ).fetchall()
    finally:
        session.close()
    for number, index, reason in refused:
        yield lines[number], index, reason
