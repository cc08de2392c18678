"""The plan of a deploy: the calls that make an environment match a bundle."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from etl_framework.errors import Diagnostic
from etl_framework.mwaa.deploy.aws import Aws
from etl_framework.mwaa.deploy.bucket import Bucket
from etl_framework.mwaa.deploy.bundle import Bundle
from etl_framework.mwaa.deploy.calls import Call, Hidden, VersionOf, finding
from etl_framework.mwaa.deploy.environment import PARTS, READY, Environment
from etl_framework.mwaa.deploy.record import Deploy, Placed, Record, under_way


@dataclass(frozen=True)
class Plan:
    """What a deploy or a rollback is going to do to an environment.

    :param calls: the calls in their order; each changes something.
    :param files: the objects of dags/ that need no change.
    :param wanted: the SHA-256 of every object of dags/ after the deploy, by key.
    :param parts: the key of every part, and its object if that exists already.
    :param theirs: the values that others had given to the options that we set.
    :param before: the state of the environment, if nothing was deployed yet.
    """

    calls: tuple[Call, ...]
    files: Mapping[str, Placed]
    wanted: Mapping[str, str]
    parts: Mapping[str, tuple[str, Placed | None]]
    theirs: Mapping[str, str]
    before: Deploy | None = None

    @property
    def written(self) -> tuple[str, ...]:
        """The keys of the objects that the plan writes."""
        writes = ("put_object", "copy_object")
        return tuple(c.arguments["Key"] for c in self.calls if c.operation in writes)

    def count(self, operation: str) -> int:
        """How many calls of an operation the plan has."""
        return sum(call.operation == operation for call in self.calls)


def refuse(aws: Aws, environment: Environment, airflow: str, busy: str) -> Sequence[Diagnostic]:
    """Every reason against changing an environment, before anything is changed.

    :param airflow: the Airflow version that the bundle was made for; empty if unknown.
    :param busy: who is deploying there right now; empty if nobody is.
    """
    problems = []
    name = environment.name
    if environment.status not in READY:
        hint = "wait until it is AVAILABLE, then run the same command again"
        problems.append(finding("M102", f"'{name}' is {environment.status}", hint))
    if airflow and environment.airflow != airflow:
        problems.append(
            finding(
                "M103",
                f"'{name}' has Airflow {environment.airflow}, the bundle is for {airflow}",
                f"etl bundle --target mwaa:{environment.airflow}",
            )
        )
    call = Call("s3", "get_bucket_versioning", {"Bucket": environment.bucket})
    if aws.make(call).get("Status") != "Enabled":
        text = f"the bucket '{environment.bucket}' has no versioning"
        hint = "switch it on: MWAA and a rollback go by versions of objects"
        problems.append(finding("M104", text, hint))
    if busy:
        problems.append(under_way(busy))
    return problems


def plan_deploy(aws: Aws, environment: Environment, bundle: Bundle, record: Record) -> Plan:
    """Compare a bundle with the environment, and plan what makes them equal."""
    there = Bucket(aws, environment, record)
    wanted = {there.key(path): path for path in bundle.files if path.startswith("dags/")}
    hashes = {key: bundle.files[path] for key, path in wanted.items()}
    same = there.same(hashes)
    uploads = [
        there.upload(key, bundle.folder / path, bundle.files[path])
        for key, path in sorted(wanted.items(), key=lambda item: there.order(item[0]))
        if key not in same
    ]
    part_uploads, parts = _parts(there, bundle)
    update = update_call(environment, parts, there.options(bundle.options), bundle.options)
    before = None if record.deploys else there.before(wanted)
    return Plan(
        calls=(*part_uploads, *update, *uploads, *there.deletes(wanted)),
        files=same,
        wanted=hashes,
        parts=parts,
        theirs=there.theirs(bundle.options),
        before=before,
    )


def _parts(
    there: Bucket, bundle: Bundle
) -> tuple[list[Call], dict[str, tuple[str, Placed | None]]]:
    """The calls that upload parts, and the key and the object that every part is to have."""
    calls, parts = [], dict[str, tuple[str, Placed | None]]()
    for part in PARTS:
        if part not in bundle.files:
            if there.had(part):
                parts[part] = ("", None)
            continue
        key, digest = there.part_key(part), bundle.files[part]
        known = there.same({key: digest}, pinned=part)
        if key not in known:
            calls.append(there.upload(key, bundle.folder / part, digest))
        parts[part] = (key, known.get(key))
    return calls, parts


def update_call(
    environment: Environment,
    parts: Mapping[str, tuple[str, Placed | None]],
    options: Mapping[str, str],
    ours: Mapping[str, str],
) -> Iterator[Call]:
    """The call that sets the environment's parts and options; none if they are set already.

    An empty path removes a part that is no longer wanted.
    """
    arguments: dict[str, Any] = {}
    for part, (key, placed) in parts.items():
        pin = environment.pins.get(part)
        has = (pin.key, pin.version) if pin else ("", "")
        version = placed.version if placed else VersionOf(key) if key else ""
        if has != (key, version):
            arguments[f"{PARTS[part]}S3Path"] = key
            arguments[f"{PARTS[part]}S3ObjectVersion"] = version
    if dict(environment.options) != dict(options):
        arguments["AirflowConfigurationOptions"] = {
            name: value if name in ours else Hidden(value) for name, value in options.items()
        }
    if arguments:
        yield Call("mwaa", "update_environment", {"Name": environment.name, **arguments})
