from etl_framework.airflow import load_dag

load_dag("kept_counts", globals())
