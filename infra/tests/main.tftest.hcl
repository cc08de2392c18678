# `terraform test`: everything is made up by a mocked provider, and asked afterwards.
mock_provider "aws" {
  mock_data "aws_caller_identity" {
    defaults = { account_id = "123456789012" }
  }
  mock_data "aws_region" {
    defaults = { name = "eu-west-1" }
  }
  mock_resource "aws_iam_role" {
    defaults = { arn = "arn:aws:iam::123456789012:role/made-up" }
  }
  mock_resource "aws_iam_policy" {
    defaults = { arn = "arn:aws:iam::123456789012:policy/made-up" }
  }
  mock_resource "aws_s3_bucket" {
    defaults = { arn = "arn:aws:s3:::made-up" }
  }
}

variables {
  name        = "music"
  data_bucket = "music-lake"
  dags_bucket = "music-dags"
  vpc_id      = "vpc-0123456789abcdef0"
  subnet_ids  = ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"]
}

run "little" {
  assert {
    condition = alltrue([
      for policy in aws_s3_bucket_policy.this :
      jsondecode(policy.policy).Statement[0].Effect == "Deny" &&
      jsondecode(policy.policy).Statement[0].Condition.Bool["aws:SecureTransport"] == "false"
    ])
    error_message = "A bucket can be spoken to in the clear."
  }

  assert {
    condition     = toset(keys(aws_s3_bucket_versioning.this)) == toset(["data", "dags"])
    error_message = "A bucket keeps no versions."
  }

  assert {
    condition = alltrue([
      for block in aws_s3_bucket_public_access_block.this :
      block.block_public_acls && block.block_public_policy && block.ignore_public_acls && block.restrict_public_buckets
    ])
    error_message = "A bucket may become public."
  }

  assert {
    condition     = jsondecode(aws_iam_role.mwaa.assume_role_policy).Statement[0].Condition.StringEquals["aws:SourceAccount"] == "123456789012"
    error_message = "Another account can use our role."
  }

  assert {
    condition     = length(aws_mwaa_environment.this) + length(aws_db_instance.rds) + length(aws_redshiftserverless_workgroup.this) == 0
    error_message = "What was not asked for is made."
  }

  assert {
    condition     = length(aws_secretsmanager_secret.airflow) == 6
    error_message = "A secret has no entry."
  }

  assert {
    condition     = strcontains(output.grants, "GRANT SELECT, INSERT, DELETE ON TABLE \"public\".\"kpis_genre\" TO \"etl\"")
    error_message = "The grants are not those of the pipelines."
  }
}

run "everything" {
  variables {
    create_mwaa     = true
    create_rds      = true
    create_redshift = true
  }

  assert {
    condition     = aws_db_instance.rds[0].storage_encrypted && !aws_db_instance.rds[0].publicly_accessible && aws_db_instance.rds[0].manage_master_user_password
    error_message = "RDS is open."
  }

  assert {
    condition     = !aws_redshiftserverless_workgroup.this[0].publicly_accessible
    error_message = "Redshift is open."
  }

  assert {
    condition     = aws_mwaa_environment.this[0].airflow_configuration_options["etl.environment"] == "prod"
    error_message = "MWAA runs another environment."
  }
}

run "a_prefix_with_a_slash" {
  command = plan
  variables {
    staging_prefix = "stagingData/"
  }
  expect_failures = [var.staging_prefix]
}

run "one_subnet" {
  command = plan
  variables {
    subnet_ids = ["subnet-0123456789abcdef0"]
  }
  expect_failures = [var.subnet_ids]
}
