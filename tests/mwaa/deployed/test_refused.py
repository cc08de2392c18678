"""What speaks against a deploy is said before anything is changed, all of it at once."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from etl_framework.connections import aws as clients
from etl_framework.errors import ConfigError, RetryableError, StepError
from tests.mwaa.deployed.conftest import SECRET, STUB, Place
from tests.mwaa.deployed.test_deploy import ORDERS


def refused(place: Place, **given: Any) -> list[str]:
    """Codes and messages of a deploy that must change nothing."""
    versions, state = place.versions(), dict(place.environment.state)
    folder = place.bundle("refused", ORDERS, **given)
    place.calls.clear()
    with pytest.raises(ConfigError) as error:
        place.deploy(folder)
    assert place.changes() == []
    assert place.versions() == versions
    assert place.environment.state == state
    assert all(d.hint for d in error.value.diagnostics), "each says what to do"
    assert SECRET not in str(error.value)
    return [f"{d.code} {d.message}" for d in error.value.diagnostics]


@pytest.mark.parametrize(
    "status",
    ["CREATING", "UPDATING", "CREATING_SNAPSHOT", "ROLLING_BACK", "MAINTENANCE", "DELETING"],
)
def test_an_environment_that_is_not_available(place: Place, status: str) -> None:
    place.environment.polls = 99
    place.environment.update_environment({})
    place.environment.state["Status"] = status

    assert refused(place) == [f"M102 '{place.environment.name}' is {status}"]


def test_everything_at_once(place: Place) -> None:
    place.environment.state["Status"] = "MAINTENANCE"
    suspended = {"Status": "Suspended"}
    place.s3.put_bucket_versioning(
        Bucket=place.environment.bucket, VersioningConfiguration=suspended
    )

    name = place.environment.name
    assert refused(place, airflow="2.11.2") == [
        f"M102 '{name}' is MAINTENANCE",
        f"M103 '{name}' has Airflow 3.3.1, the bundle is for 2.11.2",
        f"M104 the bucket '{place.environment.bucket}' has no versioning",
    ]


def test_no_such_environment(place: Place) -> None:
    place.server.environments.pop(place.environment.name)

    assert refused(place) == [f"M101 there is no environment '{place.environment.name}'"]


def test_a_bundle_that_was_changed(place: Place) -> None:
    folder = place.bundle("c1", ORDERS)
    (folder / "dags/orders.py").write_text("evil()")
    (folder / "dags/extra.py").write_text("evil()")
    (folder / "plugins.zip").unlink()
    with pytest.raises(ConfigError) as error:
        place.deploy(folder)

    assert [str(d).splitlines()[0] for d in error.value.diagnostics] == [
        "M105 dags/orders.py was changed since the bundle was made",
        "M105 plugins.zip is not in the bundle",
        "M105 dags/extra.py is in the bundle and not in its manifest",
    ]
    assert place.calls == []


def test_a_path_that_leads_out_of_the_bundle(place: Place) -> None:
    folder = place.bundle("c1", ORDERS)
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["files"]["dags/../../secret"] = "00"
    (folder / "manifest.json").write_text(json.dumps(manifest))

    with pytest.raises(ConfigError, match=r"M105 dags/../../secret leads out of the bundle"):
        place.deploy(folder)


def test_a_folder_that_is_no_bundle(place: Place) -> None:
    with pytest.raises(ConfigError, match=r"is no bundle: it has no manifest\.json"):
        place.deploy(place.folder)


def test_a_role_that_cannot_be_assumed(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    token = place.folder / "token"
    token.write_text("a token of GitHub")
    monkeypatch.setenv("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/deploy")
    monkeypatch.setenv("AWS_WEB_IDENTITY_TOKEN_FILE", str(token))
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    clients._made.cache_clear()

    try:
        assert refused(place) == ["M107 the role cannot be assumed: AccessDenied"]
    finally:
        clients._made.cache_clear()


def test_no_credentials(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(place.folder / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(place.folder / "none"))
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    clients._made.cache_clear()

    try:
        assert refused(place)[0].startswith("M107 there are no credentials for AWS")
    finally:
        clients._made.cache_clear()


@pytest.mark.parametrize(
    ("code", "found"),
    [
        pytest.param("AccessDeniedException",
                     "M108 AWS refuses airflow:GetEnvironment: AccessDeniedException",
                     id="no right"),
        pytest.param("ExpiredTokenException",
                     "M107 AWS does not take the credentials: ExpiredTokenException",
                     id="credentials that are too old"),
    ],
)  # fmt: skip
def test_what_aws_refuses(place: Place, code: str, found: str) -> None:
    place.server.fault = lambda operation: code

    assert refused(place) == [found]


def test_a_bucket_that_is_not_there(place: Place) -> None:
    place.environment.state["SourceBucketArn"] = "arn:aws:s3:::no-such-bucket-anywhere"

    assert refused(place) == ["M109 the bucket 'no-such-bucket-anywhere' is not there"]


def test_an_option_that_mwaa_does_not_take(place: Place) -> None:
    assert refused(place, options={"core.x": ""}) == [
        "M110 Invalid length for parameter AirflowConfigurationOptions.core.x, value: 0, "
        "valid min length: 1"
    ]


def test_a_record_that_is_none(place: Place) -> None:
    place.put(f"etl-deploys/{place.environment.name}.json", "{")

    assert refused(place)[0].startswith("M111")


def begin(place: Place, stop: Callable[[], None]) -> None:
    """A deploy that is stopped when Airflow is asked."""

    def fault(operation: str) -> str:
        if operation == "invoke_rest_api":
            stop()
        return ""

    place.server.fault = fault


def test_two_deploys_at_once(place: Place) -> None:
    """The second one begins while the first waits; the first ends undisturbed."""
    second = place.bundle("c2", {**ORDERS, "new.py": STUB.format("new")})
    refusals = []

    def at_the_same_time() -> None:
        place.server.fault = lambda operation: ""
        with pytest.raises(ConfigError) as error:
            place.start().deploy(second)
        refusals.append(str(error.value))

    begin(place, at_the_same_time)
    place.deploy(place.bundle("c1", ORDERS))

    assert len(refusals) == 1
    assert "M106 a deploy is under way: " in refusals[0]
    assert "--take-over" in refusals[0]
    assert [each["commit"] for each in place.record()["deploys"]] == ["c1", ""]


def test_two_deploys_that_begin_at_the_same_moment(place: Place) -> None:
    one = place.start().deploy(place.bundle("c1", ORDERS))
    other = place.start().deploy(place.bundle("c2", {**ORDERS, "new.py": STUB.format("new")}))
    one.go()
    with pytest.raises(ConfigError, match="M106"):
        other.go()

    assert "dags/new.py" not in place.objects()
    assert place.record()["deploys"][0]["state"] == "done"


def test_a_deploy_that_was_taken_over_stops(place: Place) -> None:
    place.environment.polls = 9
    second = place.bundle("c2", {**ORDERS, "new.py": STUB.format("new")})
    folder = place.bundle("c1", ORDERS)
    asked = []

    def fault(operation: str) -> str:
        asked.append(operation)
        if operation == "get_environment" and len(asked) == 6:
            place.server.fault = lambda operation: ""
            status, place.environment.state["Status"] = (
                place.environment.state["Status"],
                "AVAILABLE",
            )
            ready = place.start(take_over=True).deploy(second)
            ready.deploying.records.claim(ready.deploy, (), {})
            place.environment.state["Status"] = status
        return ""

    place.server.fault = fault
    with pytest.raises(StepError, match="M204 another deploy has taken over"):
        place.deploy(folder)

    assert "dags/orders.py" not in place.objects()
    assert place.record()["deploys"][0]["commit"] == "c2"


def test_aws_that_does_not_answer(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    import botocore.endpoint

    monkeypatch.setattr(botocore.endpoint.time, "sleep", lambda seconds: None)
    place.server.fault = lambda operation: "ThrottlingException"
    with pytest.raises(RetryableError, match="M203 mwaa get_environment was not answered: Throttl"):
        place.deploy(place.bundle("c1", ORDERS))
