"""The DAGs of the pipelines in pipelines/finance/."""

from etl_framework.airflow import load_dags

load_dags("pipelines/finance", globals())
