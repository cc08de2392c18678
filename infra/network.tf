# Who reaches whom: the rules into the databases are those of `etl iam` (rights/).
resource "aws_security_group" "mwaa" {
  name_prefix = "${var.name}-mwaa-"
  description = "MWAA of ${var.name}"
  vpc_id      = var.vpc_id
  tags        = local.tags
}

# Workers, schedulers and the web server of one environment talk to each other.
resource "aws_vpc_security_group_ingress_rule" "mwaa_itself" {
  security_group_id            = aws_security_group.mwaa.id
  referenced_security_group_id = aws_security_group.mwaa.id
  ip_protocol                  = "-1"
}

resource "aws_vpc_security_group_egress_rule" "mwaa" {
  security_group_id = aws_security_group.mwaa.id
  cidr_ipv4         = "0.0.0.0/0"
  ip_protocol       = "-1"
}

resource "aws_security_group" "rds" {
  name_prefix = "${var.name}-rds-"
  description = "RDS of ${var.name}"
  vpc_id      = var.vpc_id
  tags        = local.tags
}

resource "aws_security_group" "redshift" {
  name_prefix = "${var.name}-redshift-"
  description = "Redshift of ${var.name}"
  vpc_id      = var.vpc_id
  tags        = local.tags
}
