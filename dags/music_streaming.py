"""The DAG of pipelines/music_streaming.yml."""

from etl_framework.airflow import load_dag

load_dag("music_streaming", globals())
