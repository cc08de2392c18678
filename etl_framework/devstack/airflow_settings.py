"""Settings, connections and variables of an Airflow that uses the stand-in."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from pathlib import Path

HOST = "127.0.0.1"
PREFIX = "stagingData"


def settings(root: Path, folder: Path, port: int) -> dict[str, str]:
    key = secrets.token_urlsafe(32)
    options = {
        "CORE__DAGS_FOLDER": str(root / "dags"),
        "CORE__EXECUTOR": "LocalExecutor",
        "CORE__EXECUTION_API_SERVER_URL": f"http://{HOST}:{port}/execution/",
        "CORE__LOAD_EXAMPLES": "False",
        "CORE__PARALLELISM": "8",
        "CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "True",
        "CORE__INTERNAL_API_SECRET_KEY": key,
        "API__SECRET_KEY": key,
        "API__BASE_URL": f"http://{HOST}:{port}",
        "API__WORKERS": "1",
        "API_AUTH__JWT_SECRET": key,
        "WEBSERVER__SECRET_KEY": key,
        "WEBSERVER__WORKERS": "1",
        "WEBSERVER__EXPOSE_CONFIG": "True",
        "LOGGING__BASE_LOG_FOLDER": str(folder / "logs"),
        "SCHEDULER__SCHEDULER_HEALTH_CHECK_SERVER_HOST": HOST,
        "DAG_PROCESSOR__REFRESH_INTERVAL": "10",
        "DAG_FACTORY__ENABLE_TELEMETRY": "False",
        "USAGE_DATA_COLLECTION__ENABLED": "False",
        "ETL__ENVIRONMENT": "prod",
    }
    named = {f"AIRFLOW__{name}": value for name, value in options.items()}
    return {**named, "AIRFLOW_HOME": str(folder), "PYTHONWARNINGS": "ignore"}


def trust(stack: Mapping[str, str]) -> dict[str, str]:
    """Return variables that make libpq and redshift_connector trust the stand-in's certificate."""
    return dict.fromkeys(("PGSSLROOTCERT", "SSL_CERT_FILE"), stack["ETL_DEV_AUTHORITY"])


def connections_of(stack: Mapping[str, str]) -> dict[str, object]:
    """Return Airflow's connections to the stand-in, by their names in production."""
    from urllib.parse import urlsplit

    rds = urlsplit(stack["ETL_DEV_RDS_URL"])
    tls = {"sslmode": "verify-full", "sslrootcert": stack["ETL_DEV_AUTHORITY"]}
    return {
        "music_rds": {
            "conn_type": "postgres",
            "host": rds.hostname,
            "port": rds.port,
            "login": rds.username,
            "password": rds.password,
            "schema": rds.path.lstrip("/"),
            "extra": json.dumps(tls),
        },
        "redshift_default": {
            "conn_type": "redshift",
            "host": stack["ETL_DEV_REDSHIFT_HOST"],
            "port": int(stack["ETL_DEV_REDSHIFT_PORT"]),
            "login": stack["ETL_DEV_REDSHIFT_USER"],
            "password": stack["ETL_DEV_REDSHIFT_PASSWORD"],
            "schema": stack["ETL_DEV_REDSHIFT_DATABASE"],
            "extra": json.dumps({"sslmode": "verify-full"}),
        },
        "aws_default": {
            "conn_type": "aws",
            "login": stack["AWS_ACCESS_KEY_ID"],
            "password": stack["AWS_SECRET_ACCESS_KEY"],
            "extra": json.dumps(
                {
                    "region_name": stack["AWS_DEFAULT_REGION"],
                    "service_config": {
                        "s3": {"endpoint_url": stack["ETL_DEV_S3_URL"]},
                        "redshift": {"endpoint_url": stack["ETL_DEV_AWS_URL"]},
                        "redshift-serverless": {"endpoint_url": stack["ETL_DEV_AWS_URL"]},
                        "redshift-data": {"endpoint_url": stack["ETL_DEV_AWS_URL"]},
                    },
                }
            ),
        },
    }


def variables_of(stack: Mapping[str, str]) -> dict[str, str]:
    return {
        "s3_bucket": stack["ETL_DEV_BUCKET"],
        "bucket_prefix": PREFIX,
        "iam_arn": stack["ETL_DEV_REDSHIFT_ROLE"],
    }
