"""A deploy leaves exactly the bundle, in an order in which nothing breaks meanwhile."""

from __future__ import annotations

import pytest

from etl_framework.mwaa.deploy import verify as verify_deployed
from tests.mwaa.deployed.conftest import OTHERS, OURS, SECRET, STUB, Place

ORDERS = {
    "orders.py": STUB.format("orders"),
    "project/environments.yml": "default: prod\n",
    "project/pipelines/orders.yml": "name: orders\n",
    "project/sql_templates/orders/totals.sql": "SELECT 1\n",
    ".airflowignore": "project/\n",
}


def test_the_first_deploy(place: Place) -> None:
    place.put("dags/of_others.py", "theirs")
    folder = place.bundle(
        "c1", ORDERS, options={"core.parallelism": "64", "etl.environment": "prod"}
    )
    ready = place.deploy(folder)

    files = {f"dags/{name}": text for name, text in ORDERS.items()}
    assert place.objects() == {**files, "dags/of_others.py": "theirs",
                               "requirements.txt": f"--no-index\n{OURS}"}  # fmt: skip
    state = place.environment.state
    versions = place.versions()
    assert state["Status"] == "AVAILABLE"
    assert state["PluginsS3ObjectVersion"] == versions["plugins.zip"][-1]
    assert state["RequirementsS3ObjectVersion"] == versions["requirements.txt"][-1]
    assert state["AirflowConfigurationOptions"] == {
        OTHERS: SECRET, "core.parallelism": "64", "etl.environment": "prod",
    }  # fmt: skip
    assert all(len(ids) == 1 for ids in versions.values())
    assert ready.deploying.problems == []
    assert "  the worker installed etl-framework 0.1.0" in place.told
    assert "  the DAG processor reads them with etl-framework 0.1.0" in place.told
    assert "  Airflow has 1 of 1 DAGs" in place.told


def test_the_order(place: Place) -> None:
    """What the environment needs, then data, then stubs, then deletes; the record around it."""
    place.deploy(place.bundle("c1", {**ORDERS, "old.py": STUB.format("old"), "old.yml": "x"}))
    place.calls.clear()
    place.deploy(place.bundle("c2", {**ORDERS, "orders.py": STUB.format("orders") + "\n",
                                     "project/pipelines/orders.yml": "name: orders # 2\n"},
                              requirements="--no-index\n# more\n"))  # fmt: skip

    record = f"put_object etl-deploys/{place.environment.name}.json"
    assert place.changes() == [
        record,
        "put_object requirements.txt",
        "update_environment",
        "put_object dags/project/pipelines/orders.yml",
        "put_object dags/orders.py",
        "delete_object dags/old.py",
        "delete_object dags/old.yml",
        record,
    ]
    update = next(c for c in place.calls if c.operation == "update_environment")
    assert set(update.arguments) == {
        "Name", "RequirementsS3Path", "RequirementsS3ObjectVersion",
    }  # fmt: skip


def test_the_same_bundle_again_changes_nothing(place: Place) -> None:
    folder = place.bundle("c1", ORDERS)
    place.deploy(folder)
    before = place.versions()
    place.calls.clear()
    ready = place.deploy(folder)

    assert ready.nothing_to_do
    assert place.changes() == []
    assert place.versions() == before
    heads = [call for call in place.calls if call.operation == "head_object"]
    assert heads == [], "the record knows what is there"


def test_only_the_dags_changed_so_the_environment_is_left_alone(place: Place) -> None:
    place.deploy(place.bundle("c1", ORDERS))
    place.calls.clear()
    place.deploy(
        place.bundle("c2", {**ORDERS, "project/sql_templates/orders/totals.sql": "SELECT 2"})
    )

    record = f"put_object etl-deploys/{place.environment.name}.json"
    changed = "put_object dags/project/sql_templates/orders/totals.sql"
    assert place.changes() == [record, changed, record]


def test_what_somebody_changed_by_hand_is_put_right(place: Place) -> None:
    folder = place.bundle("c1", ORDERS)
    place.deploy(folder)
    place.put("dags/orders.py", "by hand")
    place.deploy(folder)

    assert place.objects()["dags/orders.py"] == ORDERS["orders.py"]


def test_a_start_up_script_and_options_that_are_no_more(place: Place) -> None:
    place.deploy(
        place.bundle("c1", ORDERS, startup="echo 1\n", options={"etl.environment": "prod"})
    )
    assert place.environment.state["StartupScriptS3Path"] == "startup.sh"
    place.deploy(place.bundle("c2", ORDERS))

    state = place.environment.state
    assert "StartupScriptS3Path" not in state
    assert state["AirflowConfigurationOptions"] == {OTHERS: SECRET, "core.parallelism": "32"}


def test_parts_go_where_the_environment_has_them(place: Place) -> None:
    place.environment.state["DagS3Path"] = "team/dags/"
    version = place.put("team/plugins.zip", "theirs")
    place.environment.state |= {
        "PluginsS3Path": "team/plugins.zip", "PluginsS3ObjectVersion": version,
    }  # fmt: skip
    place.deploy(place.bundle("c1", ORDERS))

    versions = place.versions()
    assert "team/dags/orders.py" in versions
    assert "plugins.zip" not in versions
    assert place.environment.state["PluginsS3ObjectVersion"] == versions["team/plugins.zip"][-1]


def test_the_wait_grows_and_is_told(place: Place) -> None:
    place.environment.polls = 8
    place.deploy(place.bundle("c1", ORDERS))

    waits = place.clock.slept[:8]
    assert waits == sorted(waits)
    assert waits[0] == 5
    assert max(place.clock.slept) <= 60
    assert sum(line.startswith("  UPDATING after") for line in place.told) == 8
    assert any(line.startswith("  AVAILABLE after") for line in place.told)


def test_a_dag_that_comes_late_is_waited_for(place: Place) -> None:
    place.environment.lag = {"orders": 3}
    ready = place.deploy(place.bundle("c1", ORDERS))

    assert ready.deploying.problems == []
    assert len(place.clock.slept) >= 3


@pytest.mark.parametrize("airflow", ["2.11.2", "3.0.6", "3.2.1", "3.3.1"])
def test_every_version_of_airflow(
    place: Place, airflow: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Airflow answers in pages."""
    monkeypatch.setattr(verify_deployed, "PAGE", 2)
    place.environment.airflow = place.environment.state["AirflowVersion"] = airflow
    many = {f"p{n}.py": STUB.format(f"p{n}") for n in range(3)}
    ready = place.deploy(place.bundle("c1", {**ORDERS, **many}))

    assert ready.deploying.problems == []
    assert "  Airflow has 4 of 4 DAGs" in place.told
    asked = [c.arguments for c in place.calls if c.operation == "invoke_rest_api"]
    queries = [each["QueryParameters"] for each in asked if each["Path"] == "/dags"]
    assert [query["offset"] for query in queries[-2:]] == [0, 2]
    assert {"only_active" in query for query in queries} == {airflow[0] == "2"}
