"""The DAG of pipelines/music_daily.yml."""

from etl_framework.airflow import load_dag

load_dag("music_daily", globals())
