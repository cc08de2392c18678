resource "aws_mwaa_environment" "this" {
  count              = var.create_mwaa ? 1 : 0
  name               = var.name
  airflow_version    = var.mwaa.version
  environment_class  = var.mwaa.class
  max_workers        = var.mwaa.max_workers
  execution_role_arn = aws_iam_role.mwaa.arn
  source_bucket_arn  = aws_s3_bucket.this["dags"].arn
  dag_s3_path        = "dags/"
  tags               = local.tags
  depends_on         = [aws_iam_role_policy.mwaa, aws_s3_bucket_versioning.this]

  webserver_access_mode = "PRIVATE_ONLY"

  airflow_configuration_options = {
    "dag_factory.enable_telemetry" = "False"
    "etl.environment"              = "prod"
    "secrets.backend"              = "airflow.providers.amazon.aws.secrets.secrets_manager.SecretsManagerBackend"
    "secrets.backend_kwargs" = jsonencode({
      connections_prefix = "airflow/connections"
      variables_prefix   = "airflow/variables"
    })
  }

  network_configuration {
    security_group_ids = [aws_security_group.mwaa.id]
    subnet_ids         = slice(var.subnet_ids, 0, 2)
  }

  logging_configuration {
    dag_processing_logs {
      enabled   = true
      log_level = "INFO"
    }
    scheduler_logs {
      enabled   = true
      log_level = "INFO"
    }
    task_logs {
      enabled   = true
      log_level = "INFO"
    }
    webserver_logs {
      enabled   = true
      log_level = "INFO"
    }
    worker_logs {
      enabled   = true
      log_level = "INFO"
    }
  }
}
