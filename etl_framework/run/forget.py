"""Remove a person from what runs have kept, so that no later run brings the rows back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime

from etl_framework.engines.base import engine_of
from etl_framework.errors import ConfigError, DataMissingError
from etl_framework.plan.compile import compile_queries
from etl_framework.plan.personal import computed_from
from etl_framework.project.project import Project
from etl_framework.project.relation import Relation
from etl_framework.run.forget_steps import remove_person, removed_steps
from etl_framework.run.forget_targets import Held, delete_held, held
from etl_framework.run.history import hide
from etl_framework.run.person import Person, PersonFiles
from etl_framework.run.recorder import current_user
from etl_framework.sources.base import Source
from etl_framework.storage.decisions import decisions, withdraw
from etl_framework.storage.forgotten import Forgotten, remember
from etl_framework.storage.staging import RunFolder
from etl_framework.targets import history

# Shorter texts stand in too many records by chance.
LONG_ENOUGH = 4


@dataclass
class Forgetting:
    """What was removed, or would be.

    :param rows: how many rows, by the step that had them.
    :param remade: outputs of steps that were deleted, because they were computed from such rows.
    :param records: records of runs in which the value stood.
    :param deleted: how many rows of targets were deleted.
    :param targets: which tables still hold rows.
    :param also: other sources that read the same rows.
    """

    rows: dict[str, int] = field(default_factory=dict)
    remade: set[str] = field(default_factory=set)
    records: int = 0
    deleted: int = 0
    targets: list[Held] = field(default_factory=list)
    also: list[str] = field(default_factory=list)

    def count(self, what: str, rows: int) -> None:
        """Add rows that a step had."""
        if rows:
            self.rows[what] = self.rows.get(what, 0) + rows


class Forget:
    """Removes a person from the staging of one source, and from all that was computed of it.

    :param name: the source: `customers`, or `shop.customers`.
    :raises ConfigError: there is no such source, or the condition means nothing there.
    """

    def __init__(
        self, project: Project, environment: str | None, name: str, where: Mapping[str, str]
    ) -> None:
        self._project = project.at(environment)
        self._relation: Relation = self._project.find(name)
        block = self._relation.block
        if not isinstance(block, Source):
            hint = "name the source that its rows come from"
            raise ConfigError(f"'{name}' is no source", hint=hint)
        self._workspace = self._project.workspace(environment)
        self._pipeline = self._relation.pipeline
        self._source = self._relation.name
        self._person = Person.of(block, where, self._workspace)
        file = self._project.pipeline(self._pipeline.name)
        interval = self._pipeline.some_interval()
        self._compilation = compile_queries(self._project.root, file, interval)
        self._later = computed_from(self._compilation, self._source)

    def run(self, *, dry_run: bool, targets: bool = False) -> Forgetting:
        """Remove the rows, and tell what is left; with `dry_run` only tell.

        :param targets: remove them from targets too, where a column tells whose rows they are.

        The person is on the list of the forgotten before anything else changes, so that a run at
        the same time brings nothing back, and a second call goes on where one was stopped.

        :raises RetryableError: a data interval is being run, or a place does not answer.
        """
        done, ids = Forgetting(), set[str]()
        staging, pipeline = self._workspace.staging, self._pipeline
        if not dry_run:
            self._remember(done, ids)
        with closing(PersonFiles(self._person)) as files:
            for run in staging.runs(pipeline.name):
                with run.locked():
                    ids |= self._forget_interval(run, files, done, dry_run=dry_run)
        self._forget_tables(done, dry_run=dry_run)
        values = [text for text in self._person.raw.values() if len(text) >= LONG_ENOUGH]
        done.records = hide(staging, pipeline.name, values, dry_run=dry_run)
        if not dry_run:
            self._hide_in_warehouses(values)
            self._remember(done, ids)
        done.targets = self._held()
        if targets and not dry_run:
            done.deleted = delete_held(self._workspace, done.targets, self._person)
            done.targets = self._held()
        done.also = sorted(self._others())
        return done

    def _held(self) -> list[Held]:
        facts = self._pipeline, self._compilation, self._source, self._person
        return list(held(self._workspace, *facts))

    def _forget_interval(
        self, run: RunFolder, files: PersonFiles, done: Forgetting, *, dry_run: bool
    ) -> set[str]:
        """Forget the person in one data interval; return the ids of rejected rows."""
        made = decisions(run, self._source)
        ids = self._person.of_decisions(made)
        had = 0
        for kind in ("extract", "check"):
            step = run.step(f"{kind}.{self._source}")
            counts, removed = remove_person(step, files, ids, dry_run=dry_run)
            ids |= removed
            for part, rows in counts.items():
                done.count(f"{kind}.{self._source} {part}", rows)
                had += rows
        decided = ids & made.keys()
        done.count(f"decisions {self._source}", len(decided))
        if decided and not dry_run:
            withdraw(run, self._source, decided)
        if had or self._reads_earlier or self._in_database:
            done.remade |= removed_steps(run, self._later, dry_run=dry_run)
        return ids

    def _hide_in_warehouses(self, values: Sequence[str]) -> None:
        """Mask the values in the copies of records that lie beside the targets."""
        for connection in self._pipeline.target_connections() if values else ():
            with suppress(DataMissingError), self._workspace.warehouse(connection) as warehouse:
                history.hide(warehouse, self._pipeline.name, values)

    @property
    def _reads_earlier(self) -> bool:
        """Whether outputs hold rows of other data intervals."""
        return any(query.reads for query in self._pipeline.queries().values())

    @property
    def _in_database(self) -> bool:
        return engine_of(self._workspace.environment).keeps_tables

    def _forget_tables(self, done: Forgetting, *, dry_run: bool) -> None:
        """Forget the person in tables that the engine has left in a database."""
        engine = engine_of(self._workspace.environment)
        rows = engine.forget(
            self._workspace,
            self._pipeline.name,
            self._source,
            self._person.staged,
            self._later,
            dry_run=dry_run,
        )
        done.count(f"tables of {self._source}", rows)

    def _remember(self, done: Forgetting, ids: set[str]) -> None:
        now = datetime.now(UTC).isoformat(timespec="seconds")
        entry = Forgotten(now, current_user(), self._person.hashes, sorted(ids), done.rows)
        remember(self._workspace.staging, self._pipeline.name, self._source, entry)

    def _others(self) -> Iterator[str]:
        """The other sources that read the same table or files."""
        block = self._relation.block
        for relation in self._project.relations():
            other = relation.block
            if isinstance(other, Source) and isinstance(block, Source):
                same = (other.connection, other.reads()) == (block.connection, block.reads())
                if same and relation.full_name != self._relation.full_name:
                    yield relation.full_name
