"""The entry point of lint: find every problem in a project's files, again and again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from etl_framework.errors import Diagnostic
from etl_framework.lint.cache import Across, Kept, Unit, made_of, merged, read_kept, write_kept
from etl_framework.lint.files import Files
from etl_framework.lint.selection import relative_paths, selected
from etl_framework.lint.settings import Settings, load_settings
from etl_framework.lint.workers import look_in_processes, without_garbage, worth_it
from etl_framework.project.paths import digest, pipeline_paths

if TYPE_CHECKING:
    from etl_framework.interval import DataInterval
    from etl_framework.lint.inspector import Inspector
    from etl_framework.plan.compilation import Compilation
    from etl_framework.project.project import PipelineFile, Project


# Runs refuse these themselves when they would do harm, which the first run does not.
REFUSED_BY_RUNS = ("E321", "E322")


class Linter:
    """Lint of a project's folder; it remembers the results of each pipeline between looks.

    A look checks what has changed since the last look. A pipeline whose files have not changed is
    not checked again.

    :param start: whether to start from the cache that an earlier process wrote in the folder.
    :param keep: whether to write the results into that cache.
    :param jobs: how many processes may work; one per core if None.
    :param looked_at: the files of the pipelines that the last look has checked.
    """

    def __init__(
        self, root: Path, *, start: bool = True, keep: bool = False, jobs: int | None = None
    ) -> None:
        self.root = root.resolve()
        self.looked_at: list[str] = []
        self._start, self._keep, self._jobs = start, keep, jobs
        self._files = Files(self.root)
        self._of = ""
        self._kept = Kept()
        self._units: dict[str, Unit] = {}
        self._across: Across | None = None
        self._made: Inspector | None = None

    def look(self, paths: Iterable[str] = (), settings: Settings | None = None) -> list[Diagnostic]:
        """Return every problem in the project's files, once and sorted by place.

        :param paths: files, folders or pipelines' names whose problems are wanted; all if empty.
        :param settings: settings to use instead of the project's own.
        :raises ConfigError: the settings are wrong, the folder is no project, or a path is not in
            the project.
        """
        own = load_settings(self.root)
        pipelines = pipeline_paths(self.root)
        wanted = relative_paths(self.root, pipelines, paths)
        self._refresh(own)
        known = self._known(pipelines)
        self.looked_at = [path for path in pipelines if path not in known]
        across = self._across if not self.looked_at else None
        if across is None or across.of != self._depends_on(known, across.reads, across.names):
            known, across = self._look_again(pipelines, known, own)
        elif self._keep and self._files.unsettled > len(pipelines):
            write_kept(self.root, self._of, known, across, self._files)
        self._units, self._across = known, across
        return selected(list(known.values()), across.unit, settings or own, wanted)

    def errors(self) -> list[Diagnostic]:
        """Return the problems that no command works with; runs refuse some others themselves."""
        return [
            problem
            for problem in self.look()
            if problem.severity == "error" and problem.code not in REFUSED_BY_RUNS
        ]

    def look_for_run(
        self,
        project: Project,
        files: Sequence[PipelineFile],
        interval: DataInterval | None = None,
    ) -> tuple[list[Diagnostic], dict[str, Compilation]]:
        """Return every problem that runs of some pipelines would meet.

        What runs refuse themselves, when they would do harm, is left out.

        If nothing has changed since the last complete look, no rule runs.

        :param project: the project as it was loaded from the folder.
        :param files: the files of these pipelines.
        :param interval: the data interval that templates are rendered for; any interval if None.
        :returns: the problems; the compiled SQL of the pipelines that had to be checked, by the
            paths of their files.
        """
        from etl_framework.lint.base import files_of

        own = load_settings(self.root)
        self._refresh(own)
        known = self._known([pipeline_file.file.path for pipeline_file in project.pipelines])
        mine: dict[str, Unit] = {}
        compiled: dict[str, Compilation] = {}
        for pipeline_file in files:
            path = pipeline_file.file.path
            if path in known:
                mine[path] = known[path]
                continue
            unit, checked = self._inspector(own).look_at(pipeline_file, interval)
            mine[path] = merged([*([mine[path]] if path in mine else []), unit])
            if checked:
                compiled[path] = checked.compilation
        across = self._across if len(known) == len(project.pipelines) else None
        if across is None or across.of != self._depends_on(known, across.reads, across.names):
            inspector = self._inspector(own)
            units = {  # of a file that is known all pipelines at once
                f.stem if f.file.path not in known else f.file.path: known.get(f.file.path)
                or inspector.facts_of(f)
                for f in project.pipelines
            }
            across = Across("", (), (), inspector.judge(list(units.values()), self._files))
        problems = set[Diagnostic]()
        for pipeline_file in files:
            concerned = {project.environments_file.path, *files_of(pipeline_file)}
            of_pipeline = selected([mine[pipeline_file.file.path]], across.unit, own, ())
            problems |= {
                problem
                for problem in of_pipeline
                if problem.path in concerned and problem.code not in REFUSED_BY_RUNS
            }
        return sorted(problems), compiled

    def get_ready(self) -> None:
        """Load the rules and do other one-time work, so that the next look is fast."""
        own = load_settings(self.root)
        inspector = self._inspector(own)
        inspector.judge(list(self._units.values()), self._files)
        for path in list(self._units)[:1]:
            inspector.unit(path)

    def _refresh(self, own: Settings) -> None:
        """Forget all results if the files around the pipelines have changed."""
        self._files.refresh()
        of = made_of(self._files, own.rules)
        if of == self._of:
            return
        self._kept = read_kept(self.root, of) if self._start else Kept(of)
        self._files.start_from(self._kept.stamps)
        self._of, self._units, self._made = of, {}, None
        self._across = self._kept.parsed_across()

    def _known(self, pipelines: Sequence[str]) -> dict[str, Unit]:
        """Return the known units of the pipelines whose files have not changed."""
        known = {}
        for path in pipelines:
            unit = self._units.get(path)
            if unit is None or not unit.files or not self._files.same(unit.files):
                unit = self._kept.unit(path, self._files)
            if unit is not None:
                known[path] = unit
        return known

    def _look_again(
        self, pipelines: Sequence[str], known: Mapping[str, Unit], own: Settings
    ) -> tuple[dict[str, Unit], Across]:
        """Return the units of all pipelines, and the problems across them."""
        jobs = worth_it(self.looked_at, self._jobs)
        if jobs > 1:
            units, across = look_in_processes(self.root, pipelines, known, self.looked_at, jobs)
        else:
            is_first, inspector = self._made is None, self._inspector(own)
            if is_first:
                without_garbage()
            units = {path: known.get(path) or inspector.unit(path) for path in pipelines}
            whole = inspector.judge(list(units.values()), self._files)
            across = Across("", inspector.reads, inspector.names, whole)
        across = replace(across, of=self._depends_on(units, across.reads, across.names))
        if self._keep:
            write_kept(self.root, self._of, units, across, self._files)
        return units, across

    def _inspector(self, own: Settings) -> Inspector:
        from etl_framework.lint.inspector import Inspector

        self._made = self._made or Inspector(self.root, own)
        return self._made

    def _depends_on(
        self, units: Mapping[str, Unit], reads: Sequence[str], names: Sequence[str]
    ) -> str:
        """Return a digest of the units' files and of the files that rules across them look at."""
        digests = {path: was for unit in units.values() for path, was in unit.files.items()}
        read = [path for pattern in reads for path in self._files.named(pattern)]
        digests |= {path: self._files.digest(path) for path in read if path not in digests}
        parts = [*units, *(f"{path} {was}" for path, was in digests.items())]
        parts += [f"{pattern}\n{path}" for pattern in names for path in self._files.named(pattern)]
        return digest("\n".join(sorted(parts)).encode())
