"""Lint a project's folder: only what has changed since the last time, on all cores."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from etl_framework.errors import Diagnostic
from etl_framework.lint.contents import digest, read_inside
from etl_framework.lint.facts import found_files
from etl_framework.lint.kept import Kept, made_of, read_kept, write_kept
from etl_framework.lint.settings import Settings
from etl_framework.lint.telling import told, wanted_of
from etl_framework.lint.units import Unit
from etl_framework.project.paths import pipeline_paths


def lint_folder(
    root: Path,
    settings: Settings,
    paths: Iterable[str] = (),
    *,
    keep: bool = True,
    jobs: int | None = None,
) -> list[Diagnostic]:
    """Every problem of a project's files, sorted by place; each once.

    :param paths: only problems of these files, folders or pipelines' names; all when empty.
    :param keep: whether to use what is known from before, and to keep what is found.
    :param jobs: how many processes may work; as many as there are cores when None.
    :raises ConfigError: it is no project, or a path is nothing of the project.
    """
    root = root.resolve()
    pipelines = pipeline_paths(root)
    wanted = wanted_of(root, pipelines, paths)
    of = made_of(root, settings.rules) if keep else ""
    before = read_kept(root, of) if keep else Kept()
    known = {path: unit for path in pipelines if (unit := before.unit(path, root))}
    missing = [path for path in pipelines if path not in known]
    whole = _whole(root, before, known) if not missing else None
    if whole is None:
        from etl_framework.lint.workers import look

        known, reads, whole = look(root, pipelines, known, missing, jobs)
        if keep:
            seen = {path: known[path].written() for path in missing if known[path].files}
            units = {path: before.units[path] for path in known if path not in missing} | seen
            across = {"of": _of(root, known, reads), "reads": reads, "unit": whole.written()}
            write_kept(root, Kept(of, units, across))
    return told([known[path] for path in pipelines], whole, settings, wanted)


def _whole(root: Path, before: Kept, known: dict[str, Unit]) -> Unit | None:
    """What was found across pipelines, if all that it depends on is the same."""
    reads = before.across.get("reads")
    if not isinstance(reads, list) or not all(isinstance(each, str) for each in reads):
        return None
    return before.whole(_of(root, known, reads))


def _of(root: Path, known: dict[str, Unit], reads: Sequence[str]) -> str:
    """What tells the files of all units, and those that rules across them read, from others."""
    files = {path: was for unit in known.values() for path, was in unit.files.items()}
    files |= {p: digest(read_inside(root, p)) for p in found_files(root, reads) if p not in files}
    parts = [*known, *(f"{path} {was}" for path, was in files.items())]
    return digest("\n".join(sorted(parts)).encode())
