"""Ask and try what a database's user may do."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

from etl_framework.connections.postgres import Postgres, our_errors
from etl_framework.connections.redshift.connection import Redshift
from etl_framework.doctor.base import Examination, Patient
from etl_framework.errors import Diagnostic, EtlError
from etl_framework.errors.secrets import without_secrets
from etl_framework.sources.postgres.source import PostgresSource
from etl_framework.sql.quote import names, quote_table
from etl_framework.targets import ledger
from etl_framework.targets.base import Warehouse

HINT = "etl iam --format sql prints the grants"
WANTED = ("SELECT", "INSERT", "DELETE")


class SourceTables(Examination):
    """The tables of sources exist with their columns, and may be read."""

    codes = ("D406",)
    stage = 2

    def subjects(self, patient: Patient) -> list[str]:
        return [n for n, c in patient.connections.items() if isinstance(c, Postgres)]

    def examine(self, patient: Patient, subject: str) -> Iterator[Diagnostic]:
        connection = cast(Postgres, patient.connections[subject])
        for pipeline_file in patient.project.pipelines:
            for name, source in pipeline_file.model.sources.items() if pipeline_file.model else ():
                if not isinstance(source, PostgresSource) or source.connection != subject:
                    continue
                columns = names([column.name for column in source.columns])
                sql = f"SELECT {columns} FROM {quote_table(source.table)} LIMIT 0"
                try:
                    _run(connection, patient, sql)
                except EtlError as error:
                    message = without_secrets(error.diagnostics[0].message)
                    keys = ("sources", name)
                    yield pipeline_file.file.diagnostic(keys, "D406", message, HINT, of_key=True)


class TargetTables(Examination):
    """The tables of targets may be changed; a missing one may be created."""

    codes = ("D406",)
    stage = 2

    def subjects(self, patient: Patient) -> list[str]:
        kinds = (Postgres, Redshift)
        used = {k.target.connection for p in patient.pipelines for k in p.kpis.values()}
        return [n for n, c in patient.connections.items() if n in used and isinstance(c, kinds)]

    def examine(self, patient: Patient, subject: str) -> Iterator[Diagnostic]:
        with patient.workspace.warehouse(subject, read_only=True) as warehouse:
            if not _may(warehouse, "has_database_privilege(current_database(), 'TEMP')"):
                yield patient.at(subject, "D406", "it may make no temporary tables", HINT)
            for pipeline_file in patient.project.pipelines:
                for name, kpi in pipeline_file.model.kpis.items() if pipeline_file.model else ():
                    if kpi.target.connection == subject:
                        told = _missing(warehouse, kpi.target.table)
                        if told:
                            keys = ("kpis", name, "target")
                            yield pipeline_file.file.diagnostic(keys, "D406", told, HINT)
            if told := _missing(warehouse, ledger.TABLE):
                yield patient.at(subject, "D406", told, HINT)


def _run(connection: Postgres, patient: Patient, sql: str) -> None:
    opened = connection.connect(patient.project.root)
    try:
        with our_errors(), opened.cursor() as cursor:
            cursor.execute(sql)
    finally:
        opened.close()


def _missing(warehouse: Warehouse, table: str) -> str:
    """What the user may not do with a table, in words; empty if nothing is missing."""
    if not warehouse.table_columns(table):
        schema = table.partition(".")[0] if "." in table else warehouse.home
        if not warehouse.number(warehouse.schema_sql, (schema,)):
            if _may(warehouse, "has_database_privilege(current_database(), 'CREATE')"):
                return ""
        elif _may(warehouse, "has_schema_privilege(?, 'CREATE')", schema):
            return ""
        return f"there is no table {table}, and it may not be made"
    refused = [
        privilege
        for privilege in WANTED
        if not _may(warehouse, f"has_table_privilege(?, '{privilege}')", quote_table(table))
    ]
    return f"the user may not {', '.join(refused)} on {table}" if refused else ""


def _may(warehouse: Warehouse, question: str, *values: str) -> bool:
    # Runs for example: SELECT has_table_privilege('"public"."orders"', 'INSERT')
    try:
        _, ((answer,),) = warehouse.query(f"SELECT {question}", values)
    except EtlError:  # the schema does not exist
        return False
    return str(answer).lower() in ("true", "t", "1")
