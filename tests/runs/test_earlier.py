"""KPIs that read other data intervals: rolling windows, growth, totals over all days."""

from __future__ import annotations

import re
from datetime import date
from itertools import permutations
from typing import Any

import pytest

from etl_framework.errors import StepError
from etl_framework.plan.plan import build_plan
from etl_framework.project.project import load_project
from etl_framework.run.run import Run
from tests.cli.conftest import Etl
from tests.conftest import ELSEWHERE, Folder, moved

PLAYS = """
name: plays
schedule: "@daily"
start_date: 2024-06-01
sources:
  plays:
    type: csv
    connection: lake
    path: plays/{{ interval.date }}*.csv
    columns:
      - {name: user_id, type: integer, required: true}
      - {name: minutes, type: integer, required: true}
kpis:
  daily:
    sql: plays/daily.sql
    target: {connection: warehouse, table: daily, strategy: append}
    columns:
      - {name: day, type: date}
      - {name: user_id, type: integer}
      - {name: minutes, type: bigint}
  weekly:
    sql: plays/weekly.sql
    reads: {daily: 3d}
    target: {connection: warehouse, table: weekly, strategy: append}
    columns:
      - {name: day, type: date, primary_key: true}
      - {name: users, type: bigint}
      - {name: minutes, type: bigint}
  growth:
    sql: plays/growth.sql
    reads: {this: 2d}
    target: {connection: warehouse, table: growth, strategy: append}
    columns:
      - {name: day, type: date, primary_key: true}
      - {name: minutes, type: bigint}
      - {name: more, type: bigint}
      - {name: total, type: bigint}
  total:
    sql: plays/total.sql
    reads: {daily: all}
    target: {connection: warehouse, table: total, strategy: replace}
    columns:
      - {name: users, type: bigint}
      - {name: minutes, type: bigint}
"""
DAILY = """SELECT CAST({{ interval.date }} AS DATE) AS day, user_id, SUM(minutes) AS minutes
FROM plays GROUP BY user_id
"""
WEEKLY = """SELECT CAST({{ interval.date }} AS DATE) AS day, COUNT(DISTINCT user_id) AS users,
    SUM(minutes) AS minutes
FROM daily
"""
GROWTH = """SELECT today.day, today.minutes, today.minutes - before.minutes AS more,
    today.minutes + COALESCE(before.total, 0) AS total
FROM (SELECT CAST({{ interval.date }} AS DATE) AS day, SUM(minutes) AS minutes FROM plays) AS today
LEFT JOIN this AS before ON before.day < today.day
"""
TOTAL = "SELECT COUNT(DISTINCT user_id) AS users, SUM(minutes) AS minutes FROM daily\n"
# User and minutes of each day.
GIVEN = {1: [(1, 10), (2, 5)], 2: [(1, 1)], 3: [(3, 7)], 4: [(2, 2), (4, 2)], 5: [(1, 9)]}
WEEKLY_IS = [(1, 2, 15), (2, 2, 16), (3, 3, 23), (4, 4, 12), (5, 4, 20)]
GROWTH_IS = [(1, 15, None, 15), (2, 1, -14, 16), (3, 7, 6, 23), (4, 4, -3, 27), (5, 9, 5, 36)]
# The distinct users and the minutes of so many days.
TOTAL_IS = {3: [(3, 23)], 5: [(4, 36)]}

GROWTH_TEST = """    sql: plays/growth.sql
    tests:
      - name: the_day_before
        date: 2024-06-02
        given:
          plays: [{user_id: 1, minutes: 4}, {user_id: 2, minutes: 5}]
          this: [{day: 2024-06-01, minutes: 7, more: 1, total: 10}]
        expect: [{minutes: 9, more: 2, total: 19}]
      - name: the_first_day
        given: {plays: [{user_id: 1, minutes: 4}]}
        expect: [{minutes: 4, more: null, total: 4}]
"""


@pytest.fixture
def plays(folder: Folder) -> Folder:
    folder.write("pipelines/plays.yml", PLAYS)
    for name, sql in {"daily": DAILY, "weekly": WEEKLY, "growth": GROWTH, "total": TOTAL}.items():
        folder.write(f"sql_templates/plays/{name}.sql", sql)
    for day, rows in GIVEN.items():
        deliver(folder, day, rows)
    return folder


@pytest.fixture(params=ELSEWHERE)
def elsewhere(request: pytest.FixtureRequest, plays: Folder) -> Folder:
    """The same with its targets in other databases."""
    return moved(plays, request)


def deliver(folder: Folder, day: int, rows: list[tuple[int, int]]) -> None:
    lines = ["user_id,minutes", *(f"{user},{minutes}" for user, minutes in rows)]
    folder.write(f"lake/plays/2024-06-0{day}.csv", "\n".join(lines) + "\n")


def rows(folder: Folder, sql: str) -> list[tuple[Any, ...]]:
    workspace = load_project(folder.root).workspace(None)
    with workspace.warehouse("warehouse", read_only=True) as warehouse:
        return [
            tuple(int(value) if value is not None else None for value in row)
            for row in warehouse.query(sql)[1]
        ]


def assert_right(folder: Folder, days: int = 5) -> None:
    day = "SELECT EXTRACT(day FROM day)"
    assert rows(folder, f"{day}, users, minutes FROM weekly ORDER BY 1") == WEEKLY_IS[:days]
    growth = rows(folder, f"{day}, minutes, more, total FROM growth ORDER BY 1")
    assert growth == GROWTH_IS[:days]
    assert rows(folder, "SELECT users, minutes FROM total") == TOTAL_IS[days]


def ran(etl: Etl, *arguments: str) -> str:
    found = etl("run", "plays", *arguments)
    assert found.returncode == 0, found.stderr
    return found.stderr


def test_days_in_order(plays: Folder, etl: Etl) -> None:
    ran(etl, "--from", "2024-06-01", "--to", "2024-06-05")
    assert_right(plays)


@pytest.mark.parametrize("order", list(permutations((1, 2, 3, 4, 5)))[7::62])
def test_days_in_any_order(plays: Folder, etl: Etl, order: tuple[int, ...]) -> None:
    for day in order:
        ran(etl, "--date", f"2024-06-0{day}")
    assert_right(plays)


def test_a_day_that_is_corrected(plays: Folder, etl: Etl) -> None:
    deliver(plays, 2, [(9, 99)])
    ran(etl, "--from", "2024-06-01", "--to", "2024-06-05")
    deliver(plays, 2, GIVEN[2])

    said = ran(etl, "--date", "2024-06-02")
    assert "data interval [2024-06-04 00:00, 2024-06-05 00:00)" in said
    assert_right(plays)


def test_other_databases_and_engines(elsewhere: Folder, etl: Etl) -> None:
    for day in (2, 1, 3):
        ran(etl, "--date", f"2024-06-0{day}")
    assert_right(elsewhere, days=3)


def test_a_table_that_was_lost(plays: Folder, etl: Etl) -> None:
    """Each day is loaded again; what reads others is right as soon as they are there."""
    ran(etl, "--from", "2024-06-01", "--to", "2024-06-05")
    plays.change("DROP TABLE daily")

    ran(etl, "--date", "2024-06-05")
    assert rows(plays, "SELECT users, minutes FROM total") == [(1, 9)]
    ran(etl, "--from", "2024-06-01", "--to", "2024-06-05")
    assert_right(plays)


def test_what_another_run_changes_meanwhile_is_noticed(plays: Folder) -> None:
    """The run read its window, then another one publishes a part of it."""
    plays.run("plays", "2024-06-01")
    project = load_project(plays.root)
    pipeline = project.pipeline("plays").model
    assert pipeline
    (interval,) = pipeline.cut().between(date(2024, 6, 2), date(2024, 6, 2))
    run = Run(build_plan(project, "plays", None, interval))
    for step in run.plan.steps[:-1]:
        run.one_step(step.name)
    plays.run("plays", "2024-06-01", fresh=True)

    with pytest.raises(StepError) as caught:
        run.one_step("publish")
    assert sorted(d.message for d in caught.value.diagnostics) == [
        f"another run changed {table} after this one had read it"
        for table in ("daily", "daily", "growth")
    ]
    assert rows(plays, "SELECT COUNT(*) FROM weekly") == [(1,)]


def test_a_restated_day_is_followed_by_those_that_read_it(plays: Folder, etl: Etl) -> None:
    deliver(plays, 1, [(9, 99)])
    ran(etl, "--from", "2024-06-01", "--to", "2024-06-05")
    deliver(plays, 1, GIVEN[1])

    found = etl("restate", "plays", "--from", "2024-06-01", "--to", "2024-06-01")
    assert found.returncode == 0, found.stderr
    assert_right(plays)


def test_examples(plays: Folder, etl: Etl) -> None:
    file = plays.root / "pipelines/plays.yml"
    file.write_text(file.read_text().replace("    sql: plays/growth.sql\n", GROWTH_TEST))
    assert etl("lint").returncode == 0
    tested = etl("test")
    assert tested.returncode == 0, tested.stdout
    file.write_text(file.read_text().replace("more: 1,", "mora: 1,"))
    assert "E311 'this' has no column 'mora'" in etl("lint").stdout


def test_preview(plays: Folder, etl: Etl) -> None:
    ran(etl, "--from", "2024-06-01", "--to", "2024-06-03")
    for kpi, expected in {"weekly": "2024-06-04,4,12", "growth": "2024-06-04,4,-3,27"}.items():
        found = etl("preview", kpi, "--date", "2024-06-04", "--format", "csv")
        assert found.stdout.splitlines()[1:] == [expected], found.stderr


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("{daily: 3d}", "{daly: 3d}", "22:13: E323 'daly' is no KPI, whose table has the rows"),
        ("{daily: 3d}", "{plays: 3d}", "22:13: E323 'plays' is no KPI, whose table has the rows"),
        ("{daily: 3d}", "{total: 3d}", "22:13: E323 'total' does not keep the rows of each"),
        ("{daily: 3d}", "{weekly: 3d}", "22:13: E323 'weekly' cannot read itself"),
        ("{daily: 3d}", "{daily: 3d, this: 3d}", "22:24: E323 'weekly' does not read 'this'"),
        ("{daily: 3d}", "{daily: 24h}", "22:13: E323 '24h' reaches back to no whole data interval"),
        ("{daily: 3d}", "{daily: 36h}", "22:13: E323 '36h' reaches back to no whole data interval"),
        ("{daily: 3d}", "{daily: 3 days}", "22:20: E204 '3 days' is no span of time"),
        ("{daily: 3d}", "{daily: 99999999d}", "E204 '99999999d' is longer than ten years"),
        ("{daily: 3d}", "{daily: }", "E204 nothing is no span of time"),
        ("{daily: 3d}", "{daily: all}", "E323 'weekly' reads all data intervals, and its target"),
        ("{this: 2d}", "{this: all}", "E323 'this: all' would depend on the order of runs"),
        ("  total:", "  this:", "E323 no relation can be called 'this'"),
        ("{this: 2d}", "{}", "4:11: E411 unknown relation 'this'"),
        ("{daily: all}", "{daily: 9d}", "E321 each run brings its data interval's rows"),
    ],
)
def test_what_cannot_be_read(plays: Folder, etl: Etl, old: str, new: str, expected: str) -> None:
    file = plays.root / "pipelines/plays.yml"
    file.write_text(file.read_text().lstrip().replace(old, new, 1))
    assert expected in etl("lint").stdout


def test_the_plan_says_what_is_read(plays: Folder, etl: Etl) -> None:
    said = etl("plan", "plays", "--no-sql").stdout
    assert (
        "earlier.daily_3d\n     reads    daily from warehouse: data intervals, those of 3d" in said
    )
    assert etl("lineage", "growth.total").returncode == 0


class TestWhatIsStale:
    """KPIs that have read what was published anew are run again: these, and no others."""

    ALL = ("--from", "2024-06-01", "--to", "2024-06-05")

    def test_only_the_windows_that_have_changed(self, plays: Folder, etl: Etl) -> None:
        """A window of three days: the two days behind the corrected one, and not those behind."""
        file = plays.root / "pipelines/plays.yml"
        text = file.read_text()
        file.write_text(text[: text.index("  growth:")] + text[text.index("  total:") :])
        ran(etl, *self.ALL)
        deliver(plays, 1, [(1, 10), (2, 6)])

        said = ran(etl, "--date", "2024-06-01")
        days = re.findall(r"data interval \[2024-06-0(\d)", said)
        assert days == ["1", "2", "3"]

    def test_rows_that_are_not_computed_anew_are_those_of_the_table(
        self, plays: Folder, etl: Etl
    ) -> None:
        """The source has changed meanwhile, or has gone; what was published of it stands."""
        file = plays.root / "pipelines/plays.yml"
        text = file.read_text()
        file.write_text(text[: text.index("  growth:")] + text[text.index("  total:") :])
        ran(etl, *self.ALL)
        (plays.root / "lake/plays/2024-06-02.csv").unlink()
        deliver(plays, 3, [(9, 1000)])
        deliver(plays, 1, [(1, 11), (2, 5)])
        ran(etl, "--date", "2024-06-01")

        day = "SELECT EXTRACT(day FROM day)"
        weekly = rows(plays, f"{day}, users, minutes FROM weekly ORDER BY 1")
        assert weekly == [(1, 2, 16), (2, 2, 17), (3, 3, 24), (4, 4, 12), (5, 4, 20)]
        assert rows(plays, "SELECT SUM(minutes) FROM daily") == [(37,)]

    def test_one_reader_is_not_fresh_because_another_is(self, plays: Folder, etl: Etl) -> None:
        ran(etl, *self.ALL)
        deliver(plays, 1, [(1, 20), (2, 5)])
        restated = etl("restate", "plays", *self.ONE, "--select", "daily", "--select", "growth")
        assert restated.returncode == 0, restated.stderr
        deliver(plays, 1, GIVEN[1])
        restated = etl("restate", "plays", *self.ONE, "--select", "growth", "--select", "daily")
        assert restated.returncode == 0, restated.stderr
        assert_right(plays)

    ONE = ("--from", "2024-06-01", "--to", "2024-06-01")

    def test_readers_of_the_same_interval_and_of_all(self, plays: Folder, etl: Etl) -> None:
        deliver(plays, 1, [(9, 99)])
        ran(etl, *self.ALL)
        deliver(plays, 1, GIVEN[1])
        for kpi in ("daily", "growth"):
            found = etl("restate", "plays", *self.ONE, "--select", kpi)
            assert found.returncode == 0, found.stderr
        assert_right(plays)

    def test_a_longer_window_does_not_change_the_past(self, plays: Folder, etl: Etl) -> None:
        ran(etl, *self.ALL)
        file = plays.root / "pipelines/plays.yml"
        file.write_text(file.read_text().replace("{daily: 3d}", "{daily: 4d}"))
        assert ran(etl, "--date", "2024-06-05").count("data interval [") == 1

    def test_a_clean_run_leaves_nothing_stale(self, plays: Folder, etl: Etl) -> None:
        ran(etl, *self.ALL)
        assert ran(etl, "--date", "2024-06-05").count("data interval") == 1
        assert ran(etl, *self.ALL).count("✓ [") == 5

    def test_rows_that_were_lost_are_told_before(self, plays: Folder, etl: Etl) -> None:
        ran(etl, *self.ALL)
        plays.change("DELETE FROM daily")

        found = etl("restate", "plays", "--from", "2024-06-05", "--to", "2024-06-05",
                    "--select", "weekly")  # fmt: skip
        told = "no rows of the 2 data intervals that the ledger lists: etl restate plays --from "
        assert f"{told}2024-06-03 --to 2024-06-04 loads them again" in found.stdout
        assert etl("restate", "plays", *self.ALL).returncode == 0
        assert_right(plays)


def test_a_reader_that_must_not_change_is_named(plays: Folder, etl: Etl) -> None:
    file = plays.root / "pipelines/plays.yml"
    never = "table: weekly, strategy: append, restate: never}"
    file.write_text(file.read_text().replace("table: weekly, strategy: append}", never))
    ran(etl, "--from", "2024-06-01", "--to", "2024-06-02")

    found = etl("restate", "plays", "--from", "2024-06-01", "--to", "2024-06-01")
    assert found.returncode == 0, found.stderr
    told = "'weekly' of [2024-06-02 00:00, 2024-06-03 00:00) has read what was published anew"
    assert f"{told} since, and its target says `restate: never`" in found.stderr


def test_a_narrower_type_of_what_is_read(plays: Folder, etl: Etl) -> None:
    ran(etl, "--date", "2024-06-01")
    file = plays.root / "pipelines/plays.yml"
    narrower = "{name: minutes, type: smallint}"
    file.write_text(file.read_text().replace("{name: minutes, type: bigint}", narrower, 1))

    found = etl("run", "plays", "--date", "2024-06-02")
    assert found.returncode == 1
    assert "R300 the table daily has other columns than the KPI: it has day DATE" in found.stderr
    assert "Conversion Error" not in found.stderr


HOURS = """
name: hours
schedule: "@hourly"
timezone: Europe/Berlin
sources:
  hits:
    type: csv
    connection: lake
    path: hits/*.csv
    columns:
      - {name: n, type: integer}
kpis:
  hourly:
    sql: hours/hourly.sql
    target: {connection: warehouse, table: hourly, strategy: append, rows_of: all}
    columns:
      - {name: n, type: integer}
  three:
    sql: hours/three.sql
    reads: {hourly: 3h}
    target: {connection: warehouse, table: three, strategy: append, rows_of: all}
    columns:
      - {name: hours, type: bigint}
"""


@pytest.mark.parametrize("day", ["2024-03-31", "2024-10-27"])
def test_hours_are_hours_when_clocks_change(folder: Folder, etl: Etl, day: str) -> None:
    folder.write("pipelines/hours.yml", HOURS)
    folder.write("sql_templates/hours/hourly.sql", "SELECT n FROM hits\n")
    folder.write("sql_templates/hours/three.sql", "SELECT COUNT(*) AS hours FROM hourly\n")
    folder.write("lake/hits/1.csv", "n\n1\n")

    found = etl("run", "hours", "--date", day)
    assert found.returncode == 0, found.stderr
    ran_hours = {"2024-03-31": 23, "2024-10-27": 25}[day]
    assert found.stderr.count("✓ [") == ran_hours
    counts = [
        hours for (hours,) in rows(folder, "SELECT hours FROM three ORDER BY etl_interval_start")
    ]
    assert counts == [1, 2, *[3] * (ran_hours - 2)]


def test_explain_plans_what_reads_its_own_table(plays: Folder, etl: Etl) -> None:
    explained = etl("explain", "growth")

    assert explained.returncode == 0, explained.stderr
    assert "growth.total" in explained.stdout
