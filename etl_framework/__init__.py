"""Declare a pipeline in YAML and SQL; run it on a laptop, on Airflow, in Redshift."""

__version__ = "0.1.0"
