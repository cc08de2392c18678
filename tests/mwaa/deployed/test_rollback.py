"""A rollback leaves what the deploy before left: contents, versions and configuration."""

from __future__ import annotations

import pytest

from etl_framework.errors import ConfigError, StepError
from tests.mwaa.deployed.conftest import OTHERS, SECRET, STUB, Place
from tests.mwaa.deployed.test_deploy import ORDERS

SECOND = {
    "orders.py": STUB.format("orders") + "# 2\n",
    "new.py": STUB.format("new"),
    "project/environments.yml": "default: prod\n",
    "project/pipelines/new.yml": "name: new\n",
}


def test_back_to_the_deploy_before(place: Place) -> None:
    first = place.deploy(place.bundle("c1", ORDERS, options={"etl.environment": "prod"}))
    objects, versions, state = place.objects(), place.versions(), place.environment.state
    pins = {name: value for name, value in state.items() if "S3" in name or "Options" in name}
    given = {"requirements": "# more\n", "framework": "0.2.0", "startup": "echo"}
    options = {"etl.environment": "new", "core.parallelism": "1"}
    place.deploy(place.bundle("c2", SECOND, options=options, **given))
    assert place.environment.state["StartupScriptS3Path"] == "startup.sh"
    place.put("dags/of_others.py", "theirs")
    place.calls.clear()
    place.rollback()

    dags = {key: text for key, text in objects.items() if key.startswith("dags/")}
    there = {key: text for key, text in place.objects().items() if key.startswith("dags/")}
    assert there == {**dags, "dags/of_others.py": "theirs"}
    now = place.environment.state
    assert {n: v for n, v in now.items() if "S3" in n or "Options" in n} == pins
    assert now["PluginsS3ObjectVersion"] == versions["plugins.zip"][0]
    after = place.versions()
    assert all(after[key][: len(ids)] == ids for key, ids in versions.items()), "nothing is lost"
    assert len(after["dags/orders.py"]) == 3
    assert after["dags/project/environments.yml"] == versions["dags/project/environments.yml"]
    assert after["dags/new.py"][-1] == "deleted"
    sources = [c.arguments["CopySource"] for c in place.calls if c.operation == "copy_object"]
    assert {s["Key"]: s["VersionId"] for s in sources} == {
        key: versions[key][0]
        for key in versions
        if key.startswith("dags/") and key != "dags/project/environments.yml"
    }
    assert place.record()["deploys"][0]["restores"] == first.deploy.id
    assert place.record()["pending"] == []


def test_the_order_of_a_rollback(place: Place) -> None:
    """A newer framework reads older files: the environment comes last."""
    place.deploy(place.bundle("c1", ORDERS))
    place.deploy(place.bundle("c2", SECOND, requirements="# more\n"))
    place.calls.clear()
    place.rollback()

    record = f"put_object etl-deploys/{place.environment.name}.json"
    assert place.changes() == [
        record,
        "copy_object dags/.airflowignore",
        "copy_object dags/project/pipelines/orders.yml",
        "copy_object dags/project/sql_templates/orders/totals.sql",
        "copy_object dags/orders.py",
        "delete_object dags/new.py",
        "delete_object dags/project/pipelines/new.yml",
        "update_environment",
        record,
    ]


def test_back_to_what_was_there_before_the_first_deploy(place: Place) -> None:
    theirs = place.put("plugins.zip", "theirs")
    place.environment.state |= {"PluginsS3Path": "plugins.zip", "PluginsS3ObjectVersion": theirs}
    place.put("dags/orders.py", STUB.format("orders") + "# by hand\n")
    place.put("dags/of_others.py", "theirs")
    state = dict(place.environment.state)
    objects = place.objects()
    place.deploy(place.bundle("c1", ORDERS, options={"core.parallelism": "64"}))
    place.rollback()

    assert {k: v for k, v in place.objects().items() if k != "requirements.txt"} == objects
    now = {name: value for name, value in place.environment.state.items() if name != "LastUpdate"}
    assert now == state
    assert now["AirflowConfigurationOptions"] == {OTHERS: SECRET, "core.parallelism": "32"}
    with pytest.raises(ConfigError, match=r"M113 'music-.*' has no deploy to go back to"):
        place.rollback()


def test_each_rollback_goes_one_further(place: Place) -> None:
    texts = [{**ORDERS, "orders.py": STUB.format("orders") + f"# {n}\n"} for n in range(4)]
    for number, dags in enumerate(texts[:3]):
        place.deploy(place.bundle(f"c{number}", dags))
    there = []
    for _ in range(2):
        place.rollback()
        there.append(place.objects()["dags/orders.py"])
    place.deploy(place.bundle("c3", texts[3]))
    place.rollback()
    there.append(place.objects()["dags/orders.py"])

    assert there == [texts[n]["orders.py"] for n in (1, 0, 0)]


def test_a_deploy_that_failed_is_rolled_back(place: Place) -> None:
    place.deploy(place.bundle("c1", ORDERS))
    objects = place.objects()
    place.environment.broken = {"new.py": "Traceback\nImportError: no module named x"}
    with pytest.raises(StepError, match=r"M302 dags/new.py does not import: ImportError: no mod"):
        place.deploy(place.bundle("c2", SECOND))
    assert [each["state"] for each in place.record()["deploys"]] == ["failed", "done", "done"]
    place.rollback()

    assert place.objects() == objects


def test_an_earlier_version_that_is_gone(place: Place) -> None:
    place.deploy(place.bundle("c1", ORDERS))
    versions = place.versions()
    place.deploy(place.bundle("c2", SECOND, requirements="# more\n"))
    for key in ("dags/orders.py", "requirements.txt"):
        place.s3.delete_object(Bucket=place.environment.bucket, Key=key, VersionId=versions[key][0])
    before = place.versions()
    with pytest.raises(ConfigError) as error:
        place.rollback()

    found = [d.message for d in error.value.diagnostics]
    assert [d.code for d in error.value.diagnostics] == ["M112", "M112"]
    assert all(versions[k][0] in "".join(found) for k in ("dags/orders.py", "requirements.txt"))
    assert place.versions() == before


def test_a_rollback_that_was_stopped_goes_on(place: Place) -> None:
    place.deploy(place.bundle("c1", ORDERS))
    objects = place.objects()
    place.deploy(place.bundle("c2", SECOND, requirements="# more\n"))
    place.environment.failure = ("INCORRECT_CONFIGURATION", "no")
    with pytest.raises(StepError, match="M201"):
        place.rollback()
    place.environment.failure = None
    place.rollback()

    dags = {key: text for key, text in place.objects().items() if key.startswith("dags/")}
    assert dags == {key: text for key, text in objects.items() if key.startswith("dags/")}
    wanted = place.record()["deploys"][0]["parts"]["requirements.txt"][1]["version"]
    assert place.environment.state["RequirementsS3ObjectVersion"] == wanted
