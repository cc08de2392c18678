from etl_framework.airflow import load_dag

load_dag("shop_orders", globals())
