output "execution_role_arn" {
  description = "The role of MWAA."
  value       = aws_iam_role.mwaa.arn
}

output "copy_role_arn" {
  description = "The role of COPY: Airflow's variable iam_arn."
  value       = module.rights.copy_role_arn
}

output "grants" {
  description = "What the owner of the tables runs in the databases."
  value       = module.rights.grants
}
