"""A relation: a source, transform or KPI of a pipeline, by the name that SQL gives it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from etl_framework.checks.base import Check
from etl_framework.checks.not_null import NotNull
from etl_framework.checks.primary_key import PrimaryKey
from etl_framework.project.models import Kpi, Pipeline, Transform
from etl_framework.project.yaml_file import Keys, YamlFile
from etl_framework.sources.base import Source

Place = tuple[str, int, int]
Kind = Literal["source", "transform", "kpi"]
Block = Source | Transform | Kpi
SECTIONS: dict[Kind, str] = {"source": "sources", "transform": "transforms", "kpi": "kpis"}
# The kind of step that makes a relation.
_MADE_BY = {"source": "extract", "transform": "transform", "kpi": "kpi"}


@dataclass(frozen=True)
class Relation:
    """What SQL can name, and where the pipeline's file declares it."""

    pipeline: Pipeline
    file: YamlFile
    name: str
    kind: Kind
    block: Block

    @property
    def full_name(self) -> str:
        """The name with its pipeline: `music_streaming.listens`."""
        return f"{self.pipeline.name}.{self.name}"

    @property
    def names(self) -> set[str]:
        """The names that people may use: its name, its full name and, for a KPI, its table."""
        table = {self.block.target.table} if isinstance(self.block, Kpi) else set()
        return {self.name, self.full_name, *table}

    @property
    def section(self) -> str:
        """The part of the file that declares it: `sources`, `transforms` or `kpis`."""
        return SECTIONS[self.kind]

    @property
    def keys(self) -> Keys:
        """The keys that lead to its block in the file."""
        return (self.section, self.name)

    @property
    def place(self) -> Place:
        """Path, line and column of its name in the file."""
        return self.file.where(self.keys, of_key=True)

    @property
    def step(self) -> str:
        """The name of the step that makes it: `extract.streams`."""
        return f"{_MADE_BY[self.kind]}.{self.name}"

    @property
    def checks(self) -> tuple[Check, ...]:
        """Its checks: first those that its columns imply, then those that it lists."""
        return (*self.implied_checks, *self.block.checks)

    @property
    def implied_checks(self) -> tuple[Check, ...]:
        """The checks that its columns imply: for required values and for the primary key."""
        required = [column.name for column in self.block.columns if column.required]
        keys = [column.name for column in self.block.columns if column.primary_key]
        implied: list[Check] = []
        if required:
            taken_out = "quarantine" if self.kind == "source" else "fail"
            implied.append(
                NotNull(type="not_null", columns=required, on_fail=taken_out, name="required")
            )
        if keys:
            implied.append(PrimaryKey(type="primary_key", columns=keys))
        return tuple(implied)

    @property
    def check_places(self) -> tuple[Place, ...]:
        """The place of each of its checks; for a check that columns imply, that of the columns."""
        columns = self.file.place((*self.keys, "columns"), of_key=True)
        places = [columns for _ in self.implied_checks]
        for index, _ in enumerate(self.block.checks):
            places.append(self.file.place((*self.keys, "checks", index)))
        return tuple((self.file.path, *place) for place in places)


def relations_of(pipeline: Pipeline, file: YamlFile) -> Iterator[Relation]:
    """Every relation of a pipeline, in the file's order; two sections may use the same name."""
    for kind, section in SECTIONS.items():
        for name, block in getattr(pipeline, section).items():
            yield Relation(pipeline, file, name, kind, block)
