# Entries without values: who knows a secret puts it in, and no state ever holds it.
resource "aws_secretsmanager_secret" "airflow" {
  for_each = var.secrets
  name     = "airflow/${each.value}"
  tags     = local.tags
}
