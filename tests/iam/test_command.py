"""`etl iam`: its forms, its parameters, and what it refuses."""

from __future__ import annotations

import json
import re
from typing import Any

import hcl2
import pytest
import yaml
from cfnlint.api import lint_all

from tests.cli.conftest import Etl, etl
from tests.conftest import Folder
from tests.iam.evaluator import Request, allowed

__all__ = ["etl"]
KEY = "11111111-2222-3333-4444-555555555555"
ENVIRONMENTS = """
    default: prod
    environments:
      prod:
        staging: "s3://{{ var.bucket }}/{{ var.prefix }}"
        staging_connection: lake
        connections:
          lake:
            {type: s3, bucket: "{{ var.bucket }}", prefix: in, kms_key: %s, conn_id: aws_default}
          rds: {type: postgres, conn_id: rds}
          warehouse: {type: redshift, conn_id: redshift, iam_role: "{{ var.role }}"}
    """
GIVEN = {
    "account_id": "123456789012", "region": "eu-west-1", "bucket": "lake", "prefix": "staging/",
    "role": "arn:aws:iam::123456789012:role/copy", "mwaa_security_group_id": "sg-0123456789abcdef0",
    "warehouse_arn": "arn:aws:redshift:eu-west-1:123456789012:cluster:c",
    "warehouse_user": "etl", "warehouse_database": "dev",
    "warehouse_security_group_id": "sg-0123456789abcdef2",
}  # fmt: skip
SET = [word for name, value in GIVEN.items() for word in ("--set", f"{name}={value}")]


@pytest.fixture
def project(orders: Folder) -> Folder:
    """Orders from a bucket with a key, into Redshift; a topic hears of failures."""
    orders.write("environments.yml", ENVIRONMENTS % KEY)
    file = orders.root / "pipelines/orders.yml"
    topic = "arn:aws:sns:eu-west-1:123456789012:alarms"
    dated = 'path: "orders/{{ interval.date }}/[ab]*.csv"'
    text = file.read_text().replace("path: orders/*.csv", dated)
    file.write_text(text + f"notify: [{{type: sns, topic: {topic}}}]\n")
    return orders


def policies(etl: Etl, *more: str) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    found = json.loads(etl("iam", *SET, *more).stdout)
    return found["execution"], found


def test_what_is_not_known_is_a_parameter(project: Folder, etl: Etl) -> None:
    done = etl("iam")
    found = json.loads(done.stdout)

    assert done.returncode == 0
    assert set(found["parameters"]) == set(GIVEN)
    assert all(what.endswith(".") for what in found["parameters"].values())
    told = re.sub(rf"arn:aws:sns:\S+|{KEY}", "", done.stdout)
    assert re.search(r"\d{12}|eu-west", told) is None
    assert "to be filled in, or given by --set: account_id, bucket" in done.stderr
    done = etl("iam", *SET)
    assert (json.loads(done.stdout)["parameters"], done.stderr) == ({}, "")
    assert re.findall(r"\$\{(?!aws:)", done.stdout) == []


def test_keys_secrets_and_topics(project: Folder, etl: Etl) -> None:
    found, _ = policies(etl)
    here = "eu-west-1:123456789012"
    key = f"arn:aws:kms:{here}:key/{KEY}"
    through_s3 = {"kms:viaservice": "s3.eu-west-1.amazonaws.com"}
    secret = f"arn:aws:secretsmanager:{here}:secret:airflow"
    read = "secretsmanager:GetSecretValue"
    good = [
        Request("s3:GetObject", "arn:aws:s3:::lake/in/orders/2024-06-25/a1.csv"),
        Request("s3:PutObject", "arn:aws:s3:::lake/staging/orders/x"),
        Request("kms:Decrypt", key, through_s3),
        Request("kms:GenerateDataKey", key, through_s3),
        Request(read, f"{secret}/connections/redshift-AbCdEf"),
        Request(read, f"{secret}/variables/bucket-AbCdEf"),
        Request("sns:Publish", f"arn:aws:sns:{here}:alarms"),
    ]
    bad = [
        Request("s3:GetObject", "arn:aws:s3:::lake/orders/2024-06-25/a1.csv"),
        Request("s3:PutObject", "arn:aws:s3:::lake/in/orders/2024-06-25/a1.csv"),
        Request("kms:Decrypt", key),
        Request("kms:Decrypt", key.replace("1111", "9999"), through_s3),
        Request("kms:ScheduleKeyDeletion", key, through_s3),
        Request(read, f"{secret}/connections/redshift_admin-AbCdEf"),
        Request(read, f"{secret}/connections/redshift-AbCdEfg"),
        Request("sns:Publish", f"arn:aws:sns:{here}:alarms2"),
        Request("sns:DeleteTopic", f"arn:aws:sns:{here}:alarms"),
    ]
    assert [each for each in good if not allowed(found, each)] == []
    assert [each for each in bad if allowed(found, each)] == []
    assert not allowed(policies(etl, "--no-secrets")[0], good[4])


def test_the_report(project: Folder, etl: Etl) -> None:
    """Its pages are written, listed and deleted; of all objects, its mark alone is read."""
    place = 'report: "s3://{{ var.bucket }}/team/report/"\n        staging_connection'
    project.write("environments.yml", (ENVIRONMENTS % KEY).replace("staging_connection", place))
    found, _ = policies(etl)
    pages = "arn:aws:s3:::lake/team/report"
    prefix = {"s3:prefix": "team/report/"}
    good = [
        *(Request(f"s3:{verb}Object", f"{pages}/runs/a.html") for verb in ("Put", "Delete")),
        Request("s3:GetObject", f"{pages}/.etl-report"),
        Request("s3:ListBucket", "arn:aws:s3:::lake", prefix),
    ]
    bad = [
        Request("s3:GetObject", f"{pages}/index.html"),
        *(Request(f"s3:{verb}Object", f"{pages}s/a.html") for verb in ("Put", "Delete", "Get")),
        *(Request(f"s3:{verb}Object", "arn:aws:s3:::lake/team/a") for verb in ("Put", "Delete")),
        Request("s3:ListBucket", "arn:aws:s3:::lake", {"s3:prefix": "team/"}),
    ]
    assert [each for each in good if not allowed(found, each)] == []
    assert [each for each in bad if allowed(found, each)] == []
    project.write("environments.yml", ENVIRONMENTS % KEY)
    assert [each for each in good if allowed(policies(etl)[0], each)] == []


@pytest.mark.parametrize("key", ["alias/lake", "arn:aws:kms:eu-west-1:123456789012:alias/lake"])
def test_a_key_by_its_alias(project: Folder, etl: Etl, key: str) -> None:
    project.write("environments.yml", ENVIRONMENTS % key)
    found, _ = policies(etl)
    arn = f"arn:aws:kms:eu-west-1:123456789012:key/{KEY}"
    context = {
        "kms:viaservice": "s3.eu-west-1.amazonaws.com",
        "kms:resourcealiases": ["alias/lake"],
    }

    assert allowed(found, Request("kms:Decrypt", arn, context))
    assert not allowed(
        found, Request("kms:Decrypt", arn, {**context, "kms:resourcealiases": ["alias/x"]})
    )


def test_only_redshift_takes_the_role_and_only_for_us(project: Folder, etl: Etl) -> None:
    _, found = policies(etl)
    (statement,) = found["copy_role"]["trust"]["Statement"]
    assert statement.pop("Principal") == {
        "Service": ["redshift-serverless.amazonaws.com", "redshift.amazonaws.com"]
    }
    trust = [{"Statement": [{**statement, "Resource": "*"}]}]
    ours = {"aws:sourceaccount": GIVEN["account_id"], "aws:sourcearn": GIVEN["warehouse_arn"]}

    assert allowed(trust, Request("sts:AssumeRole", "role", ours))
    for other in (
        {},
        {**ours, "aws:sourceaccount": "999999999999"},
        {**ours, "aws:sourcearn": GIVEN["warehouse_arn"] + "2"},
        {"aws:sourceaccount": GIVEN["account_id"]},
    ):
        assert not allowed(trust, Request("sts:AssumeRole", "role", other))


def test_who_reaches_the_database(project: Folder, etl: Etl) -> None:
    _, found = policies(etl, "--allow-from", "10.1.2.3/32", "--allow-from", "2001:db8::/64")

    rules = found["ingress"]
    assert {(rule["port"], rule["group"]) for rule in rules} == {("5439", "sg-0123456789abcdef2")}
    assert [rule["source_group"] or rule["source_range"] for rule in rules] == [
        "sg-0123456789abcdef0", "10.1.2.3/32", "2001:db8::/64",
    ]  # fmt: skip


@pytest.mark.parametrize("given", [SET, []], ids=["all facts", "no facts"])
def test_cloudformation(project: Folder, etl: Etl, given: list[str]) -> None:
    text = etl("iam", *given, "--allow-from", "2001:db8::/64", "--format", "cloudformation").stdout
    found = yaml.safe_load(text)

    assert [str(each) for each in lint_all(text) if each.rule.id[0] in "EW"] == []
    assert set(found["Resources"]) == {"Execution1", "CopyRole", "Ingress1", "Ingress2"}
    if given:
        document = found["Resources"]["Execution1"]["Properties"]["PolicyDocument"]
        assert [document] == policies(etl)[0]


@pytest.mark.parametrize("given", [SET, []], ids=["all facts", "no facts"])
def test_terraform(project: Folder, etl: Etl, given: list[str]) -> None:
    text = etl("iam", *given, "--format", "terraform").stdout
    found = hcl2.loads(text)

    kinds = [kind.strip('"') for block in found["resource"] for kind in block]
    assert kinds == ["aws_iam_policy", "aws_iam_role_policy_attachment", "aws_iam_role",
                     "aws_iam_role_policy", "aws_vpc_security_group_ingress_rule"]  # fmt: skip
    names = {name.strip('"') for block in found["variable"] for name in block}
    assert names == {"execution_role_name", *([] if given else GIVEN)}
    assert set(re.findall(r"\bvar\.(\w+)", text)) == names


def test_many_pipelines_make_several_policies(project: Folder, etl: Etl) -> None:
    text = (project.root / "pipelines/orders.yml").read_text()
    for number in range(40):
        name = f"orders_{number:02}"
        project.write(
            f"pipelines/{name}.yml",
            text.replace("name: orders", f"name: {name}", 1).replace(
                "table: totals", f"table: totals_{number}"
            ),
        )
    found, _ = policies(etl)

    assert len(found) > 1
    assert all(len(re.sub(r"\s", "", json.dumps(each))) <= 6144 for each in found)
    assert allowed(found, Request("s3:PutObject", "arn:aws:s3:::lake/staging/orders_39/x"))


def test_the_grants_alone(project: Folder, etl: Etl) -> None:
    assert etl("iam", *SET, "--format", "sql").stdout.splitlines()[:3] == [
        "-- warehouse",
        'GRANT TEMPORARY ON DATABASE "dev" TO "etl";',
        'GRANT USAGE ON SCHEMA "public" TO "etl";',
    ]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        pytest.param(["--set", "bucket=*"], "bucket cannot be '*'", id="a wildcard"),
        pytest.param(["--set", "warehouse_user=x\" TO PUBLIC; --"], "cannot be", id="SQL"),
        pytest.param(["--set", "bucket=${aws:username}"], "cannot be", id="a reference"),
        pytest.param(["--set", "account_id=123"], "twelve digits", id="no account"),
        pytest.param(["--set", "region=Ireland"], "such as eu-west-1", id="no region"),
        pytest.param(["--set", "mwaa_security_group_id=office"], "such as sg-", id="no group"),
        pytest.param(["--set", "warehouse_arn=c"], "an ARN", id="no ARN"),
        pytest.param(["--set", "bukket=x"], "did you mean 'bucket'?", id="an unknown fact"),
        pytest.param(["--set", "bucket"], "'bucket' is not NAME=VALUE", id="no value"),
        pytest.param(["--allow-from", "0.0.0.0/0"], "everybody", id="everybody"),
        pytest.param(["--allow-from", "::/0"], "everybody", id="everybody by IPv6"),
        pytest.param(["--allow-from", "office"], "no range of addresses", id="no address"),
        pytest.param(["--env", "prd"], "did you mean 'prod'?", id="no environment"),
    ],
)  # fmt: skip
def test_what_it_refuses(project: Folder, etl: Etl, arguments: list[str], says: str) -> None:
    done = etl("iam", *arguments)

    assert (done.returncode, done.stdout) == (2, "")
    assert says in done.stderr


def test_files_that_are_wrong(project: Folder, etl: Etl) -> None:
    project.write("sql_templates/orders/totals.sql", "SELECT nope FROM orders")
    done = etl("iam")

    assert (done.returncode, done.stdout) == (2, "")
    assert "sql_templates/orders/totals.sql:1:8: E413" in done.stderr
