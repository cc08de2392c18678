"""Put a report into a bucket, where the team reads it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from etl_framework.errors import ConfigError
from etl_framework.project.environments import REPORT_MARK
from etl_framework.project.workspace import Workspace
from etl_framework.report.pages import INDEX, content_type, digest, read_pages
from etl_framework.report.site import Written
from etl_framework.storage.s3 import S3Prefix

# How many objects are written side by side; each waits for an answer.
SIDE_BY_SIDE = 8
# A browser asks whether a page has changed each time that it shows it, and caches between it and
# the bucket keep none. What all pages use changes with the version of this package only.
CACHE = {".html": "private, no-cache", "": "private, max-age=300"}
MADE_BY = "etl report"


@dataclass(frozen=True)
class Known:
    """What a report knows of a file that it has published.

    :param digest: that of the file as it was made; empty if its upload may not have ended.
    :param tag: what S3 gave for it; another says that somebody else has written it since.
    """

    digest: str = ""
    tag: str = ""


@dataclass(frozen=True)
class Published:
    """How many files were written, deleted, and left as they were."""

    written: int
    deleted: int
    same: int


class Publication:
    """Publishes a report to a prefix of a bucket that holds nothing, or an earlier report.

    Looks at the prefix when it is created, which should be before the report is made: what others
    publish in between is then not deleted.

    :raises ConfigError: the prefix holds other objects, or may not be used.
    :raises RetryableError: S3 does not answer.
    """

    def __init__(self, place: S3Prefix) -> None:
        self._place = place
        self._before = _published(place)

    def publish(self, pages: Mapping[str, bytes]) -> Published:
        """Write what has changed, and delete pages that are gone.

        At no moment does a page link to one that is not there: new pages come first, then those
        that have changed, the first page last; only then are pages deleted.

        :raises ConfigError: the bucket refuses it.
        :raises RetryableError: S3 does not answer; what is there is completed by the next time.
        """
        there = {stored.name: stored.tag for stored in self._place.listed()}
        wanted = {name: digest(name, content) for name, content in pages.items()}
        known = {name: self._before.get(name, Known()) for name in [*self._before, *wanted]}
        same = {
            name
            for name in wanted.keys() - {INDEX}
            if name in there and known[name] == Known(wanted[name], there[name])
        }
        new = [name for name in wanted if name not in there and name != INDEX]
        changed = [name for name in wanted.keys() - same - {INDEX} if name in there]
        # Before anything else, so that an upload that breaks off leaves no file nobody knows.
        self._mark(known)
        for names in (new, changed, [INDEX]):
            tags = _side_by_side(lambda name: self._write(name, pages[name]), names)
            known |= {name: Known(wanted[name], tag) for name, tag in tags.items()}
        gone = [
            name
            for name in known.keys() - wanted.keys()
            if name in there and known[name].tag in ("", there[name])
        ]
        self._place.delete(gone)
        self._mark({name: known[name] for name in wanted})
        return Published(len(new) + len(changed) + 1, len(gone), len(same))

    def _write(self, name: str, content: bytes) -> str:
        cache = CACHE[".html" if name.endswith(".html") else ""]
        return self._place.write(name, content, ContentType=content_type(name), CacheControl=cache)

    def _mark(self, files: Mapping[str, Known]) -> None:
        """Write the mark of a report, which knows its files."""
        listed = {name: [file.digest, file.tag] for name, file in sorted(files.items())}
        text = json.dumps({"made_by": MADE_BY, "files": listed}, indent=0)
        self._place.write(REPORT_MARK, text.encode(), ContentType="application/json")


def publish_site(
    workspace: Workspace, make: Callable[[], Written], address: str = ""
) -> tuple[Published, str]:
    """Make a report and publish it; return what was done, and the address of the first page.

    :param address: `s3://bucket/prefix`; that of the environment if not given.
    :raises ConfigError: there is no such place, it holds other objects, or may not be used.
    :raises RetryableError: S3, or a warehouse, does not answer.
    """
    place = workspace.report_prefix(address)
    publication = Publication(place)
    done = publication.publish(read_pages(make().index.parent))
    base = "" if address else workspace.environment.report_url
    return done, f"{base.rstrip('/')}/{INDEX}" if base else place.uri(INDEX)


def _published(place: S3Prefix) -> dict[str, Known]:
    """What an earlier report has published to a prefix; nothing if there are no objects.

    :raises ConfigError: there are objects, and no report has put them there.
    """
    names = [stored.name for stored in place.listed()]
    content = place.read(REPORT_MARK) if REPORT_MARK in names else None
    if content is None and not names:
        return {}
    try:
        mark = json.loads(content or b"")
        if mark["made_by"] != MADE_BY:
            raise ValueError(mark["made_by"])
        return {name: Known(*map(str, file)) for name, file in mark["files"].items()}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ConfigError(
            f"{place.uri('')} has other objects than a report, for example {names[0]}",
            hint="name a prefix that is empty, or that a report was published to",
        ) from error


def _side_by_side(write: Callable[[str], str], names: Iterable[str]) -> dict[str, str]:
    """Write files, and return the tag of each; the first error ends it."""
    ordered = sorted(names)
    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        return dict(zip(ordered, pool.map(write, ordered), strict=True))
