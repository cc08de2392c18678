"""The engine `duckdb`: runs steps in this process, on Parquet files in staging."""

from __future__ import annotations

from typing import TYPE_CHECKING

from etl_framework.engines.base import Engine

if TYPE_CHECKING:
    from etl_framework.engines.work import Work
    from etl_framework.plan.compilation import Compiled
    from etl_framework.storage.outcome import Outcome


class DuckDBEngine(Engine):
    """Processes rows as a stream, spills to disk, and keeps to the environment's memory limit."""

    dialect = "duckdb"

    def sql(self, query: Compiled) -> str:
        return query.sql

    def query_plan(self, sql: str, schema: dict[str, dict[str, str]]) -> str:
        from etl_framework.sql.planner import query_plan

        return query_plan(sql, schema)

    def extract(self, work: Work) -> Outcome:
        from etl_framework.engines.corrections import with_corrections
        from etl_framework.engines.judge import extracted, new_columns
        from etl_framework.storage.outcome import Outcome

        rows = work.source.extract(work.extraction(work.folder))
        results = new_columns(work, rows)
        rows = with_corrections(work, rows)
        files = tuple(work.folder.files("data"))
        return extracted(work, rows, Outcome(checks=results, files=files))

    def check(self, work: Work) -> Outcome:
        from etl_framework.engines.duckdb.check import check

        return check(work)

    def transform(self, work: Work) -> Outcome:
        from etl_framework.engines.duckdb.transform import transform

        return transform(work)
