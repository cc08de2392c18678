"""Rights as a CloudFormation template; account and region are those of the stack."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from etl_framework.iam.document import referring
from etl_framework.iam.rights import Rights

OWN = {"account_id": "AWS::AccountId", "region": "AWS::Region"}
EXECUTION_ROLE = "ExecutionRoleName"


def as_cloudformation(rights: Rights) -> str:
    """The policies of the execution role, the role of COPY and the rules; grants are metadata."""
    import yaml

    used = json.dumps([rights.execution, asdict(rights)["copy_role"], asdict(rights)["ingress"]])
    parameters = {
        _camel(name): {"Type": "String", "Description": what}
        for name, what in rights.parameters.items()
        if name not in OWN and f"${{{name}}}" in used
    }
    role = {"Type": "String", "Description": "The name of MWAA's execution role."}
    template = {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": "Made by etl iam; make it again when the pipelines change.",
        "Metadata": {
            "Grants": {grant.connection: list(grant.statements) for grant in rights.grants}
        },
        "Parameters": {EXECUTION_ROLE: role, **parameters},
        "Resources": {**_execution(rights), **_copy_role(rights), **_ingress(rights)},
    }
    if rights.copy_role:
        template["Outputs"] = {"CopyRoleArn": {"Value": {"Fn::GetAtt": ["CopyRole", "Arn"]}}}
    return yaml.safe_dump(template, sort_keys=False, width=100, allow_unicode=True)


def _execution(rights: Rights) -> dict[str, Any]:
    return {
        f"Execution{number}": {
            "Type": "AWS::IAM::ManagedPolicy",
            "Properties": {
                "PolicyDocument": _filled(rights, policy),
                "Roles": [{"Ref": EXECUTION_ROLE}],
            },
        }
        for number, policy in enumerate(rights.execution, 1)
    }


def _copy_role(rights: Rights) -> dict[str, Any]:
    if rights.copy_role is None:
        return {}
    policies = [
        {"PolicyName": f"read-{number}", "PolicyDocument": _filled(rights, policy)}
        for number, policy in enumerate(rights.copy_role.policies, 1)
    ]
    trust = _filled(rights, rights.copy_role.trust)
    role = {"AssumeRolePolicyDocument": trust, "Policies": policies}
    return {"CopyRole": {"Type": "AWS::IAM::Role", "Properties": role}}


def _ingress(rights: Rights) -> dict[str, Any]:
    resources = {}
    for number, rule in enumerate(rights.ingress, 1):
        port = _filled(rights, rule.port)
        source = {"SourceSecurityGroupId": _filled(rights, rule.source_group)}
        if rule.source_range:
            source = {"CidrIpv6" if ":" in rule.source_range else "CidrIp": rule.source_range}
        resources[f"Ingress{number}"] = {
            "Type": "AWS::EC2::SecurityGroupIngress",
            "Properties": {
                "Description": f"etl: {rule.connection}",
                "GroupId": _filled(rights, rule.group),
                "IpProtocol": "tcp",
                "FromPort": int(port) if isinstance(port, str) else port,
                "ToPort": int(port) if isinstance(port, str) else port,
                **source,
            },
        }
    return resources


def _filled(rights: Rights, value: Any) -> Any:
    """A value with its references written as `Ref`, or as `Fn::Sub` inside a longer text."""
    if isinstance(value, dict):
        return {key: _filled(rights, item) for key, item in value.items()}
    if isinstance(value, list):
        return [_filled(rights, item) for item in value]
    if not isinstance(value, str) or "${" not in value:
        return value
    name = value[2:-1]
    if value == f"${{{name}}}" and name in rights.parameters:
        return {"Ref": _camel(name)}
    text = referring(value, rights.parameters, lambda parameter: f"${{{_camel(parameter)}}}", "${!")
    return {"Fn::Sub": text} if any(f"${{{n}}}" in value for n in rights.parameters) else value


def _camel(name: str) -> str:
    return OWN.get(name) or "".join(part.capitalize() for part in name.split("_"))
