# `terraform test` in this folder: the policies as they come out, filled in.
mock_provider "aws" {
  mock_resource "aws_iam_policy" {
    defaults = { arn = "arn:aws:iam::123456789012:policy/made-up" }
  }
}

variables {
  account_id                  = "123456789012"
  region                      = "eu-west-1"
  execution_role_name         = "music-mwaa"
  s3_bucket                   = "music-lake"
  bucket_prefix               = "stagingData"
  iam_arn                     = "arn:aws:iam::123456789012:role/copy"
  music_rds_user              = "etl"
  music_rds_database          = "music"
  music_rds_security_group_id = "sg-0123456789abcdef0"
  warehouse_user              = "etl"
  warehouse_database          = "dev"
  warehouse_security_group_id = "sg-0123456789abcdef1"
  mwaa_security_group_id      = "sg-0123456789abcdef2"
  warehouse_arn               = "arn:aws:redshift:eu-west-1:123456789012:cluster:music"
}

run "rights" {
  assert {
    condition = contains(
      jsondecode(aws_iam_policy.execution_1.policy).Statement[0].Resource,
      "arn:aws:s3:::music-lake/stagingData/music_streaming/*"
    )
    error_message = "Staging cannot be read."
  }

  assert {
    condition     = jsondecode(aws_iam_role.copy.assume_role_policy).Statement[0].Condition.ArnLike["aws:SourceArn"] == [var.warehouse_arn]
    error_message = "Another cluster can use the role of COPY."
  }

  assert {
    condition     = aws_vpc_security_group_ingress_rule.warehouse_2.from_port == 5439 && aws_vpc_security_group_ingress_rule.warehouse_2.referenced_security_group_id == "sg-0123456789abcdef2"
    error_message = "Redshift is open to others than MWAA."
  }
}
