"""Rights as a Terraform module, for the provider `hashicorp/aws` from version 5.0 on."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from etl_framework.iam.document import referring
from etl_framework.iam.grants import sql_of
from etl_framework.iam.rights import Rights

HEAD = """\
# Made by `etl iam --format terraform`; make it again when the pipelines change.
terraform {
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.0"
    }
  }
}
"""
EXECUTION_ROLE = "execution_role_name"


def as_terraform(rights: Rights) -> str:
    """The policies of the execution role, the role of COPY and the rules; grants are an output."""
    variables = {EXECUTION_ROLE: "The name of MWAA's execution role.", **rights.parameters}
    blocks = [HEAD, *(_variable(name, what) for name, what in sorted(variables.items()))]
    blocks += _execution(rights)
    blocks += _copy_role(rights)
    blocks += _ingress(rights)
    blocks.append(
        _output("grants", "What the databases have to grant.", _text(rights, sql_of(rights.grants)))
    )
    return "\n".join(blocks)


def _variable(name: str, what: str) -> str:
    return f'variable "{name}" {{\n  description = {_string(what)}\n  type        = string\n}}\n'


def _execution(rights: Rights) -> Iterator[str]:
    for number, policy in enumerate(rights.execution, 1):
        name = f"etl-{rights.environment}-{number}"
        yield _resource(
            "aws_iam_policy",
            f"execution_{number}",
            {"name": _string(name), "policy": _json(rights, policy)},
        )
        yield _resource(
            "aws_iam_role_policy_attachment",
            f"execution_{number}",
            {
                "role": f"var.{EXECUTION_ROLE}",
                "policy_arn": f"aws_iam_policy.execution_{number}.arn",
            },
        )


def _copy_role(rights: Rights) -> Iterator[str]:
    if rights.copy_role is None:
        return
    yield _resource(
        "aws_iam_role",
        "copy",
        {
            "name": _string(f"etl-{rights.environment}-copy"),
            "assume_role_policy": _json(rights, rights.copy_role.trust),
        },
    )
    for number, policy in enumerate(rights.copy_role.policies, 1):
        yield _resource(
            "aws_iam_role_policy",
            f"copy_{number}",
            {
                "name": _string(f"read-{number}"),
                "role": "aws_iam_role.copy.id",
                "policy": _json(rights, policy),
            },
        )
    yield _output("copy_role_arn", "The role that COPY reads with.", "aws_iam_role.copy.arn")


def _ingress(rights: Rights) -> Iterator[str]:
    for number, rule in enumerate(rights.ingress, 1):
        port = _text(rights, rule.port)
        source = {"referenced_security_group_id": _text(rights, rule.source_group)}
        if rule.source_range:
            source = {
                "cidr_ipv6" if ":" in rule.source_range else "cidr_ipv4": _string(rule.source_range)
            }
        yield _resource(
            "aws_vpc_security_group_ingress_rule",
            f"{rule.connection}_{number}",
            {
                "description": _string(f"etl: {rule.connection}"),
                "security_group_id": _text(rights, rule.group),
                "ip_protocol": _string("tcp"),
                "from_port": port,
                "to_port": port,
                **source,
            },
        )


def _resource(kind: str, name: str, arguments: dict[str, str]) -> str:
    """A block in the format of `terraform fmt`, which aligns only arguments of one line."""
    width = max(len(key) for key, value in arguments.items() if "\n" not in value)
    lines = [
        f"  {key} = {value}" if "\n" in value else f"  {key:{width}} = {value}"
        for key, value in arguments.items()
    ]
    return f'resource "{kind}" "{name}" {{\n' + "\n".join(lines) + "\n}\n"


def _output(name: str, what: str, value: str) -> str:
    return f'output "{name}" {{\n  description = {_string(what)}\n  value       = {value}\n}}\n'


def _text(rights: Rights, text: str) -> str:
    """A text with its references, as an expression of Terraform."""
    if text[2:-1] in rights.parameters and text == f"${{{text[2:-1]}}}":
        return f"var.{text[2:-1]}"
    return _string(referring(text, rights.parameters, lambda name: f"${{var.{name}}}", "$${"))


def _json(rights: Rights, document: Any) -> str:
    """A document as an expression of Terraform, which accepts objects in JSON's notation."""
    filled = referring(document, rights.parameters, lambda name: f"${{var.{name}}}", "$${")
    text = json.dumps(filled, indent=2, separators=(",", " : ")).replace("\n", "\n  ")
    return f"jsonencode({text})"


def _string(text: str) -> str:
    return json.dumps(text)
