"""A source of files that a package brings has all that a CSV source has."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from etl_framework.devstack.stack import Stack
from tests.chaos.proxies import S3Proxy
from tests.conftest import bucket, in_the_cluster
from tests.iam.evaluator import Request, allowed
from tests.sources.installed import FILE, PIPELINE, Installed, words

__all__ = ["words"]
pytestmark = pytest.mark.slow
RUN = ("run", "words", "--date", "2024-06-25")
COUNTED = [("ada", 2), ("bob", 1)]
PROD = """
    default: prod
    environments:
      prod:
        engine: %s
        %s
        staging: s3://lake/staging
        staging_connection: lake
        connections:
          lake: {type: s3, bucket: lake, prefix: in}
          warehouse: {type: redshift, conn_id: redshift, iam_role: "{{ var.role }}"}
    """


def counted(words: Installed) -> list[tuple[str, int]]:
    """What the warehouse holds."""
    shown = words.etl("show", "counts", "--order-by", "word", "--format", "json")
    return [(row["word"], row["times"]) for row in json.loads(shown.stdout)]


def test_a_run_reads_a_directory_and_archives(words: Installed) -> None:
    first = words.etl(*RUN)

    assert first.returncode == 0, first.stderr
    assert counted(words) == COUNTED
    assert words.lines() == [f"processed/{FILE}"]
    again = words.etl(*RUN, "--fresh")
    assert again.returncode == 0, again.stderr
    assert counted(words) == COUNTED


def test_files_that_are_not_there_or_hold_nothing(words: Installed) -> None:
    (words.folder.root / "lake" / FILE).write_text("")
    assert "the files of 'words/2024-06-25*.txt' have no rows" in words.etl(*RUN).stderr
    (words.folder.root / "lake" / FILE).unlink()
    assert "no file matches 'words/2024-06-25*.txt' in connection 'lake'" in words.etl(*RUN).stderr

    words.folder.write("pipelines/words.yml", PIPELINE.replace("wait: 6h", "may_be_empty: true"))
    done = words.etl(*RUN)
    assert done.returncode == 0, done.stderr
    assert counted(words) == []


@pytest.mark.parametrize("engine", ["duckdb", "redshift"])
def test_a_run_reads_s3_and_archives(words: Installed, stack: Stack, engine: str) -> None:
    place = bucket()
    place.upload(words.folder.root / "lake" / FILE, FILE)
    in_the_cluster(words.folder, engine)

    done = words.etl(*RUN)

    assert done.returncode == 0, done.stderr
    names = [stored.name for stored in place.listed() if stored.name.endswith(".txt")]
    assert names == [f"processed/{FILE}"]
    assert counted(words) == COUNTED


@pytest.mark.parametrize("engine", ["duckdb", "redshift"])
def test_rights_in_s3(words: Installed, engine: str) -> None:
    words.folder.write("environments.yml", PROD % (engine, ""))
    done = words.etl("iam")
    assert done.returncode == 0, done.stderr
    rights = json.loads(done.stdout)

    there, archive = f"arn:aws:s3:::lake/in/{FILE}", f"arn:aws:s3:::lake/in/processed/{FILE}"
    needed = [
        Request("s3:GetObject", there),
        Request("s3:DeleteObject", there),
        Request("s3:PutObject", archive),
        Request("s3:GetObject", archive),
    ]
    assert [request for request in needed if not allowed(rights["execution"], request)] == []
    assert not allowed(rights["execution"], Request("s3:PutObject", there))
    # COPY does not read this format: Redshift's own role sees what is staged, and no more.
    assert not allowed(rights["copy_role"]["policies"], Request("s3:GetObject", there))


def test_the_compiled_dag_waits(words: Installed) -> None:
    compiled = words.etl("compile", "words").stdout

    assert "wait_seconds: 21600" in compiled
    assert "deferrable: true" in compiled


def test_the_plan_names_the_files(words: Installed) -> None:
    (step,) = (
        step
        for step in json.loads(words.etl("plan", "words", "--format", "json").stdout)
        if step["kind"] == "extract"
    )

    assert step["reads"] == "words/{{ interval.date }}*.txt from lake"


def test_lint_knows_it(words: Installed) -> None:
    words.folder.write("environments.yml", PROD % ("duckdb", "serverless: true"))
    text = PIPELINE.replace("interval.date", "interval.day").replace(
        "schedule:", "deadline: 1h\nschedule:"
    )
    words.folder.write("pipelines/words.yml", text)

    told = words.etl("lint").stdout
    assert "cannot wait without a worker" in told
    assert "W504 warning: the deadline is over before the wait is" in told
    assert "E316 unknown name 'day'" in told


@pytest.fixture
def proxy(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> Iterator[S3Proxy]:
    """A way to S3 that can be closed."""
    running = S3Proxy(stack.variables["ETL_DEV_S3_URL"])
    monkeypatch.setenv("ETL_DEV_S3_URL", running.url)
    yield running
    running.stop()


@pytest.mark.parametrize(
    ("forbidden", "code"),
    [
        pytest.param("prefix=words", "D402", id="listing is forbidden"),
        pytest.param(FILE, "D403", id="reading is forbidden"),
        pytest.param("nothing", "", id="all is allowed"),
    ],
)
def test_the_doctor_examines_it(
    words: Installed, proxy: S3Proxy, forbidden: str, code: str
) -> None:
    place = bucket()
    place.delete([stored.name for stored in place.listed("words")])  # of tests before
    place.upload(words.folder.root / "lake" / FILE, FILE)
    in_the_cluster(words.folder)
    proxy.verdict = lambda method, path: "403" if method == "GET" and forbidden in path else ""

    done = words.etl("doctor", "--format", "json")

    codes = {problem["code"] for problem in json.loads(done.stdout)}
    assert codes & {"D402", "D403"} == ({code} if code else set())
