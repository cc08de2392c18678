"""A person whose rows are looked for, by values of a source's columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from etl_framework.errors import ConfigError, did_you_mean
from etl_framework.project.workspace import Workspace
from etl_framework.sources.base import Source
from etl_framework.sql.masks import keyed
from etl_framework.sql.planner import config, scratch
from etl_framework.sql.quote import literal, quote
from etl_framework.storage.decisions import Decision
from etl_framework.storage.forgotten import hashed
from etl_framework.storage.parquet import as_path, write_parquet


@dataclass(frozen=True)
class Person:
    """Who is looked for. Rows are his or hers that have all of the values.

    :param raw: the values as texts, as the source has them, by column.
    :param staged: the same as they lie in staging, masked where the columns are.
    :param hashes: the same as a list of the forgotten has them.
    """

    raw: Mapping[str, str]
    staged: Mapping[str, str]
    hashes: Mapping[str, str]

    @classmethod
    def of(cls, source: Source, where: Mapping[str, str], workspace: Workspace) -> Person:
        """Read what a command was given.

        :param where: texts of values, by column.
        :raises ConfigError: there is no such column, its type has no such value, its mask leaves
            nothing to find a row by, or the environment has no salt.
        """
        salt, raw, staged = workspace.salt, {}, {}
        columns = {column.name: column for column in source.columns}
        for name, text in where.items():
            if name not in columns:
                hint = did_you_mean(name, columns)
                raise ConfigError(f"the source has no column '{name}'", hint=hint)
            column = columns[name]
            if column.mask not in ("none", "hash"):
                message = f"'{name}' is masked ({column.mask}), and tells no rows apart in staging"
                raise ConfigError(message, hint="name a column without mask, or with mask: hash")
            with closing(scratch("UTC")) as session:
                sql = f"SELECT CAST(TRY_CAST(? AS {column.type.duckdb}) AS VARCHAR)"
                (value,) = session.execute(sql, [text]).fetchone() or (None,)
            if value is None:
                raise ConfigError(f"what is given for '{name}' is no {column.type}")
            raw[name] = value
            staged[name] = keyed(salt, value) if column.mask == "hash" else value
        hashes = {name: keyed(salt, hashed(value)) for name, value in raw.items()}
        return cls(raw, staged, hashes)

    def has(self, values: Mapping[str, str | None]) -> bool:
        """Return whether the texts of a row are those of the person."""
        return all(values.get(name) in (text, self.raw[name]) for name, text in self.staged.items())

    def of_decisions(self, made: Mapping[str, Decision]) -> set[str]:
        """Return the ids of the rows that were corrected into rows of the person."""
        return {
            id_ for id_, decision in made.items() if decision.values and self.has(decision.values)
        }


class PersonFiles:
    """Finds rows of a person in Parquet files of a step, and takes them out."""

    def __init__(self, person: Person) -> None:
        import duckdb

        self._person = person
        self._session = duckdb.connect(config=config())
        for number, (name, text) in enumerate(person.staged.items()):
            self._session.execute(f"SET VARIABLE staged_{number} = ?", [text])
            self._session.execute(f"SET VARIABLE raw_{number} = ?", [person.raw[name]])

    def close(self) -> None:
        """End the session."""
        self._session.close()

    def rejected(self, file: str) -> set[str]:
        """Return the ids of the person's rows among rejected ones."""
        sql = f"SELECT id FROM read_parquet({as_path(file)}) WHERE {self._in_values()}"
        return {str(id_) for (id_,) in self._session.execute(sql).fetchall()}

    def count(self, file: str) -> int:
        """Return how many rows of a relation's file are the person's."""
        sql = f"SELECT count(*) FROM read_parquet({as_path(file)}) WHERE {self._in_columns()}"
        (count,) = self._session.execute(sql).fetchone() or (0,)
        return int(count)

    def take_out(self, file: Path, ids: Sequence[str]) -> None:
        """Write a file of a step anew, without rows of the person.

        :param ids: rejected rows that are the person's.
        """
        described = self._session.execute(f"DESCRIBE FROM read_parquet({as_path(file)})").fetchall()
        columns, condition = {str(row[0]) for row in described}, ""
        if {"id", "values", "rule"} <= columns:  # rejected rows
            condition = f"({self._in_values()}) OR id IN {literal([*ids, ''])}"
        elif {"id", "text", "file", "line"} <= columns:  # where rows came from
            texts = [f"contains(text, getvariable('raw_{n}'))" for n in self._numbers()]
            condition = f"id IN {literal([*ids, ''])} OR ({' AND '.join(texts)})"
        elif self._person.staged.keys() <= columns:
            condition = self._in_columns()
        if condition:
            draft = file.with_name(f".{file.name}")
            rows = f"SELECT * FROM read_parquet({as_path(file)})"
            rows += f" WHERE NOT coalesce({condition}, false)"
            write_parquet(self._session, rows, draft, text=True, ordered=True)
            draft.replace(file)

    def _numbers(self) -> range:
        return range(len(self._person.staged))

    def _in_columns(self) -> str:
        # CAST("email" AS VARCHAR) = getvariable('staged_0')
        return " AND ".join(
            f"CAST({quote(name)} AS VARCHAR) = getvariable('staged_{number}')"
            for number, name in enumerate(self._person.staged)
        )

    def _in_values(self) -> str:
        # json_extract_string(values, '/email') IN (getvariable('staged_0'), getvariable('raw_0'))
        return " AND ".join(
            f"json_extract_string(values, {literal('/' + name)}) "
            f"IN (getvariable('staged_{number}'), getvariable('raw_{number}'))"
            for number, name in enumerate(self._person.staged)
        )
