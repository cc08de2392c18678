"""Progress on stderr: as much as is wanted, for people or for machines."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from datetime import datetime
from typing import Any

import pytest

from etl_framework.errors.secrets import keep_secret
from tests.cli.conftest import Etl
from tests.cli.test_document import NO_CUSTOMER, STRICT
from tests.conftest import ORDERS, REPOSITORY, TOTALS, Folder
from tests.runs.processes import start, until

DATE = ("--date", "2024-06-25")
PAGE = (REPOSITORY / "docs/output.md").read_text(encoding="utf-8")


def lines(text: str) -> list[dict[str, Any]]:
    """The objects on stderr, one a line; every line is one."""
    return [json.loads(line) for line in text.splitlines()]


def test_quiet_prints_the_result_alone(orders: Folder, etl: Etl) -> None:
    loud, quiet = etl("run", "orders", *DATE), etl("run", "orders", *DATE, "-q")

    assert "publish" in loud.stderr
    assert quiet.stderr == ""
    assert quiet.stdout == loud.stdout
    assert "published 2 rows to totals" in quiet.stdout


def test_quiet_prints_errors(orders: Folder, etl: Etl) -> None:
    orders.write("pipelines/orders.yml", STRICT)
    orders.write("lake/orders/1.csv", NO_CUSTOMER)
    days = ("--from", "2024-06-25", "--to", "2024-06-26")
    done = etl("run", "orders", *days, "--quiet", "--keep-going")

    assert done.returncode == 1
    told = [line for line in done.stderr.splitlines() if not line.startswith("  hint")]
    assert [re.sub(r":\d+:\d+:.*", "", line) for line in told] == ["pipelines/orders.yml"] * 2


def test_verbose_tells_each_start_and_the_run(orders: Folder, etl: Etl) -> None:
    done = etl("run", "orders", *DATE, "-v")

    assert "… extract.orders\n" in done.stderr
    assert re.search(r"^run \w+-\w+: done, \d+\.\d\ds$", done.stderr, re.MULTILINE)
    assert "… extract.orders" not in etl("run", "orders", *DATE).stderr


def test_verbose_and_quiet_do_not_go_together(orders: Folder, etl: Etl) -> None:
    done = etl("run", "orders", "-v", "-q")

    assert (done.returncode, "either --verbose or --quiet" in done.stderr) == (2, True)


def test_machines_get_an_object_a_line(orders: Folder, etl: Etl) -> None:
    done = etl("run", "orders", *DATE, "--log-format", "json")
    told = lines(done.stderr)

    assert "published 2 rows to totals" in done.stdout, "the result is as it is without"
    assert {line["event"] for line in told} == {"run", "step"}
    assert {line["level"] for line in told} == {"info"}
    for line in told:
        assert datetime.fromisoformat(line["time"]).tzinfo
        assert (line["pipeline"], line["environment"]) == ("orders", "local")
        assert line["interval_start"] == "2024-06-25T00:00:00+00:00"
    assert len({line["run"] for line in told}) == 1
    steps = [(line["step"], line["state"]) for line in told if line["event"] == "step"]
    assert steps[0] == ("extract.orders", "started")
    assert steps[-1] == ("publish", "done")
    (extracted,) = (line for line in told if line.get("step") == "extract.orders"
                    and line["state"] == "done")  # fmt: skip
    assert extracted["counts"] == {"read": 3, "kept": 3, "rejected": 0}
    assert told[-1]["published"] == {"rows": 2, "tables": ["totals"]}
    named = set(re.findall(r"`(\w+)`", PAGE))
    assert {key for line in told for key in line} - named == set()


def test_machines_get_every_step_of_several_data_intervals(orders: Folder, etl: Etl) -> None:
    days = ("--from", "2024-06-25", "--to", "2024-06-26")
    done = etl("run", "orders", *days, "--log-format", "json")
    told = lines(done.stderr)
    ended = [line for line in told if line["event"] == "run" and "seconds" in line]
    published = [line["interval_start"] for line in told if line.get("step") == "publish"
                 and line["state"] == "done"]  # fmt: skip

    assert [line["interval_start"][:10] for line in ended] == ["2024-06-25", "2024-06-26"]
    assert published == [line["interval_start"] for line in ended]
    assert [line["message"] for line in told if line["event"] == "message"] == [
        "2 data intervals, one run each"
    ]
    assert told[-1]["event"] == "summary"
    assert done.stdout == ""


def test_machines_get_diagnostics(orders: Folder, etl: Etl) -> None:
    orders.write("pipelines/orders.yml", STRICT)
    orders.write("lake/orders/1.csv", NO_CUSTOMER)
    failed = etl("run", "orders", *DATE, "--log-format", "json")
    told = lines(failed.stderr)
    assert failed.returncode == 1
    assert (told[-1]["event"], told[-1]["level"], told[-1]["path"]) == (
        "problem", "error", "pipelines/orders.yml",
    )  # fmt: skip
    (broken,) = (line for line in told if line.get("step") and line["state"] == "failed")
    assert broken["level"] == "error"
    assert broken["error"] in told[-1]["message"]

    orders.write("pipelines/orders.yml", ORDERS + "nonsense: 1\n")
    wrong = etl("run", "orders", *DATE, "--log-format", "json")
    assert (wrong.returncode, lines(wrong.stderr)[0]["code"]) == (2, "E202")

    late = etl("run", "orders", "--date", "2999-01-01", "--log-format", "json")
    assert (late.returncode, lines(late.stderr)[-1]["event"]) == (2, "problem")


def test_by_a_variable_for_all_commands(
    orders: Folder, etl: Etl, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ETL_LOG_FORMAT", "json")

    assert lines(etl("clean").stderr)[0]["message"].startswith("deleted 0 objects")
    assert etl("clean", "--log-format", "text").stderr.startswith("deleted 0 objects")


def test_no_line_shows_a_secret(orders: Folder, etl: Etl) -> None:
    """Also where a name of the project is one by chance."""
    keep_secret("kpi_of_totals")
    orders.write(
        "pipelines/orders.yml",
        ORDERS.replace("totals", "kpi_of_totals")
        .replace("  kpi_of_totals:", "  totals:")
        .replace("orders/kpi_of_totals.sql", "orders/totals.sql"),
    )
    done = etl("run", "orders", *DATE, "--log-format", "json")

    assert lines(done.stderr)[-1]["published"]["tables"] == ["***"]


def run_in_python(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", f"import logging; from etl_framework.cli.log import Log\n{code}"],
        cwd=REPOSITORY, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip


def test_a_bug_is_a_line_with_its_traceback() -> None:
    done = run_in_python("with Log(as_json=True).attached(): 1 / 0")
    (bug,) = lines(done.stderr)

    assert done.returncode == 1
    assert (bug["event"], bug["level"], bug["message"]) == (
        "bug",
        "error",
        "a bug: ZeroDivisionError",
    )
    assert bug["traceback"].startswith("Traceback")


@pytest.mark.parametrize(
    ("log", "says"),
    [
        pytest.param("Log()", ["w", "e"], id="as always"),
        pytest.param("Log(quiet=True)", ["e"], id="quiet"),
        pytest.param("Log(verbose=True)", ["i", "w", "e"], id="statements, too, if verbose"),
    ],
)
def test_what_libraries_log(log: str, says: list[str]) -> None:
    told = "l = logging.getLogger('etl_framework.x'); l.info('i'); l.warning('w'); l.error('e');"
    told += "other = logging.getLogger('other'); other.setLevel(10); other.info('o')"
    done = run_in_python(f"with {log}.attached(): {told}")

    assert done.stderr.splitlines() == says


def test_what_libraries_log_for_machines() -> None:
    code = "with Log(as_json=True).attached(): logging.getLogger('boto3').warning('token=abcdef')"
    (line,) = lines(run_in_python(code).stderr)

    assert (line["event"], line["level"], line["logger"]) == ("log", "warning", "boto3")
    assert line["message"] == "token=***"


WAITS = """
from pathlib import Path
from threading import Event


def wait(orders):
    Path("here").touch()
    Event().wait()
"""
TRANSFORM = """transforms:
  waits:
    python: waits:wait
    inputs: [orders]
    columns:
      - {name: customer, type: varchar(20)}
      - {name: amount, type: "decimal(10,2)"}
kpis:
"""


@pytest.mark.slow
def test_ctrl_c_is_a_line_and_a_document(orders: Folder) -> None:
    orders.write("waits.py", WAITS)
    orders.write("pipelines/orders.yml", ORDERS.replace("kpis:\n", TRANSFORM))
    orders.write("sql_templates/orders/totals.sql", TOTALS.replace("FROM orders", "FROM waits"))
    formats = ("--format", "json", "--log-format", "json")
    process = start(orders.root, "run", "orders", *DATE, *formats)
    until((orders.root / "here").exists, process)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)

    assert process.returncode == 130
    assert lines(err)[-1]["event"] == "stopped"
    document = json.loads(out)
    assert (document["state"], document["runs"][0]["state"]) == ("stopped", "stopped")
