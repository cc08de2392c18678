"""Read a source so that masked values and rows of the forgotten never lie in staging."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from etl_framework.columns import MASK
from etl_framework.engines.work import Work
from etl_framework.sources.base import Extracted, Source
from etl_framework.sources.columns import MaskedColumn
from etl_framework.sql.masks import keyed_sql, let_hash, masked_text, masked_value, text_of_value
from etl_framework.sql.quote import literal, quote
from etl_framework.storage.forgotten import Forgotten, hashed
from etl_framework.storage.parquet import as_path, write_parquet
from etl_framework.storage.rejected import COLUMNS, identified, keep, text_of
from etl_framework.storage.step_folder import FETCHED, StepFolder


def extract_rows(work: Work) -> Extracted:
    """Read a source into the step's folder.

    If values are masked or persons were forgotten, the rows lie beside staging before, in a folder
    that is deleted at the end, also by the next run if this one is killed.

    :raises ConfigError: values are hashed, and the environment has no salt.
    """
    source, gone = work.source, work.forgotten
    if not (source.is_masked or gone):
        return source.extract(work.extraction(work.folder))
    if gone or any(column.mask == "hash" for column in source.columns):
        let_hash(work.session, work.plan.workspace.salt)
    with _folder_beside(work) as raw:
        rows = source.extract(work.extraction(raw))
        kept = sum(_mask_rows(work, Path(file)) for file in raw.files("data"))
        rejected = sum(_mask_rejected(work, Path(file)) for file in raw.files("rejected"))
        for other in raw.path.iterdir():
            if other.name not in ("data", "rejected", FETCHED):
                shutil.move(other, work.folder.path / other.name)
    out = rows.read - kept - rejected
    return replace(rows, kept=kept, rejected=rejected, forgotten=out)


@contextmanager
def _folder_beside(work: Work) -> Iterator[StepFolder]:
    """Make a folder where the engine spills to, which SQL can reach."""
    (place,) = work.session.execute("SELECT current_setting('temp_directory')").fetchone() or ("",)
    folder = Path(tempfile.mkdtemp(dir=str(place)))
    try:
        yield StepFolder(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _mask_rows(work: Work, file: Path) -> int:
    """Write the rows of a file into the step's folder, as they may lie there."""
    columns = [column for column in work.source.columns if column.mask != "drop"]
    values = ", ".join(f"{_value(column)} AS {quote(column.name)}" for column in columns)
    texts = {c.name: f"CAST({quote(c.name)} AS VARCHAR)" for c in work.source.columns}
    # SELECT left(sha256(...), 32) AS "email", "country" AS "country" FROM read_parquet('1.parquet')
    # WHERE NOT coalesce(left(sha256(...), 32) = '0a1b...', false)
    sql = f"SELECT {values} FROM read_parquet({as_path(file)}) WHERE {_stays(work, texts)}"
    has_text = any(column.type.family == "text" for column in work.source.staged)
    part = work.folder.part("data") / file.name
    return write_parquet(work.session, sql, part, text=has_text, ordered=True)


def _value(column: MaskedColumn) -> str:
    return masked_value(column.mask or "null", column, quote(column.name))


def _mask_rejected(work: Work, file: Path) -> int:
    """Write rejected rows into the step's folder; a row with masks is told by its values alone."""
    source, relation = work.source, work.step.relation
    texts = {c.name: text_of_value(c, text_of(c.name), source.form) for c in source.columns}
    ids = [id_ for entry in work.forgotten for id_ in entry.ids]
    stays = f"{_stays(work, texts)} AND id NOT IN {literal([*ids, ''])}"
    read = f"FROM read_parquet({as_path(file)}) WHERE {stays}"
    rows = f"SELECT * {read}"
    if source.is_masked:
        rows = identified(_without_values(source, read), relation)
    (count,) = work.session.execute(f"SELECT count(*) {read}").fetchone() or (0,)
    if count:
        place = work.folder.part("rejected") / file.name
        keep(work.session, rows, place, source=relation, run=work.run_id)
    return int(count)


def _without_values(source: Source, read: str) -> str:
    """Return a query for rejected rows without what must not be seen of them.

    `values` has the declared columns alone, and `row` is the same: the row as it came shows all.
    """
    # SELECT NULL AS id, run, ..., CASE WHEN name IN ('email') THEN regexp_replace(...) ELSE reason
    #   END AS reason, CAST(json_object('email', left(sha256(...), 32), ...) AS VARCHAR) AS "row"
    kept = [column for column in source.columns if column.mask != "drop"]
    texts = {c.name: masked_text(c.mask or "null", c, text_of(c.name), source.form) for c in kept}
    values = _json(texts, list(texts))
    keys = [column.name for column in kept if column.primary_key]
    hidden = literal([column.name for column in source.columns if column.is_masked])
    reason = (
        f"CASE WHEN name IN {hidden} THEN regexp_replace(reason, '^\".*\" ', '\"{MASK}\" ', 's') "
        "ELSE reason END"
    )
    changed = {
        "id": "CAST(NULL AS VARCHAR)",
        "reason": reason,
        "key": _json(texts, keys) if keys else "NULL",
        "row": values,
        "values": values,
    }
    listed = ", ".join(f"{changed.get(name, quote(name))} AS {quote(name)}" for name in COLUMNS)
    return f"SELECT {listed} {read}"


def _json(texts: dict[str, str], wanted: Sequence[str]) -> str:
    pairs = ", ".join(f"{literal(name)}, {texts[name]}" for name in wanted)
    return f"CAST(json_object({pairs}) AS VARCHAR)"


def _stays(work: Work, texts: dict[str, str]) -> str:
    """Return SQL that is true for rows of nobody who was forgotten.

    :param texts: SQL for the text of each column.
    """
    persons = [_is_person(entry, texts) for entry in work.forgotten]
    return f"NOT coalesce({' OR '.join(persons)}, false)" if persons else "true"


def _is_person(entry: Forgotten, texts: dict[str, str]) -> str:
    """Return SQL that is true for the rows of one who was forgotten."""
    # A column that is not read any more tells nobody apart.
    same = [
        f"{keyed_sql(hashed_sql(texts[name]))} = {literal(digest)}"
        for name, digest in entry.hashes.items()
        if name in texts
    ]
    return f"({' AND '.join(same)})" if len(same) == len(entry.hashes) else "false"


def hashed_sql(text: str) -> str:
    """Return SQL for the text that is hashed for a value."""
    return f"{literal(hashed(''))} || {text}"
