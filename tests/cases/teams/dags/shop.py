"""The DAGs of the pipelines in pipelines/shop/."""

from etl_framework.airflow import load_dags

load_dags("pipelines/shop", globals())
