"""What selection knows of pipelines; for a project of many it is kept beside their files."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from etl_framework import __version__
from etl_framework.errors import Diagnostic
from etl_framework.project.paths import pipeline_paths
from etl_framework.storage.seal import sealed, unsealed

if TYPE_CHECKING:
    from etl_framework.project.project import PipelineFile

FILE = ".etl/pipelines.json"
VERSION = f"{__version__}, 1"  # the latter changes with the fields of a summary
# Where a source reads, or a KPI writes: its connection and its table, if it has one.
Place = tuple[str, str]
# When a file was saved, and its size; none of a file that is not there.
Stamp = tuple[int, ...]


@dataclass(frozen=True)
class Summary:
    """A pipeline, as far as selection looks at it.

    :param name: by which it is selected: that of its file, or of the instance.
    :param problems: why it cannot be read; nothing else is known of it then but its path.
    """

    name: str
    path: str
    description: str = ""
    owner: str = ""
    tags: Sequence[str] = ()
    schedule: str = ""
    after: Sequence[str] = ()
    sources: Mapping[str, Place] = field(default_factory=dict)
    transforms: Sequence[str] = ()
    kpis: Mapping[str, Place] = field(default_factory=dict)
    problems: Sequence[Diagnostic] = ()

    @classmethod
    def of(cls, pipeline_file: PipelineFile) -> Summary:
        """That of a file that was read."""
        model = pipeline_file.model
        name, path = pipeline_file.stem, pipeline_file.file.path
        if model is None:
            return cls(name, path, problems=tuple(pipeline_file.file.diagnostics))
        return cls(
            name,
            path,
            model.description,
            model.owner,
            model.tags,
            model.schedule,
            model.after,
            {
                name: (source.connection, getattr(source, "table", ""))
                for name, source in model.sources.items()
            },
            list(model.transforms),
            {name: (k.target.connection, k.target.table) for name, k in model.kpis.items()},
        )

    @classmethod
    def read(cls, entry: Mapping[str, Any]) -> Summary:
        """That of the values which `asdict` gives, also from JSON.

        :raises KeyError, TypeError: they have other fields.
        """
        places = {
            key: {name: tuple(place) for name, place in entry[key].items()}
            for key in ("sources", "kpis")
        }
        problems = tuple(Diagnostic(**problem) for problem in entry["problems"])
        return cls(**{**entry, **places, "problems": problems})


def summaries(root: Path) -> list[Summary]:
    """Those of a project's pipelines; files are read if they have changed since the last time.

    :raises ConfigError: the folder is not a project.
    """
    root = root.resolve()
    known, found, changed = _kept(root), dict[str, Any](), False
    listed: list[Summary] = []
    stamps: dict[str, Stamp] = {}
    for path in pipeline_paths(root):
        kept = known.get(path)
        if kept is None or not _same(root, kept["files"], stamps):
            from etl_framework.project.project import load_pipelines

            files = load_pipelines(root, path)
            of = {name for f in files for name in (path, *f.defaults, *f.templates)}
            kept = {
                "files": {name: _stamp(root, name, stamps) for name in sorted(of)},
                "pipelines": [asdict(Summary.of(pipeline_file)) for pipeline_file in files],
            }
            changed = True
        found[path] = kept
        listed += [Summary.read(entry) for entry in kept["pipelines"]]
    if changed or found.keys() != known.keys():
        _keep(root, found)
    return listed


def _same(root: Path, files: Mapping[str, Iterable[int]], stamps: dict[str, Stamp]) -> bool:
    return all(_stamp(root, path, stamps) == tuple(was) for path, was in files.items())


def _stamp(root: Path, path: str, stamps: dict[str, Stamp]) -> Stamp:
    if path not in stamps:
        try:
            stat = os.stat(f"{root}/{path}")  # noqa: PTH116 - of thousands of files
            stamps[path] = stat.st_mtime_ns, stat.st_size, stat.st_ino
        except OSError:
            stamps[path] = ()
    return stamps[path]


def _kept(root: Path) -> dict[str, Any]:
    try:
        content = unsealed((root / FILE).read_bytes())
        known: dict[str, Any] = content["files"] if content["version"] == VERSION else {}
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return {}
    return known


def _keep(root: Path, found: dict[str, Any]) -> None:
    with suppress(OSError):  # a folder that cannot be written to is no hindrance
        file = root / FILE
        file.parent.mkdir(exist_ok=True)
        draft = file.with_suffix(f".{os.getpid()}")
        draft.write_bytes(sealed({"version": VERSION, "files": found}))
        draft.replace(file)
