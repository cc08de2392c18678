"""What goes wrong while a deploy is under way, and that the same command then goes on."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from etl_framework.connections import aws as clients
from etl_framework.errors import RetryableError, StepError
from etl_framework.mwaa.deploy.calls import Call
from tests.chaos.proxies import S3Proxy
from tests.mwaa.deployed.conftest import OURS, STUB, Place, Servers
from tests.mwaa.deployed.test_deploy import ORDERS

TWICE = {**ORDERS, "orders.py": STUB.format("orders") + "# 2\n"}


def fails(place: Place, folder: Path) -> list[str]:
    """Codes and messages of a deploy that fails; the record says so and lets others in."""
    with pytest.raises(StepError) as error:
        place.deploy(folder)
    record = place.record()
    assert (record["owner"], record["deploys"][0]["state"]) == ("", "failed")
    assert "Traceback" not in str(error.value)
    return [f"{d.code} {d.message}" for d in error.value.diagnostics]


def test_an_update_that_fails(place: Place) -> None:
    """MWAA goes back to what was; dags/ was not touched; the same command works later."""
    place.deploy(place.bundle("c1", ORDERS))
    before, state = place.objects(), dict(place.environment.state)
    folder = place.bundle("c2", TWICE, requirements="# more\n")
    place.environment.failure = ("INCORRECT_CONFIGURATION", "no route to the endpoints")
    name = place.environment.name

    assert fails(place, folder) == [
        f"M201 '{name}' is UPDATE_FAILED: INCORRECT_CONFIGURATION: no route to the endpoints"
    ]
    dags = {key: text for key, text in place.objects().items() if key.startswith("dags/")}
    assert dags == {key: text for key, text in before.items() if key.startswith("dags/")}
    pinned = "RequirementsS3ObjectVersion"
    assert place.environment.state[pinned] == state[pinned]

    place.environment.failure = None
    uploaded = place.versions()["requirements.txt"]
    place.deploy(folder)
    assert place.objects()["dags/orders.py"] == TWICE["orders.py"]
    assert place.versions()["requirements.txt"] == uploaded, "it was there already"
    assert place.environment.state[pinned] == uploaded[-1]


def test_an_update_that_is_not_seen_at_once(place: Place) -> None:
    """MWAA still shows how the update before ended: neither failed nor done."""
    place.environment.failure = ("INCORRECT_CONFIGURATION", "no")
    fails(place, place.bundle("c1", ORDERS))
    place.environment.failure, place.environment.stale = None, 2
    place.deploy(place.bundle("c2", ORDERS))
    place.deploy(place.bundle("c3", ORDERS, options={"core.parallelism": "1"}))

    assert place.environment.state["AirflowConfigurationOptions"]["core.parallelism"] == "1"
    assert place.environment.state["Status"] == "AVAILABLE"


def test_an_update_that_takes_too_long(place: Place) -> None:
    place.environment.polls = 10_000

    (found,) = fails(place, place.bundle("c1", ORDERS))
    assert found.startswith(f"M202 '{place.environment.name}' is not AVAILABLE after 90 minutes")


def test_pip_fails(place: Place) -> None:
    """The environment is AVAILABLE, without our packages: stop before dags/ is touched."""
    place.environment.pip = [
        "Looking in links: https://user:hunter2@example.com/simple",
        "[INFO] - ERROR: Could not find a version that satisfies the requirement duckdb==9.9 "
        "(from versions: none; index https://user:hunter2@example.com/simple)",
        "[ERROR] - ERROR: pip installation exited with a non-zero error code.",
    ]
    found = fails(place, place.bundle("c1", ORDERS))

    assert found == [
        "M301 pip: Could not find a version that satisfies the requirement duckdb==9.9 "
        "(from versions: none; index https://***@example.com/simple) (3 containers)",
        "M301 pip: pip installation exited with a non-zero error code. (3 containers)",
    ]
    assert not any(key.startswith("dags/") for key in place.objects())


def test_a_pin_without_a_wheel(place: Place) -> None:
    """Nothing is installed, and so no DAG is imported."""
    place.put("dags/of_others.py", STUB.format("others"))
    found = fails(place, place.bundle("c1", ORDERS, requirements="x==1\n"))
    errors = place.environment.invoke_rest_api(
        {"Path": "/importErrors", "QueryParameters": {"limit": 9}}
    )["RestApiResponse"]["import_errors"]

    assert found == ["M301 pip: No matching distribution found for x==1 (3 containers)"]
    assert [(each["filename"], each["stack_trace"]) for each in errors] == [
        ("of_others.py", "ModuleNotFoundError: No module named 'etl_framework'")
    ]


def test_an_earlier_log_of_pip_does_not_count(place: Place) -> None:
    place.environment.pip = ["ERROR: no"]
    fails(place, place.bundle("c1", ORDERS))
    place.environment.pip = []
    place.clock.sleep(60)

    assert (
        place.deploy(place.bundle("c2", ORDERS, requirements="# more\n")).deploying.problems == []
    )


def test_an_import_error(place: Place) -> None:
    place.environment.broken = {
        "orders.py": "Traceback (most recent call last):\nModuleNotFoundError: No module named 'x'",
        "of_others.py": "Traceback\nSyntaxError",
    }
    place.put("dags/of_others.py", "theirs")
    waited = len(place.clock.slept)

    assert fails(place, place.bundle("c1", ORDERS)) == [
        "M302 dags/orders.py does not import: ModuleNotFoundError: No module named 'x'",
        "M303 Airflow has no DAG 'orders' after 10 minutes",
    ]
    assert len(place.clock.slept) - waited == 2, "an error is looked at three times"


def test_a_dag_that_does_not_come(place: Place) -> None:
    folder = place.bundle("c1", ORDERS, dag_ids=["orders", "gone"])

    assert fails(place, folder) == ["M303 Airflow has no DAG 'gone' after 10 minutes"]


def test_a_worker_that_has_another_version(place: Place) -> None:
    place.environment.pip = ["Successfully installed duckdb-1.3.0 etl-framework-0.0.9 jinja2-3"]

    assert fails(place, place.bundle("c1", ORDERS))[0] == (
        "M304 the scheduler has etl-framework 0.0.9, the bundle 0.1.0"
    )


def test_a_dag_processor_that_has_another_version(place: Place) -> None:
    place.deploy(place.bundle("c1", ORDERS))
    place.environment.framework = "0.0.9"

    assert fails(place, place.bundle("c2", TWICE)) == [
        "M304 the DAG processor has etl-framework 0.0.9, the bundle 0.1.0"
    ]


def test_what_cannot_be_seen_is_a_warning(place: Place) -> None:
    for log in place.environment.state["LoggingConfiguration"].values():
        log["Enabled"] = False
    place.server.fault = lambda o: "AccessDeniedException" if o == "invoke_rest_api" else ""
    ready = place.deploy(place.bundle("c1", ORDERS))

    assert [str(each).splitlines()[0] for each in ready.deploying.problems] == [
        "M305 warning: the install logs are switched off",
        "M305 warning: what Airflow shows cannot be seen: AWS refuses airflow:InvokeRestApi: "
        "AccessDeniedException",
    ]
    assert place.record()["deploys"][0]["state"] == "done"


@contextmanager
def broken_s3(servers: Servers, patch: pytest.MonkeyPatch) -> Iterator[S3Proxy]:
    """A server before S3 that may cut connections; the client waits for nothing."""
    import botocore.endpoint

    proxy = S3Proxy(servers.variables["AWS_ENDPOINT_URL_S3"])
    patch.setattr(botocore.endpoint.time, "sleep", lambda seconds: None)
    patch.setenv("AWS_ENDPOINT_URL_S3", proxy.url)
    clients._made.cache_clear()
    try:
        yield proxy
    finally:
        clients._made.cache_clear()
        patch.setenv("AWS_ENDPOINT_URL_S3", servers.variables["AWS_ENDPOINT_URL_S3"])
        proxy.stop()


@pytest.mark.parametrize("verdict", ["lost", "503"])
def test_s3_that_fails_now_and_then(
    place: Place, servers: Servers, monkeypatch: pytest.MonkeyPatch, verdict: str
) -> None:
    """Every request fails once, also those that write the record on condition."""
    seen, lock = set(), threading.Lock()

    def once(method: str, path: str) -> str:
        with lock:
            fresh = (method, path) not in seen
            seen.add((method, path))
        return verdict if fresh else ""

    folder = place.bundle("c1", ORDERS)
    with broken_s3(servers, monkeypatch) as proxy:
        proxy.verdict = once
        place.deploy(folder)

    there = {key for key in place.versions() if key.startswith("dags/")}
    assert there == {f"dags/{name}" for name in ORDERS}
    assert place.record()["deploys"][0]["state"] == "done"
    assert len(seen) > 8


def test_s3_that_goes_away_in_the_middle(
    place: Place, servers: Servers, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.deploy(place.bundle("c1", ORDERS))
    folder = place.bundle("c2", {**TWICE, "new.py": STUB.format("new")}, requirements="# more\n")
    with broken_s3(servers, monkeypatch) as proxy:
        uploads = ("PUT", f"/{place.environment.bucket}/dags/orders.py")
        proxy.verdict = lambda method, path: "lost" if (method, path) == uploads else ""
        with pytest.raises(RetryableError, match="M203 s3 put_object was not answered: Connection"):
            place.deploy(folder)
    place.deploy(folder)

    files = {f"dags/{name}": text for name, text in TWICE.items()}
    assert place.objects() == {
        **files, "dags/new.py": STUB.format("new"), "requirements.txt": f"# more\n{OURS}",
    }  # fmt: skip
    assert place.record()["deploys"][0]["state"] == "done"


class Killed(BaseException):
    """The process is gone: nothing is written any more."""


def killed_at(place: Place, folder: Path, number: int) -> bool:
    """A deploy whose process dies before its so-and-so-many-th changing call; whether it did."""
    start = place.start()
    made = 0

    def tell(call: Call) -> None:
        nonlocal made
        made += not call.reads
        if made >= number:
            raise Killed

    ready = start.deploy(folder)
    ready.deploying.aws.tell = tell
    try:
        ready.go()
    except Killed:
        return True
    return False


@pytest.mark.slow
def test_killed_anywhere_and_run_again(place: Place) -> None:
    """Before each changing call in turn: the same command then leaves the same."""
    first = place.bundle("c1", {**ORDERS, "old.py": STUB.format("old")})
    second = place.bundle("c2", {**TWICE, "new.py": STUB.format("new")}, requirements="# more\n",
                          options={"core.parallelism": "1"})  # fmt: skip
    wanted = {f"dags/{name}": text for name, text in TWICE.items()}
    wanted |= {"dags/new.py": STUB.format("new"), "requirements.txt": f"# more\n{OURS}"}
    number, deaths = 1, 0
    while True:
        place.deploy(first)
        died = killed_at(place, second, number)
        place.deploy(second, take_over=True)
        assert place.objects() == wanted, number
        options = place.environment.state["AirflowConfigurationOptions"]
        assert options["core.parallelism"] == "1", number
        record = place.record()
        assert (record["pending"], record["theirs"]) == ([], {"core.parallelism": "32"}), number
        deaths += died
        if not died:
            break
        number += 1
    assert deaths == 7


def test_what_a_killed_deploy_left_is_taken_away(place: Place) -> None:
    """A stub that only the killed one had is no DAG of the next one."""
    place.deploy(place.bundle("c1", ORDERS))
    assert killed_at(place, place.bundle("c2", {**ORDERS, "new.py": STUB.format("new")}), 3)
    assert "dags/new.py" in place.objects()
    place.deploy(place.bundle("c3", ORDERS), take_over=True)

    assert "dags/new.py" not in place.objects()
