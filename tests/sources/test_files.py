"""What every source of files does in the same way, whatever their format."""

from __future__ import annotations

import gc
import importlib.util
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest
from pydantic import ValidationError

from etl_framework.connections.directory import Directory
from etl_framework.connections.files import Files
from etl_framework.errors import DataMissingError, StepError
from etl_framework.interval import DataInterval
from etl_framework.plugins import plugins
from etl_framework.sources.base import Extraction
from etl_framework.sources.files import FilesSource
from etl_framework.storage.archive import Archived
from etl_framework.storage.step_folder import StepFolder
from tests.conftest import Folder

# Two rows of one column `word`, in each format that there is.
SAMPLES = {"csv": b"word\nada\nbob\n", "lines": b"ada\nbob\n"}
FORMATS = [
    pytest.param(name, id=name)
    for name, source in plugins(FilesSource).items()
    if source.__module__.startswith("etl_framework")
] + [pytest.param("lines", id="lines, a plug-in")]
GIVEN: dict[str, Any] = {
    "connection": "lake",
    "path": "words/{{ interval.date }}*",
    "columns": [{"name": "word", "type": "varchar(20)"}],
}


@pytest.fixture
def make(request: pytest.FixtureRequest) -> Iterator[Callable[..., FilesSource]]:
    """Makes a source of the test's format; the class of the plug-in is gone afterwards."""
    name = request.getfixturevalue("format_")
    kinds: dict[str, type[FilesSource]] = dict(plugins(FilesSource))
    if name == "lines":
        file = Path(__file__).with_name("lines.py")
        spec = importlib.util.spec_from_file_location("lines_of_a_test", file)
        assert spec and spec.loader
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        # Not among the imported modules, where pydantic looks for the names of annotations.
        module.LinesSource.model_rebuild(_types_namespace=vars(module))
        kinds[name] = module.LinesSource
        del module, spec
    yield lambda **more: kinds[name](type=name, **{**GIVEN, **more})
    kinds.clear()
    gc.collect()


@pytest.fixture
def extraction(folder: Folder) -> Iterator[Extraction]:
    """What a step gives to a source, for the 25th of June."""
    step = StepFolder(folder.root / ".etl/staging/any/extract.words")
    step.begin()
    with duckdb.connect() as session:
        yield Extraction(
            source="words",
            run="one",
            interval=interval(),
            connection=Directory(type="directory", path="lake"),
            root=folder.root,
            folder=step,
            session=session,
        )


def interval() -> DataInterval:
    return DataInterval(datetime(2024, 6, 25, tzinfo=UTC), datetime(2024, 6, 26, tzinfo=UTC))


def put(extraction: Extraction, name: str, content: bytes) -> Path:
    file = extraction.root / "lake" / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)
    return file


def kept(extraction: Extraction) -> list[tuple[Any, ...]]:
    files = extraction.folder.files("data")
    return extraction.session.execute(f"FROM read_parquet({files}) ORDER BY 1").fetchall()


each_format = pytest.mark.parametrize("format_", FORMATS)


@each_format
def test_a_format_says_how_files_become_parquet_and_nothing_else_of_files(
    make: Callable[..., FilesSource], format_: str
) -> None:
    kind = type(make())

    assert kind.accepts is Files
    assert kind.into_parquet is not FilesSource.into_parquet
    shared = ("extract", "state", "files", "present", "fetch", "reads")
    assert [name for name in shared if name in vars(kind)] == []
    assert {"path", "archive", "wait", "deferrable"} <= set(kind.model_fields)


@each_format
def test_the_files_of_the_interval_become_rows(
    make: Callable[..., FilesSource], extraction: Extraction, format_: str
) -> None:
    put(extraction, "words/2024-06-25-a", SAMPLES[format_])
    put(extraction, "words/2024-06-25-b", SAMPLES[format_])
    put(extraction, "words/2024-06-26", SAMPLES[format_])

    extracted = make().extract(extraction)

    assert (extracted.read, extracted.kept, extracted.rejected) == (4, 4, 0)
    assert [name for name, _ in extracted.files] == ["words/2024-06-25-a", "words/2024-06-25-b"]
    assert kept(extraction) == [("ada",), ("ada",), ("bob",), ("bob",)]


@each_format
def test_no_file_and_no_rows(
    make: Callable[..., FilesSource], extraction: Extraction, format_: str
) -> None:
    with pytest.raises(DataMissingError, match=r"no file matches 'words/2024-06-25\*' in .*'lake'"):
        make().extract(extraction)

    assert make(may_be_empty=True).extract(extraction).files == ()
    assert kept(extraction) == []
    described = extraction.session.execute(
        f"DESCRIBE FROM read_parquet({extraction.folder.files('data')})"
    ).fetchall()
    assert [column[:2] for column in described] == [("word", "VARCHAR")]


@each_format
def test_a_file_without_rows(
    make: Callable[..., FilesSource], extraction: Extraction, format_: str
) -> None:
    header = SAMPLES[format_].partition(b"ada")[0]
    put(extraction, "words/2024-06-25", header)

    with pytest.raises(DataMissingError, match=r"the files of 'words/2024-06-25\*' have no rows"):
        make().extract(extraction)
    assert make(may_be_empty=True).extract(extraction).read == 0


@each_format
def test_the_state_changes_with_a_file(
    make: Callable[..., FilesSource], extraction: Extraction, format_: str
) -> None:
    file = put(extraction, "words/2024-06-25", SAMPLES[format_])
    first = make().state(extraction)

    assert make().state(extraction) == first
    file.write_bytes(SAMPLES[format_] + b"eve\n")
    assert make().state(extraction) != first


@each_format
def test_a_file_that_was_archived_is_still_of_its_interval(
    make: Callable[..., FilesSource], extraction: Extraction, format_: str
) -> None:
    source = make(archive="processed/")
    put(extraction, "words/2024-06-25", SAMPLES[format_])
    (file,) = source.files(extraction)
    move = (file.name, file.version, f"processed/{file.name}")
    assert isinstance(extraction.connection, Directory)
    extraction.connection.move(extraction.root, [move])

    assert source.files(extraction) == []
    entry = Archived(file.name, file.version, f"processed/{file.name}")
    later = replace(extraction, archived=(entry,))
    assert [found.place for found in source.files(later)] == ["processed/words/2024-06-25"]
    assert source.extract(later).kept == 2


@each_format
@pytest.mark.parametrize(
    ("fields", "says"),
    [
        pytest.param({"path": "/etc/*"}, "stays in it", id="an absolute path"),
        pytest.param({"path": "a/../../*"}, "stays in it", id="a path that leads out"),
        pytest.param({"archive": "../old/"}, "stays in it", id="an archive that leads out"),
        pytest.param({"archive": "old"}, "ends in '/'", id="an archive that is no folder"),
        pytest.param({"archive": "words/"}, "find the files of 'archive' again", id="a circle"),
        pytest.param({"wait": "soon"}, "wait", id="a wait that is no time"),
    ],
)
def test_what_no_source_of_files_takes(
    make: Callable[..., FilesSource], format_: str, fields: dict[str, str], says: str
) -> None:
    with pytest.raises(ValidationError, match=says):
        make(**fields)


def test_a_path_that_does_not_render(extraction: Extraction) -> None:
    csv = plugins(FilesSource)["csv"]

    with pytest.raises(StepError, match=r"the path '.*' does not render: .*'nope'"):
        csv(type="csv", **{**GIVEN, "path": "{{ interval.nope }}"}).files(extraction)


def test_a_source_of_files_is_no_format_by_itself() -> None:
    assert FilesSource not in plugins(FilesSource).values()
    assert "type" not in FilesSource.model_fields
