"""A canary as every secret, through every error: no message may show it, a half or a form of it.

`python -m tests.fuzz.messages ROUNDS [FIRST]` makes a new canary for each round.
"""

from __future__ import annotations

import json
import os
import random
import re
import string
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

from etl_framework.airflow.errors import airflow_errors
from etl_framework.connections import aws
from etl_framework.connections.lookup import Lookup, use
from etl_framework.connections.postgres import Postgres
from etl_framework.connections.redshift import Redshift
from etl_framework.connections.s3 import S3
from etl_framework.devstack.stack import Stack
from etl_framework.doctor.base import Patient
from etl_framework.doctor.examine import examine
from etl_framework.errors import secrets
from etl_framework.errors.secrets import traceback_without_secrets
from etl_framework.project.project import load_project

SPECIAL = "@/:?#[]%&=+;,'\"\\$!*()<>{}|^` "
LETTERS = string.ascii_letters + string.digits
ENVIRONMENTS = """
default: local
environments:
  local:
    staging: .etl/staging
    connections:
      rds: {type: postgres, url: "{{ env.CANARY_URL }}", connect_timeout: 2}
"""
PIPELINE = """
name: p
sources:
  t:
    type: postgres
    connection: rds
    table: t
    columns: [{name: k, type: integer}]
"""


@dataclass(frozen=True)
class Canary:
    """A secret of two to four halves, with special characters between."""

    halves: tuple[str, ...]
    text: str

    @classmethod
    def of(cls, seed: int) -> Canary:
        chance = random.Random(seed)
        halves = ["".join(chance.choices(LETTERS, k=chance.randint(4, 9)))
                  for _ in range(chance.randint(2, 4))]  # fmt: skip
        text = halves[0]
        for half in halves[1:]:
            text += "".join(chance.choices(SPECIAL, k=chance.randint(1, 2))) + half
        return cls(tuple(halves), text)

    def shown_in(self, text: str) -> list[str]:
        """What of the canary a text shows, in any case."""
        forms = {self.text, quote(self.text, safe=""), quote(self.text), quote_plus(self.text)}
        forms |= {json.dumps(self.text)[1:-1], repr(self.text)[1:-1], *self.halves}
        return [form for form in sorted(forms) if form.lower() in text.lower()]


# A name and what is done in the round.
Path_ = tuple[str, dict[str, str], Callable[[Path], object]]


def urls(canary: str, port: int) -> Iterator[tuple[str, str]]:
    """URLs that fail, with the canary as it is and encoded."""
    for how, secret in (("raw", canary), ("encoded", quote(canary, safe=""))):
        for what, rest in {
            "a bad host": "no-such-host.invalid/db",
            "a port of letters": "127.0.0.1:port/db",
            "a port too large": "127.0.0.1:99999/db",
            "nobody listens": "127.0.0.1:9/db",
            "another port": f"127.0.0.1:{port}/db",
            "TLS that is refused": f"127.0.0.1:{port}/db?sslmode=verify-full&sslrootcert=system",
            "a setting that is none": "127.0.0.1:9/db?sslmode=maybe",
            "a parameter that is none": "127.0.0.1:9/db?nonsense=1",
            "a bracket": "[::1/db",
            "a broken escape": "127.0.0.1%zz/db",
        }.items():
            yield f"{what}, {how}", f"postgresql://me:{secret}@{rest}"
    yield "no URL", f"me:{canary}"
    yield "only the secret", canary
    yield "another database", f"mysql://me:{canary}@127.0.0.1:9/db"
    yield "a DSN", f"host=127.0.0.1 port=9 user=me password='{canary}'"
    yield "a DSN without quotes", f"host=127.0.0.1 port=9 password={canary}"
    yield "a parameter", f"postgresql://127.0.0.1:9/db?password={quote(canary, safe='')}"
    yield "a raw parameter", f"postgresql://127.0.0.1:9/db?password={canary}"


def paths(canary: str, stack: Stack) -> Iterator[Path_]:
    """Everything that is tried in a round."""
    port = stack.variables["ETL_DEV_REDSHIFT_PORT"]
    for what, url in urls(canary, int(port)):
        postgres = Postgres(type="postgres", url="{{ env.CANARY_URL }}", connect_timeout=2)
        yield f"PostgreSQL: {what}", {"CANARY_URL": url}, postgres.connect
        yield f"lineage: {what}", {"CANARY_URL": url}, lambda root, p=postgres: p.dataset(root, "t")
        login = Postgres(type="postgres", conn_id="canary", connect_timeout=2)
        yield f"Airflow's connection: {what}", {"AIRFLOW_CONN_CANARY": url}, login.connect
        yield f"a run: {what}", {"CANARY_URL": url}, run
        yield f"doctor: {what}", {"CANARY_URL": url}, doctor
    as_json = json.dumps({"host": "127.0.0.1", "port": 9, "login": "me", "password": canary})
    by_json = Postgres(type="postgres", conn_id="canary", connect_timeout=2)
    for text in (as_json, as_json[:-1], as_json.replace("9", '"x"')):
        yield "JSON of Secrets Manager", {"AIRFLOW_CONN_CANARY": text}, by_json.connect
    for driver in ("psycopg2", "redshift_connector"):
        for what, settings in {
            "a wrong password": {"port": port},
            "a bad host": {"port": port, "host": "no-such-host.invalid"},
            "nobody listens": {"port": "9"},
            "TLS that is refused": {"port": port, "ssl_root_cert": None},
        }.items():
            cluster: dict[str, Any] = {
                "type": "redshift", "driver": driver, "host": "localhost", "database": "dev",
                "user": "me", "password": "{{ env.CANARY }}", "connect_timeout": 2,
                "ssl_root_cert": stack.variables["ETL_DEV_AUTHORITY"],
            }  # fmt: skip
            redshift = Redshift(**{n: v for n, v in {**cluster, **settings}.items() if v})
            yield f"Redshift, {driver}: {what}", {"CANARY": canary}, redshift.open_session
    keys = {
        "AWS_ACCESS_KEY_ID": "AKIA", "AWS_SECRET_ACCESS_KEY": canary,
        "AWS_SESSION_TOKEN": re.sub(r"[\s\"'\\]", "_", canary),
    }  # fmt: skip
    for what, endpoint in {
        "nobody listens": "http://127.0.0.1:9",
        "no URL": "http://[::1",
        "a password in the URL": f"http://me:{quote(canary, safe='')}@127.0.0.1:9",
        "a raw password in the URL": f"http://me:{canary}@127.0.0.1:9",
        "no such bucket": stack.variables["ETL_DEV_S3_URL"],
    }.items():
        bucket = S3(type="s3", bucket="no-such-bucket-here", endpoint_url="{{ env.CANARY_S3 }}")
        look = lambda root, s=bucket: next(s.open(attempts=1).listed(), None)  # noqa: E731
        yield f"S3: {what}", {**keys, "CANARY_S3": endpoint}, look
    api = Redshift(type="redshift", driver="data_api", workgroup="w", database="d",
                   endpoint_url="{{ env.CANARY_S3 }}")  # fmt: skip
    there = {**keys, "CANARY_S3": stack.variables["ETL_DEV_S3_URL"]}
    yield "the Data API", there, lambda root: api.open_session(root).run("SELECT 1")


def run(root: Path) -> None:
    """A task of Airflow, which reads the source."""
    from etl_framework.interval import DataInterval
    from etl_framework.plan.plan import build_plan
    from etl_framework.run.run import Run

    project = load_project(root)
    model = project.pipeline("p").model
    assert model
    interval: DataInterval = next(model.cut().intervals_from(model.start_date))
    with airflow_errors(["rds (canary)"]):
        use(Lookup())
        Run(build_plan(project, "p", None, interval)).one_step("extract.t")


def doctor(root: Path) -> None:
    project = load_project(root)
    for problem in examine(Patient(project, "local", project.environment("local")), 20):
        print(problem)


@contextmanager
def variables(values: dict[str, str]) -> Iterator[None]:
    before = dict(os.environ)
    os.environ.update(values)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def shown(root: Path, seed: int, stack: Stack) -> Iterator[str]:
    """What a round showed of its canary, with the path on which it did."""
    canary = Canary.of(seed)
    for name, values, act in paths(canary.text, stack):
        aws._made.cache_clear()
        secrets._known.clear()
        secrets._Patterns.whole = secrets._Patterns.pieces = None
        use(Lookup())
        told, failed = StringIO(), False
        with variables(values), redirect_stdout(told), redirect_stderr(told):
            try:
                act(root)
            except Exception as error:  # noqa: BLE001 - whatever it is, it is looked at
                failed = True
                told.write(f"{error} {error!r}\n")
                traceback_without_secrets(type(error), error, error.__traceback__)
        text = told.getvalue()
        if forms := canary.shown_in(text):
            yield f"seed {seed}, {name}: {forms} in {text[:1500]}"
        if not failed and not text and "lineage" not in name:
            yield f"seed {seed}, {name}: it did not fail"


def project(folder: Path) -> Path:
    """A project that reads a table from where the canary says."""
    (folder / "pipelines").mkdir(parents=True)
    (folder / "environments.yml").write_text(ENVIRONMENTS)
    (folder / "pipelines/p.yml").write_text(PIPELINE)
    return folder


def main() -> None:
    given = [int(each) for each in sys.argv[1:3]]
    count, first = (given + [20, 0][len(given) :])[:2]
    with tempfile.TemporaryDirectory(prefix="etl-canary-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        stack = Stack(folder / "stack")
        stack.start()
        try:
            root = project(folder / "project")
            found = [
                text for seed in range(first, first + count) for text in shown(root, seed, stack)
            ]
        finally:
            stack.stop()
    print("\n\n".join(found))
    print(f"{count} canaries: {len(found)} messages show them")
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
