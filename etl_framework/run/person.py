"""A person whose rows are looked for, by values of a source's columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from etl_framework.errors import ConfigError, did_you_mean
from etl_framework.project.workspace import Workspace
from etl_framework.sources.base import Source
from etl_framework.sources.columns import MaskedColumn
from etl_framework.sql.masks import keyed, text_of_value
from etl_framework.sql.planner import config, scratch
from etl_framework.sql.quote import literal, quote
from etl_framework.sql.text_form import TextForm
from etl_framework.storage.decisions import Decision
from etl_framework.storage.forgotten import hashed
from etl_framework.storage.parquet import as_path, write_parquet
from etl_framework.storage.rejected import text_of

# Types whose values have one text alone, in DuckDB and every warehouse.
ONE_TEXT = {
    "varchar": "text",
    "char": "text",
    "smallint": "whole number",
    "integer": "whole number",
    "bigint": "whole number",
    "date": "date",
}


@dataclass(frozen=True)
class Person:
    """Who is looked for. Rows are his or hers that have all of the values.

    :param columns: the columns by which rows are found.
    :param form: how the source writes values in texts.
    :param raw: the values as texts, as the source has them, by column.
    :param staged: the same as they lie in staging, masked where the columns are.
    :param hashes: the same as a list of the forgotten has them.
    """

    columns: Mapping[str, MaskedColumn]
    form: TextForm
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
        raw, named = {}, {}
        columns = {column.name: column for column in source.columns}
        for name, text in where.items():
            if name not in columns:
                hint = did_you_mean(name, columns)
                raise ConfigError(f"the source has no column '{name}'", hint=hint)
            column = columns[name]
            if column.mask not in ("none", "hash"):
                message = f"'{name}' is masked ({column.mask}), and tells no rows apart in staging"
                raise ConfigError(message, hint="name a column without mask, or with mask: hash")
            if column.type.name not in ONE_TEXT:
                message = f"'{name}' is {column.type}, and a value of it is written in several ways"
                raise ConfigError(message, hint="name a column of text, whole numbers or dates")
            value = _computed(f"CAST(TRY_CAST(? AS {column.type.duckdb}) AS VARCHAR)", text)
            if value is None:
                raise ConfigError(f"what is given for '{name}' is no {column.type}")
            raw[name], named[name] = value, column
        salt = workspace.salt
        staged = {n: keyed(salt, v) if named[n].mask == "hash" else v for n, v in raw.items()}
        hashes = {name: keyed(salt, hashed(value)) for name, value in raw.items()}
        return cls(named, source.form, raw, staged, hashes)

    def has(self, values: Mapping[str, str | None]) -> bool:
        """Return whether the texts of a row are those of the person."""
        texts = {name: values.get(name) for name in self.staged}
        return all(text is not None and self._is_value(name, text) for name, text in texts.items())

    def _is_value(self, name: str, text: str) -> bool:
        value = _computed(text_of_value(self.columns[name], "CAST(? AS VARCHAR)", self.form), text)
        return self.raw[name] == value or self.staged[name] == text

    def of_decisions(self, made: Mapping[str, Decision]) -> set[str]:
        """Return the ids of the rows that were corrected into rows of the person."""
        return {
            id_ for id_, decision in made.items() if decision.values and self.has(decision.values)
        }


def _computed(sql: str, text: str) -> str | None:
    """Return the value of an expression over a text, which may stand in it several times."""
    with closing(scratch("UTC")) as session:
        (value,) = session.execute(f"SELECT {sql}", [text] * sql.count("?")).fetchone() or (None,)
    return None if value is None else str(value)


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
        # (json_extract_string(values, '/email') = getvariable('staged_0') OR ... = raw_0)
        person = self._person
        return " AND ".join(
            f"({text_of(name)} = getvariable('staged_{number}') OR "
            f"{text_of_value(column, text_of(name), person.form)} = getvariable('raw_{number}'))"
            for number, (name, column) in enumerate(person.columns.items())
        )
