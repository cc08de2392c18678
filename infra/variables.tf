variable "name" {
  description = "What everything here is called by."
  type        = string
}

variable "data_bucket" {
  description = "The bucket of sources and staging: Airflow's variable s3_bucket."
  type        = string
}

variable "dags_bucket" {
  description = "The bucket that MWAA reads DAGs from."
  type        = string
}

variable "staging_prefix" {
  description = "Where staging lies in the bucket: Airflow's variable bucket_prefix."
  type        = string
  default     = "stagingData"

  validation {
    condition     = can(regex("^[^*?/$]([^*?$]*[^*?/$])?$", var.staging_prefix))
    error_message = "A prefix has no slash at its ends and no wildcard."
  }
}

variable "vpc_id" {
  description = "The network of MWAA and the databases."
  type        = string
}

variable "subnet_ids" {
  description = "Two private subnets in two zones."
  type        = list(string)

  validation {
    condition     = length(var.subnet_ids) >= 2
    error_message = "MWAA and RDS need two subnets."
  }
}

variable "database_users" {
  description = "User and database that pipelines log in with."
  type = object({
    rds_user           = string
    rds_database       = string
    warehouse_user     = string
    warehouse_database = string
  })
  default = {
    rds_user           = "etl"
    rds_database       = "music"
    warehouse_user     = "etl"
    warehouse_database = "dev"
  }
}

variable "secrets" {
  description = "Connections and variables of Airflow that get an entry; values are put in by hand."
  type        = set(string)
  default = [
    "connections/aws_default",
    "connections/music_rds",
    "connections/redshift_default",
    "variables/bucket_prefix",
    "variables/iam_arn",
    "variables/s3_bucket",
  ]
}

variable "warehouse_arn" {
  description = "The cluster that COPY runs for; any Serverless namespace of this account if empty."
  type        = string
  default     = ""
}

variable "create_mwaa" {
  description = "Make an MWAA environment."
  type        = bool
  default     = false
}

variable "mwaa" {
  description = "Version and class of the environment."
  type        = object({ version = string, class = string, max_workers = number })
  default     = { version = "3.3.1", class = "mw1.small", max_workers = 2 }
}

variable "create_rds" {
  description = "Make a PostgreSQL on RDS."
  type        = bool
  default     = false
}

variable "create_redshift" {
  description = "Make a Redshift Serverless workgroup."
  type        = bool
  default     = false
}
