"""The DAGs of the pipelines in pipelines/web/."""

from etl_framework.airflow import load_dags

load_dags("pipelines/web", globals())
