# Both make their administrator's password themselves and keep it in Secrets Manager.
resource "aws_db_subnet_group" "rds" {
  count      = var.create_rds ? 1 : 0
  name       = var.name
  subnet_ids = var.subnet_ids
  tags       = local.tags
}

resource "aws_db_parameter_group" "rds" {
  count  = var.create_rds ? 1 : 0
  name   = var.name
  family = "postgres16"
  tags   = local.tags

  parameter {
    name  = "rds.force_ssl"
    value = "1"
  }
}

resource "aws_db_instance" "rds" {
  count                       = var.create_rds ? 1 : 0
  identifier                  = var.name
  engine                      = "postgres"
  engine_version              = "16"
  instance_class              = "db.t4g.small"
  allocated_storage           = 20
  db_name                     = var.database_users.rds_database
  username                    = "administrator"
  manage_master_user_password = true
  storage_encrypted           = true
  publicly_accessible         = false
  backup_retention_period     = 7
  deletion_protection         = true
  copy_tags_to_snapshot       = true
  final_snapshot_identifier   = "${var.name}-final"
  parameter_group_name        = aws_db_parameter_group.rds[0].name
  db_subnet_group_name        = aws_db_subnet_group.rds[0].name
  vpc_security_group_ids      = [aws_security_group.rds.id]
  tags                        = local.tags
}

resource "aws_redshiftserverless_namespace" "this" {
  count                 = var.create_redshift ? 1 : 0
  namespace_name        = var.name
  db_name               = var.database_users.warehouse_database
  admin_username        = "administrator"
  manage_admin_password = true
  iam_roles             = [module.rights.copy_role_arn]
  default_iam_role_arn  = module.rights.copy_role_arn
  log_exports           = ["connectionlog", "userlog"]
  tags                  = local.tags
}

resource "aws_redshiftserverless_workgroup" "this" {
  count                = var.create_redshift ? 1 : 0
  namespace_name       = aws_redshiftserverless_namespace.this[0].namespace_name
  workgroup_name       = var.name
  base_capacity        = 8
  publicly_accessible  = false
  enhanced_vpc_routing = true
  subnet_ids           = var.subnet_ids
  security_group_ids   = [aws_security_group.redshift.id]
  tags                 = local.tags

  config_parameter {
    parameter_key   = "require_ssl"
    parameter_value = "true"
  }
}
