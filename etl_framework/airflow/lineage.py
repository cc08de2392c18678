"""Describe what a step read and wrote, in the terms of OpenLineage.

Source: the OpenLineage specification, "Naming" and its facets. This module is imported only if
Airflow's OpenLineage provider is installed and has a transport; then it asks the operators.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from etl_framework.columns import Column
    from etl_framework.plan.plan import Plan
    from etl_framework.plan.step import Step
    from etl_framework.run.run import StepResult

STAGING = "etl"


def lineage(plan: Plan, step: Step, result: StepResult) -> Any:
    """The inputs, outputs, columns, row counts and check results of a step that has run."""
    from airflow.providers.openlineage.extractors import OperatorLineage
    from openlineage.client.facet_v2 import sql_job

    inputs = [_staged(plan, relation) for relation, _ in step.inputs]
    outputs = [_written(plan, step, result)] if step.relation else []
    if step.kind == "extract":
        inputs = [_source(plan, step)]
    if step.kind == "earlier":
        inputs, outputs = [_target(plan, step.relation, output=False)], []
    if step.kind == "check":
        checked = _staged(plan, step.relation)
        inputs = [_asserted(checked, result), *[i for i in inputs if i.name != checked.name]]
    if step.kind == "publish":
        outputs = [_target(plan, relation) for relation, _ in step.inputs]
    facets = {"sql": sql_job.SQLJobFacet(query=step.sql)} if step.sql else {}
    return OperatorLineage(inputs=inputs, outputs=outputs, job_facets=facets)


def _source(plan: Plan, step: Step) -> Any:
    block: Any = step.block
    connection = plan.workspace.connection(block.connection)
    return _dataset(*connection.dataset(plan.root, block.reads()), block.columns)


def _target(plan: Plan, relation: str, *, output: bool = True) -> Any:
    kpi = plan.pipeline.kpis[relation]
    connection = plan.workspace.connection(kpi.target.connection)
    return _dataset(*connection.dataset(plan.root, kpi.target.table), kpi.columns, output=output)


def _staged(plan: Plan, relation: str) -> Any:
    """The dataset of a relation in staging, which has a name only within this framework."""
    columns = getattr(plan.pipeline.relations().get(relation), "staged", [])
    return _dataset(STAGING, _name(plan, relation), columns)


def _name(plan: Plan, relation: str) -> str:
    return f"{plan.pipeline.name}.{relation}"


def _dataset(namespace: str, name: str, columns: Sequence[Column], *, output: bool = False) -> Any:
    from openlineage.client.event_v2 import InputDataset, OutputDataset
    from openlineage.client.facet_v2 import schema_dataset as schema

    fields = [schema.SchemaDatasetFacetFields(c.name, str(c.type)) for c in columns]
    facets: dict[str, Any] = {"schema": schema.SchemaDatasetFacet(fields=fields)} if fields else {}
    return (OutputDataset if output else InputDataset)(namespace, name, facets=facets)


def _written(plan: Plan, step: Step, result: StepResult) -> Any:
    from openlineage.client.event_v2 import OutputDataset
    from openlineage.client.facet_v2 import column_lineage_dataset as columns
    from openlineage.client.facet_v2 import output_statistics_output_dataset as statistics

    from etl_framework.plan.lineage import step_lineage

    dataset = _staged(plan, step.relation)
    facets = dict(dataset.facets)
    fields = {
        column: columns.Fields([columns.InputField(STAGING, _name(plan, of), c) for of, c in made])
        for column, made in step_lineage(plan, step).items()
    }
    if fields:
        facets["columnLineage"] = columns.ColumnLineageDatasetFacet(fields=fields)
    rows = result.counts.get("kept", result.counts.get("rows", 0))
    facet = statistics.OutputStatisticsOutputDatasetFacet(rowCount=rows)
    return OutputDataset(
        dataset.namespace, dataset.name, {"outputStatistics": facet}, facets=facets
    )


def _asserted(dataset: Any, result: StepResult) -> Any:
    from openlineage.client.facet_v2 import data_quality_assertions_dataset as quality

    assertions = [
        quality.Assertion(assertion=check.check, success=check.status == "pass")
        for check in result.checks
    ]
    dataset.inputFacets = {
        "dataQualityAssertions": quality.DataQualityAssertionsDatasetFacet(assertions=assertions)
    }
    return dataset
