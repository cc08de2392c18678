# Made by `etl iam --format terraform`; make it again when the pipelines change.
terraform {
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.0"
    }
  }
}

variable "account_id" {
  description = "The number of the account."
  type        = string
}

variable "bucket_prefix" {
  description = "Airflow's variable bucket_prefix, without a slash at its end."
  type        = string
}

variable "execution_role_name" {
  description = "The name of MWAA's execution role."
  type        = string
}

variable "iam_arn" {
  description = "Airflow's variable iam_arn."
  type        = string
}

variable "music_rds_database" {
  description = "The database of 'music_rds'."
  type        = string
}

variable "music_rds_security_group_id" {
  description = "The security group of the database behind 'music_rds'."
  type        = string
}

variable "music_rds_user" {
  description = "The database user of 'music_rds'."
  type        = string
}

variable "mwaa_security_group_id" {
  description = "The security group of MWAA."
  type        = string
}

variable "region" {
  description = "The region that everything lies in."
  type        = string
}

variable "s3_bucket" {
  description = "Airflow's variable s3_bucket."
  type        = string
}

variable "warehouse_arn" {
  description = "The cluster's ARN behind 'warehouse'."
  type        = string
}

variable "warehouse_database" {
  description = "The database of 'warehouse'."
  type        = string
}

variable "warehouse_security_group_id" {
  description = "The security group of the database behind 'warehouse'."
  type        = string
}

variable "warehouse_user" {
  description = "The database user of 'warehouse'."
  type        = string
}

resource "aws_iam_policy" "execution_1" {
  name = "etl-prod-1"
  policy = jsonencode({
    "Version" : "2012-10-17",
    "Statement" : [
      {
        "Sid" : "ReadObjects",
        "Effect" : "Allow",
        "Action" : [
          "s3:GetObject"
        ],
        "Resource" : [
          "arn:aws:s3:::${var.s3_bucket}/${var.bucket_prefix}/music_daily/*",
          "arn:aws:s3:::${var.s3_bucket}/${var.bucket_prefix}/music_streaming/*",
          "arn:aws:s3:::${var.s3_bucket}/streaming-data/*.csv*"
        ]
      },
      {
        "Sid" : "WriteObjects",
        "Effect" : "Allow",
        "Action" : [
          "s3:AbortMultipartUpload",
          "s3:PutObject"
        ],
        "Resource" : [
          "arn:aws:s3:::${var.s3_bucket}/${var.bucket_prefix}/music_daily/*",
          "arn:aws:s3:::${var.s3_bucket}/${var.bucket_prefix}/music_streaming/*"
        ]
      },
      {
        "Sid" : "DeleteObjects",
        "Effect" : "Allow",
        "Action" : [
          "s3:DeleteObject"
        ],
        "Resource" : [
          "arn:aws:s3:::${var.s3_bucket}/${var.bucket_prefix}/music_daily/*",
          "arn:aws:s3:::${var.s3_bucket}/${var.bucket_prefix}/music_streaming/*"
        ]
      },
      {
        "Sid" : "ListBucket1",
        "Effect" : "Allow",
        "Action" : [
          "s3:ListBucket"
        ],
        "Resource" : [
          "arn:aws:s3:::${var.s3_bucket}"
        ],
        "Condition" : {
          "StringLike" : {
            "s3:prefix" : [
              "${var.bucket_prefix}/music_daily/*",
              "${var.bucket_prefix}/music_streaming/*",
              "streaming-data/*"
            ]
          }
        }
      },
      {
        "Sid" : "ReadSecrets",
        "Effect" : "Allow",
        "Action" : [
          "secretsmanager:GetSecretValue"
        ],
        "Resource" : [
          "arn:aws:secretsmanager:${var.region}:${var.account_id}:secret:airflow/connections/aws_default-??????",
          "arn:aws:secretsmanager:${var.region}:${var.account_id}:secret:airflow/connections/music_rds-??????",
          "arn:aws:secretsmanager:${var.region}:${var.account_id}:secret:airflow/connections/redshift_default-??????",
          "arn:aws:secretsmanager:${var.region}:${var.account_id}:secret:airflow/variables/bucket_prefix-??????",
          "arn:aws:secretsmanager:${var.region}:${var.account_id}:secret:airflow/variables/iam_arn-??????",
          "arn:aws:secretsmanager:${var.region}:${var.account_id}:secret:airflow/variables/s3_bucket-??????"
        ]
      }
    ]
  })
}

resource "aws_iam_role_policy_attachment" "execution_1" {
  role       = var.execution_role_name
  policy_arn = aws_iam_policy.execution_1.arn
}

resource "aws_iam_role" "copy" {
  name = "etl-prod-copy"
  assume_role_policy = jsonencode({
    "Version" : "2012-10-17",
    "Statement" : [
      {
        "Sid" : "OnlyForOurs",
        "Effect" : "Allow",
        "Principal" : {
          "Service" : [
            "redshift-serverless.amazonaws.com",
            "redshift.amazonaws.com"
          ]
        },
        "Action" : "sts:AssumeRole",
        "Condition" : {
          "StringEquals" : {
            "aws:SourceAccount" : [
              "${var.account_id}"
            ]
          },
          "ArnLike" : {
            "aws:SourceArn" : [
              "${var.warehouse_arn}"
            ]
          }
        }
      }
    ]
  })
}

resource "aws_iam_role_policy" "copy_1" {
  name = "read-1"
  role = aws_iam_role.copy.id
  policy = jsonencode({
    "Version" : "2012-10-17",
    "Statement" : [
      {
        "Sid" : "ReadObjects",
        "Effect" : "Allow",
        "Action" : [
          "s3:GetObject"
        ],
        "Resource" : [
          "arn:aws:s3:::${var.s3_bucket}/${var.bucket_prefix}/music_daily/*",
          "arn:aws:s3:::${var.s3_bucket}/${var.bucket_prefix}/music_streaming/*"
        ]
      },
      {
        "Sid" : "WriteObjects",
        "Effect" : "Allow",
        "Action" : [
          "s3:AbortMultipartUpload",
          "s3:PutObject"
        ],
        "Resource" : [
          "arn:aws:s3:::${var.s3_bucket}/${var.bucket_prefix}/music_daily/*/loads/*"
        ]
      },
      {
        "Sid" : "ListBucket1",
        "Effect" : "Allow",
        "Action" : [
          "s3:ListBucket"
        ],
        "Resource" : [
          "arn:aws:s3:::${var.s3_bucket}"
        ],
        "Condition" : {
          "StringLike" : {
            "s3:prefix" : [
              "${var.bucket_prefix}/music_daily/*",
              "${var.bucket_prefix}/music_streaming/*"
            ]
          }
        }
      }
    ]
  })
}

output "copy_role_arn" {
  description = "The role that COPY reads with."
  value       = aws_iam_role.copy.arn
}

resource "aws_vpc_security_group_ingress_rule" "music_rds_1" {
  description                  = "etl: music_rds"
  security_group_id            = var.music_rds_security_group_id
  ip_protocol                  = "tcp"
  from_port                    = "5432"
  to_port                      = "5432"
  referenced_security_group_id = var.mwaa_security_group_id
}

resource "aws_vpc_security_group_ingress_rule" "warehouse_2" {
  description                  = "etl: warehouse"
  security_group_id            = var.warehouse_security_group_id
  ip_protocol                  = "tcp"
  from_port                    = "5439"
  to_port                      = "5439"
  referenced_security_group_id = var.mwaa_security_group_id
}

output "grants" {
  description = "What the databases have to grant."
  value       = "-- music_rds\nGRANT CONNECT ON DATABASE \"${var.music_rds_database}\" TO \"${var.music_rds_user}\";\nGRANT USAGE ON SCHEMA \"public\" TO \"${var.music_rds_user}\";\nGRANT SELECT (\"artist\", \"duration\", \"genre\", \"title\", \"track_id\") ON TABLE \"public\".\"tracks\" TO \"${var.music_rds_user}\";\nGRANT SELECT (\"created_at\", \"user_id\", \"username\") ON TABLE \"public\".\"users\" TO \"${var.music_rds_user}\";\n\n-- warehouse\nGRANT TEMPORARY ON DATABASE \"${var.warehouse_database}\" TO \"${var.warehouse_user}\";\nGRANT USAGE ON SCHEMA \"public\" TO \"${var.warehouse_user}\";\nGRANT SELECT, INSERT, DELETE ON TABLE \"public\".\"daily_listens\" TO \"${var.warehouse_user}\";\nGRANT SELECT, INSERT, DELETE ON TABLE \"public\".\"etl_checks\" TO \"${var.warehouse_user}\";\nGRANT SELECT, INSERT, DELETE ON TABLE \"public\".\"etl_ledger\" TO \"${var.warehouse_user}\";\nGRANT SELECT, INSERT, DELETE ON TABLE \"public\".\"etl_lock_daily_listens\" TO \"${var.warehouse_user}\";\nGRANT SELECT, INSERT, DELETE ON TABLE \"public\".\"etl_lock_etl_runs\" TO \"${var.warehouse_user}\";\nGRANT SELECT, INSERT, DELETE ON TABLE \"public\".\"etl_lock_genre_all_days\" TO \"${var.warehouse_user}\";\nGRANT SELECT, INSERT, DELETE ON TABLE \"public\".\"etl_lock_hourly_all_days\" TO \"${var.warehouse_user}\";\nGRANT SELECT, INSERT, DELETE ON TABLE \"public\".\"etl_lock_kpis_genre\" TO \"${var.warehouse_user}\";\nGRANT SELECT, INSERT, DELETE ON TABLE \"public\".\"etl_lock_kpis_hourly\" TO \"${var.warehouse_user}\";\nGRANT SELECT, INSERT, DELETE ON TABLE \"public\".\"etl_lock_listeners_daily\" TO \"${var.warehouse_user}\";\nGRANT SELECT, INSERT, DELETE ON TABLE \"public\".\"etl_runs\" TO \"${var.warehouse_user}\";\nGRANT SELECT, INSERT, DELETE ON TABLE \"public\".\"genre_all_days\" TO \"${var.warehouse_user}\";\nGRANT SELECT, INSERT, DELETE ON TABLE \"public\".\"hourly_all_days\" TO \"${var.warehouse_user}\";\nGRANT SELECT, INSERT, DELETE ON TABLE \"public\".\"kpis_genre\" TO \"${var.warehouse_user}\";\nGRANT SELECT, INSERT, DELETE ON TABLE \"public\".\"kpis_hourly\" TO \"${var.warehouse_user}\";\nGRANT SELECT, INSERT, DELETE ON TABLE \"public\".\"listeners_daily\" TO \"${var.warehouse_user}\";\nGRANT ASSUMEROLE ON '${var.iam_arn}' TO \"${var.warehouse_user}\" FOR COPY, UNLOAD;\n"
}
