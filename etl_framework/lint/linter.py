"""The door into lint: everything that is wrong with a project's files, look after look."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from etl_framework.errors import Diagnostic
from etl_framework.lint.cache import Across, Kept, made_of, read_kept, write_kept
from etl_framework.lint.files import Files
from etl_framework.lint.selection import told, wanted_of
from etl_framework.lint.settings import Settings, load_settings
from etl_framework.lint.units import Unit
from etl_framework.lint.workers import look_in_processes, without_garbage, worth_it
from etl_framework.project.paths import digest, pipeline_paths

if TYPE_CHECKING:
    from etl_framework.interval import DataInterval
    from etl_framework.lint.inspector import Inspector
    from etl_framework.plan.compile import Compilation
    from etl_framework.project.project import PipelineFile, Project


class Linter:
    """A project's folder under lint; what is known of each pipeline stays from look to look.

    A look takes in what has changed since the last one: a pipeline whose files hold what they did
    is not looked at again.

    :param start: whether to start from what an earlier process has kept in the folder.
    :param keep: whether to keep what is found there.
    :param jobs: how many processes may work; as many as there are cores when None.
    :param looked_at: the files of the pipelines that the last look has looked at.
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
        """Every problem of the project's files, sorted by place; each once.

        :param paths: only problems of these files, folders or pipelines' names; all when empty.
        :param settings: what is wanted, if not what the project's own say.
        :raises ConfigError: the settings are wrong, it is no project, or a path is nothing of it.
        """
        own = load_settings(self.root)
        pipelines = pipeline_paths(self.root)
        wanted = wanted_of(self.root, pipelines, paths)
        self._refresh(own)
        known = self._known(pipelines)
        self.looked_at = [path for path in pipelines if path not in known]
        across = self._across if not self.looked_at else None
        if across is None or across.of != self._depends_on(known, across.reads, across.names):
            known, across = self._look_again(pipelines, known, own)
        elif self._keep and self._files.unsettled > len(pipelines):
            write_kept(self.root, self._of, known, across, self._files)
        self._units, self._across = known, across
        return told(list(known.values()), across.unit, settings or own, wanted)

    def errors(self) -> list[Diagnostic]:
        """The problems of severity error."""
        return [problem for problem in self.look() if problem.severity == "error"]

    def look_for_run(
        self,
        project: Project,
        files: Sequence[PipelineFile],
        interval: DataInterval | None = None,
    ) -> tuple[list[Diagnostic], dict[str, Compilation]]:
        """Every problem that runs of some pipelines would meet.

        Where nothing has changed since a look at all, no rule is asked.

        :param project: as it has been loaded from the folder.
        :param files: those of the pipelines.
        :param interval: what templates are rendered for; any when it does not matter.
        :returns: the problems; the SQL of each pipeline that had to be compiled on the way, by the
            path of its file.
        """
        from etl_framework.lint.base import files_of

        own = load_settings(self.root)
        self._refresh(own)
        known = self._known([found.file.path for found in project.pipelines])
        mine: dict[str, Unit] = {}
        compiled: dict[str, Compilation] = {}
        for found in files:
            path = found.file.path
            if path in known:
                mine[path] = known[path]
                continue
            mine[path], checked = self._inspector(own).look_at(found, interval)
            if checked:
                compiled[path] = checked.compilation
        across = self._across if len(known) == len(project.pipelines) else None
        if across is None or across.of != self._depends_on(known, across.reads, across.names):
            inspector, known = self._inspector(own), {**known, **mine}
            units = [known.get(f.file.path) or inspector.facts_of(f) for f in project.pipelines]
            across = Across("", (), (), inspector.judge(units, self._files))
        problems = set[Diagnostic]()
        for found in files:
            concerned = {project.environments_file.path, *files_of(found)}
            of_pipeline = told([mine[found.file.path]], across.unit, own, ())
            problems |= {problem for problem in of_pipeline if problem.path in concerned}
        return sorted(problems), compiled

    def get_ready(self) -> None:
        """Do now what the next look at a change would have to do once, such as to load rules."""
        own = load_settings(self.root)
        inspector = self._inspector(own)
        inspector.judge(list(self._units.values()), self._files)
        for path in list(self._units)[:1]:
            inspector.unit(path)

    def _refresh(self, own: Settings) -> None:
        """Forget what is known when what is around the pipelines has changed."""
        self._files.refresh()
        of = made_of(self._files, own.rules)
        if of == self._of:
            return
        self._kept = read_kept(self.root, of) if self._start else Kept(of)
        self._files.start_from(self._kept.stamps)
        self._of, self._units, self._made = of, {}, None
        self._across = self._kept.found_across()

    def _known(self, pipelines: Sequence[str]) -> dict[str, Unit]:
        """The units of the pipelines whose files hold what they did."""
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
        """The units of all pipelines, and what is wrong across them."""
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
        """What tells the files of units, and those that rules across them look at, from others."""
        digests = {path: was for unit in units.values() for path, was in unit.files.items()}
        read = [path for pattern in reads for path in self._files.named(pattern)]
        digests |= {path: self._files.digest(path) for path in read if path not in digests}
        parts = [*units, *(f"{path} {was}" for path, was in digests.items())]
        parts += [f"{pattern}\n{path}" for pattern in names for path in self._files.named(pattern)]
        return digest("\n".join(sorted(parts)).encode())
