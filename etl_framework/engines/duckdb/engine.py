"""The engine `duckdb`: runs steps in this process, on Parquet files in staging."""

from __future__ import annotations

from typing import TYPE_CHECKING

from etl_framework.engines.base import Engine

if TYPE_CHECKING:
    from collections.abc import Mapping

    from etl_framework.engines.work import Work
    from etl_framework.plan.compilation import Compiled
    from etl_framework.storage.outcome import Outcome
    from etl_framework.targets.earlier import Earlier


class DuckDBEngine(Engine):
    """Processes rows as a stream, spills to disk, and keeps to the environment's memory limit."""

    dialect = "duckdb"

    def sql(self, query: Compiled) -> str:
        return query.sql

    def condition(self, sql: str, relation: str, columns: Mapping[str, str] | None) -> str:
        from etl_framework.sql.conditions import duckdb_condition

        return duckdb_condition(sql, relation, columns)

    def query_plan(self, sql: str, schema: dict[str, dict[str, str]]) -> str:
        from etl_framework.sql.planner import query_plan

        return query_plan(sql, schema)

    def extract(self, work: Work) -> Outcome:
        from etl_framework.engines.corrections import with_corrections
        from etl_framework.engines.judge import extracted, remarks
        from etl_framework.engines.masks import extract_rows
        from etl_framework.storage.outcome import Outcome

        rows = extract_rows(work)
        results = remarks(work, rows)
        rows = with_corrections(work, rows)
        files = tuple(work.folder.files("data"))
        return extracted(work, rows, Outcome(checks=results, files=files))

    def check(self, work: Work) -> Outcome:
        from etl_framework.engines.duckdb.check import check

        return check(work)

    def transform(self, work: Work) -> Outcome:
        from etl_framework.engines.duckdb.transform import transform

        return transform(work)

    def earlier(self, work: Work, rows: Earlier) -> Outcome:
        from etl_framework.engines.duckdb.earlier import earlier

        return earlier(work, rows)
