"""Read the files as a run would, before their source is proposed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from etl_framework.connections.files import File, Files
from etl_framework.errors import DataMissingError, EtlError
from etl_framework.interval import DataInterval
from etl_framework.sources.base import Extraction
from etl_framework.sources.csv.source import CsvSource
from etl_framework.storage.parquet import as_path
from etl_framework.storage.step_folder import StepFolder

if TYPE_CHECKING:
    import duckdb

SOME_DAY = datetime(2001, 2, 3, tzinfo=UTC)


@dataclass(frozen=True)
class Place:
    """Where a trial works: the project's folder, the files' connection, a folder that is free."""

    root: Path
    connection: Files
    folder: Path


def rejected(
    session: duckdb.DuckDBPyConnection,
    source: Mapping[str, object],
    files: Sequence[File],
    place: Place,
) -> str:
    """Read files with a source's block; return what a run would reject, empty if nothing.

    :raises DataMissingError: a run could not read the files, or would reject too many rows.
    """
    import duckdb

    model = CsvSource.model_validate(source)
    folder = StepFolder(place.folder)
    folder.begin()
    interval = DataInterval(SOME_DAY, SOME_DAY + timedelta(days=1))
    extraction = Extraction(
        "import", "import", interval, place.connection, place.root, folder, session
    )
    try:
        extracted = model.into_parquet(extraction, files)
    except EtlError as error:
        first = error.diagnostics[0]
        raise DataMissingError(first.message, hint=first.hint) from error
    except duckdb.OutOfMemoryException as error:
        message = f"the {len(model.columns)} columns of {files[0].name} need too much memory"
        raise DataMissingError(message, hint="raise memory_limit in environments.yml") from error
    except duckdb.Error as error:
        raise DataMissingError(f"{files[0].name} cannot be read row by row") from error
    if not extracted.rejected:
        return ""
    text = f"{extracted.rejected} of {extracted.read} rows"
    where = _first(session, folder)
    if model.max_rejected.exceeded(extracted.rejected, extracted.read):
        message = f"{where}; so a run would reject {text}"
        raise DataMissingError(message, hint="mend the file, or say how it is written: --help")
    return f"rejects {text}: {where}"


def _first(session: duckdb.DuckDBPyConnection, folder: StepFolder) -> str:
    """The place and reason of the first rejected row."""
    files = ", ".join(as_path(Path(file)) for file in folder.files("rejected"))
    row = session.execute(
        f'SELECT file, line, coalesce("column", 1), reason FROM read_parquet([{files}]) '
        "ORDER BY 1, 2 LIMIT 1"
    ).fetchone()
    file, line, column, reason = row or ("", 0, 0, "")
    return f"{file}:{line}:{column}: {reason}"
