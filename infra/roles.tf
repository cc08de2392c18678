# What MWAA itself needs; what the pipelines need is added by rights/, which `etl iam` makes.
resource "aws_iam_role" "mwaa" {
  name = "${var.name}-mwaa"
  tags = local.tags
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = ["airflow.amazonaws.com", "airflow-env.amazonaws.com"] }
      Action    = "sts:AssumeRole"
      Condition = {
        StringEquals = { "aws:SourceAccount" = local.account }
        ArnLike      = { "aws:SourceArn" = "arn:aws:airflow:${local.region}:${local.account}:environment/${var.name}" }
      }
    }]
  })
}

# Source: MWAA's User Guide, "Amazon MWAA execution role", with a key of AWS's own.
resource "aws_iam_role_policy" "mwaa" {
  name = "mwaa"
  role = aws_iam_role.mwaa.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid      = "Metrics"
        Effect   = "Allow"
        Action   = "airflow:PublishMetrics"
        Resource = "arn:aws:airflow:${local.region}:${local.account}:environment/${var.name}"
      },
      {
        Sid    = "Dags"
        Effect = "Allow"
        Action = ["s3:GetObject*", "s3:GetBucket*", "s3:List*"]
        Resource = [
          "arn:aws:s3:::${var.dags_bucket}",
          "arn:aws:s3:::${var.dags_bucket}/*",
        ]
      },
      {
        Sid      = "WithoutResource"
        Effect   = "Allow"
        Action   = ["cloudwatch:PutMetricData", "logs:DescribeLogGroups", "s3:GetAccountPublicAccessBlock"]
        Resource = "*"
      },
      {
        Sid    = "Logs"
        Effect = "Allow"
        Action = [
          "logs:CreateLogGroup",
          "logs:CreateLogStream",
          "logs:GetLogEvents",
          "logs:GetLogGroupFields",
          "logs:GetLogRecord",
          "logs:GetQueryResults",
          "logs:PutLogEvents",
        ]
        Resource = "arn:aws:logs:${local.region}:${local.account}:log-group:airflow-${var.name}-*"
      },
      {
        Sid    = "Queue"
        Effect = "Allow"
        Action = [
          "sqs:ChangeMessageVisibility",
          "sqs:DeleteMessage",
          "sqs:GetQueueAttributes",
          "sqs:GetQueueUrl",
          "sqs:ReceiveMessage",
          "sqs:SendMessage",
        ]
        Resource = "arn:aws:sqs:${local.region}:*:airflow-celery-*"
      },
      {
        Sid         = "KeyOfTheQueue"
        Effect      = "Allow"
        Action      = ["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey*"]
        NotResource = "arn:aws:kms:*:${local.account}:key/*"
        Condition = {
          StringLike = { "kms:ViaService" = "sqs.${local.region}.amazonaws.com" }
        }
      },
    ]
  })
}

module "rights" {
  source                      = "./rights"
  account_id                  = local.account
  region                      = local.region
  execution_role_name         = aws_iam_role.mwaa.name
  s3_bucket                   = var.data_bucket
  bucket_prefix               = var.staging_prefix
  iam_arn                     = module.rights.copy_role_arn
  music_rds_user              = var.database_users.rds_user
  music_rds_database          = var.database_users.rds_database
  music_rds_security_group_id = aws_security_group.rds.id
  warehouse_user              = var.database_users.warehouse_user
  warehouse_database          = var.database_users.warehouse_database
  warehouse_security_group_id = aws_security_group.redshift.id
  mwaa_security_group_id      = aws_security_group.mwaa.id
  warehouse_arn = (
    var.warehouse_arn != "" ? var.warehouse_arn :
    "arn:aws:redshift-serverless:${local.region}:${local.account}:namespace/*"
  )
}
