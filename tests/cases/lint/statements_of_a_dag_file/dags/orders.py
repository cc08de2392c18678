import etl_framework.airflow as etl

etl.load_dag("orders", globals())
etl.RedshiftSqlOperator(
    task_id="merge",
    sql="""
        MERGE INTO public.by_country AS t
        USING stage ON t.country = stage.country REMOVE DUPLICATES
    """,
)
etl.RedshiftSqlOperator(task_id="clear", sql="TRUNCATE by_country")
etl.RedshiftSqlOperator(task_id="copy", sql="-- postgresql://me:secret@db/x\nSELECT 1")
