"""A report in a bucket: what is written, in which order, and what is left alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from etl_framework.devstack.stack import BUCKET, Stack
from etl_framework.errors import ConfigError, RetryableError
from etl_framework.project.environments import REPORT_MARK as MARK
from etl_framework.report.publish import Publication, Published
from etl_framework.storage.s3 import S3Prefix
from tests.conftest import Folder, bucket
from tests.report.conftest import Page, sound

pytestmark = pytest.mark.slow
PAGES = {
    "index.html": b'<p class="made">prod, made 10:00</p><a href="runs/a.html">a</a>',
    "runs/a.html": b'<p class="made">prod, made 10:00</p>a',
    "kpis/k.html": b"k",
    "style.css": b"css",
    "report.js": b"js",
}
ENVIRONMENTS = """
    default: local
    environments:
      local:
        staging: .etl/staging
        history_tables: false
        report: s3://music-lake/team/report
        report_connection: bucket
        connections:
          lake: {type: directory, path: lake}
          bucket:
            {type: s3, bucket: music-lake, endpoint_url: "{{ env.ETL_DEV_S3_URL }}"}
          warehouse: {type: duckdb, path: .etl/warehouse.duckdb}
"""


@pytest.fixture
def place(stack: Stack) -> S3Prefix:
    return bucket() / "report"


@pytest.fixture
def sent(place: S3Prefix) -> Iterator[list[str]]:
    """What is asked of S3, in order: `put runs/a.html`."""
    found: list[str] = []

    def before_call(model: Any, params: Any, **_: Any) -> None:
        words = {"PutObject": "put", "DeleteObjects": "delete"}
        if model.name in words:
            path = params["url_path"].partition("/report/")[2]
            found.append(f"{words[model.name]} {path}".strip())

    place.client.meta.events.register("before-call.s3", before_call)
    yield found


def names(place: S3Prefix) -> list[str]:
    return [stored.name for stored in place.listed()]


def published(place: S3Prefix, pages: dict[str, bytes]) -> Published:
    return Publication(place).publish(pages)


def test_each_file_says_what_it_is(place: S3Prefix) -> None:
    assert published(place, PAGES) == Published(5, 0, 0)

    assert names(place) == sorted([MARK, *PAGES])
    about = {name: place.client.head_object(Bucket=BUCKET, Key=place.key(name)) for name in PAGES}
    assert {name: found["ContentType"] for name, found in about.items()} == {
        "index.html": "text/html; charset=utf-8", "runs/a.html": "text/html; charset=utf-8",
        "kpis/k.html": "text/html; charset=utf-8", "style.css": "text/css; charset=utf-8",
        "report.js": "text/javascript; charset=utf-8",
    }  # fmt: skip
    caches = {name: found["CacheControl"] for name, found in about.items()}
    assert {caches[name] for name in PAGES if "html" in name} == {"private, no-cache"}
    assert {caches[name] for name in ("style.css", "report.js")} == {"private, max-age=300"}
    assert place.read("runs/a.html") == PAGES["runs/a.html"]


def test_no_page_links_to_what_is_not_there(place: S3Prefix, sent: list[str]) -> None:
    """New ones first, then what has changed, the first page last, and only then deletions."""
    published(place, PAGES)
    sent.clear()
    later = {name: page.replace(b"10:00", b"11:00") for name, page in PAGES.items()}
    later |= {"kpis/k.html": b"k2", "runs/b.html": b"b"}
    del later["runs/a.html"]

    assert published(place, later) == Published(3, 1, 2)
    assert sent == [
        f"put {MARK}", "put runs/b.html", "put kpis/k.html", "put index.html", "delete",
        f"put {MARK}",
    ]  # fmt: skip
    assert names(place) == sorted([MARK, *later])


def test_only_what_has_changed(place: S3Prefix) -> None:
    """The moment when a page was made is no change; but what somebody else has written is."""
    published(place, PAGES)
    later = {name: page.replace(b"10:00", b"11:00") for name, page in PAGES.items()}

    assert published(place, later) == Published(1, 0, 4)
    assert place.read("index.html") == later["index.html"]
    assert place.read("runs/a.html") == PAGES["runs/a.html"]
    place.write("style.css", b"of somebody else")
    assert published(place, later) == Published(2, 0, 3)
    assert place.read("style.css") == b"css"


def test_objects_of_others_are_left_alone(place: S3Prefix) -> None:
    (place / "runs").write("theirs.csv", b"1,2")
    with pytest.raises(ConfigError, match=r"has other objects than a report.*runs/theirs\.csv"):
        Publication(place)
    (place / "runs").delete(["theirs.csv"])
    bucket().write("report-of-others/x", b"x")  # begins alike

    published(place, PAGES)
    (place / "runs").write("theirs.csv", b"1,2")
    place.write("kpis/k.html", b"theirs, too")
    published(place, {"index.html": b"no more"})

    assert names(place) == [MARK, "index.html", "kpis/k.html", "runs/theirs.csv"]


@pytest.mark.parametrize(
    "mark", [b"", b"[]", b"x", b'{"made_by": "us"}', b'{"made_by": "etl report"}']
)
def test_a_mark_of_somebody_else(place: S3Prefix, mark: bytes) -> None:
    place.write(MARK, mark)
    place.write("x", b"")

    with pytest.raises(ConfigError, match="has other objects than a report"):
        Publication(place)


def test_what_was_published_meanwhile_stays(place: S3Prefix) -> None:
    """The task of another pipeline publishes while this one makes its pages."""
    published(place, PAGES)
    slow = Publication(place)
    published(place, PAGES | {"runs/new.html": b"new"})

    slow.publish(PAGES)

    assert "runs/new.html" in names(place)


class _Breaking(S3Prefix):
    """S3, which is busy when the first page comes."""

    def write(self, name: str, data: bytes, **headers: str) -> str:
        if name == "index.html":
            raise RetryableError("S3 does not answer")
        return super().write(name, data, **headers)


def test_one_that_broke_off_is_completed(place: S3Prefix) -> None:
    """Its error may pass; nothing that it has written is left behind."""
    broken = Publication(_Breaking(place.client, place.bucket, place.prefix))
    with pytest.raises(RetryableError):
        broken.publish(PAGES)
    assert "index.html" not in names(place) and "runs/a.html" in names(place)

    assert published(place, {"index.html": b"i"}) == Published(1, 4, 0)
    assert names(place) == [MARK, "index.html"]


def test_a_key_encrypts_all(place: S3Prefix) -> None:
    key = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": "arn:aws:kms:eu-west-1:1:key/k"}
    encrypted = replace(place, encryption=key)
    published(encrypted, PAGES)

    for name in (MARK, *PAGES):
        about = place.client.head_object(Bucket=BUCKET, Key=place.key(name))
        assert about["ServerSideEncryption"] == "aws:kms"
    assert published(encrypted, PAGES) == Published(1, 0, 4)


def test_the_command(orders: Folder, stack: Stack) -> None:
    orders.write("environments.yml", ENVIRONMENTS)
    orders.etl("run", "orders", "--date", "2024-06-25")
    more = ("report", "--to", "2024-06-25")

    done = orders.etl(*more, "--publish")
    assert (done.returncode, done.stdout) == (0, "s3://music-lake/team/report/index.html\n")
    assert done.stderr == "9 written, 0 deleted, 0 the same\n"
    again = orders.etl(*more, "--publish")
    assert again.stderr == "1 written, 0 deleted, 8 the same\n"
    place = bucket() / "team/report"
    copy = orders.root / "copy"
    for stored in place.listed():
        place.download(stored.name, copy / stored.name)
    sound({str(file): Page(file) for file in copy.rglob("*.html")})

    planned = orders.etl("plan", "orders", "--no-sql").stdout
    assert "the task report then publishes the report to s3://music-lake/team/report." in planned

    there = orders.etl(*more, "--publish", "s3://music-lake/elsewhere")
    assert there.stdout == "s3://music-lake/elsewhere/index.html\n"
    refused = orders.etl(*more, "--publish", "s3://music-lake")
    assert refused.returncode == 2 and "has other objects than a report" in refused.stderr
    gone = orders.etl(*more, "--publish", "s3://no-such-bucket/x")
    assert gone.returncode == 2 and "S3 refuses s3://no-such-bucket/x" in gone.stderr
    url = "report_url: https://reports.example/music/\n        report_connection"
    orders.write("environments.yml", ENVIRONMENTS.replace("report_connection", url))
    assert orders.etl(*more, "--publish").stdout == "https://reports.example/music/index.html\n"


def test_without_a_place(orders: Folder) -> None:
    done = orders.etl("report", "--publish")
    assert done.returncode == 2
    assert "nothing says where the report is published" in done.stderr
    assert "`report: s3://bucket/prefix`" in done.stderr
    done = orders.etl("report", "--publish", "/tmp/report")
    assert done.returncode == 2 and "'/tmp/report' is no place in S3" in done.stderr
    assert orders.etl("report", "--publish", "--serve").returncode == 2
    orders.write("environments.yml", ENVIRONMENTS.replace("report_connection: bucket",
                                                          "report_connection: lake"))  # fmt: skip
    done = orders.etl("report", "--publish")
    assert "'report_connection' names no connection of type s3: 'lake'" in done.stderr
