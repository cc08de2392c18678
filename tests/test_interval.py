"""Schedules cut time into data intervals without gap or overlap, also when clocks change."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import islice, pairwise
from zoneinfo import ZoneInfo

import pytest

from etl_framework.interval import PRESETS, DataInterval, Schedule, valid_cron

BERLIN = ZoneInfo("Europe/Berlin")


def starts(cron: str, day: date, count: int, zone: str = "UTC") -> list[str]:
    schedule = Schedule(cron, ZoneInfo(zone))
    return [f"{found.start:%m-%d %H:%M}" for found in islice(schedule.intervals_from(day), count)]


@pytest.mark.parametrize(
    ("cron", "expected"),
    [
        pytest.param("@hourly", ["06-25 00:00", "06-25 01:00", "06-25 02:00"], id="hourly"),
        pytest.param("@daily", ["06-25 00:00", "06-26 00:00", "06-27 00:00"], id="daily"),
        pytest.param("@weekly", ["06-30 00:00", "07-07 00:00", "07-14 00:00"], id="weekly"),
        pytest.param("@monthly", ["07-01 00:00", "08-01 00:00", "09-01 00:00"], id="monthly"),
        pytest.param("@yearly", ["01-01 00:00", "01-01 00:00", "01-01 00:00"], id="yearly"),
        pytest.param("none", ["06-25 00:00", "06-26 00:00", "06-27 00:00"], id="no schedule"),
        pytest.param("0 3 * * *", ["06-25 03:00", "06-26 03:00", "06-27 03:00"], id="at three"),
        pytest.param("0 0 * * mon", ["07-01 00:00", "07-08 00:00", "07-15 00:00"], id="Mondays"),
    ],
)
def test_starts(cron: str, expected: list[str]) -> None:
    assert starts(cron, date(2024, 6, 25), 3) == expected


@pytest.mark.parametrize("cron", [*PRESETS, "0 3 * * *", "30 2 * * *", "*/30 * * * *",
                                  "15 */2 * * *"])  # fmt: skip
@pytest.mark.parametrize(
    "day",
    [
        pytest.param(date(2024, 3, 30), id="clocks go forward"),
        pytest.param(date(2024, 10, 26), id="clocks go back"),
    ],
)
def test_intervals_follow_one_another(cron: str, day: date) -> None:
    found = list(islice(Schedule(cron, BERLIN).intervals_from(day), 120))

    assert all(a.end.astimezone(UTC) == b.start.astimezone(UTC) for a, b in pairwise(found))
    assert all(each.start.astimezone(UTC) < each.end.astimezone(UTC) for each in found)
    assert len({each.key for each in found}) == len(found)


@pytest.mark.parametrize(
    ("day", "hours"),
    [
        pytest.param(date(2024, 3, 31), 23, id="a day of 23 hours"),
        pytest.param(date(2024, 10, 27), 25, id="a day of 25 hours"),
        pytest.param(date(2024, 6, 25), 24, id="a usual day"),
    ],
)
def test_the_length_of_a_day(day: date, hours: int) -> None:
    (found,) = Schedule("@daily", BERLIN).between(day, day)

    length = found.end.astimezone(UTC) - found.start.astimezone(UTC)
    assert length == timedelta(hours=hours)


def test_between_includes_both_days() -> None:
    found = Schedule("0 3 * * *", BERLIN).between(date(2024, 6, 25), date(2024, 6, 27))

    assert [each.date for each in found] == ["2024-06-25", "2024-06-26", "2024-06-27"]
    assert len(Schedule("@hourly", BERLIN).between(date(2024, 6, 25), date(2024, 6, 25))) == 24
    assert Schedule("@daily", BERLIN).between(date(2024, 6, 27), date(2024, 6, 25)) == []


@pytest.mark.parametrize(
    ("cron", "now", "start"),
    [
        pytest.param("@daily", datetime(2024, 6, 26), "2024-06-25", id="just complete"),
        pytest.param("@daily", datetime(2024, 6, 25, 23, 59), "2024-06-24", id="not complete yet"),
        pytest.param("@monthly", datetime(2024, 6, 26), "2024-05-01", id="a month"),
        pytest.param("@yearly", datetime(2024, 6, 26), "2023-01-01", id="a year"),
        pytest.param("0 0 29 2 *", datetime(2024, 6, 26), "2020-02-29", id="four years"),
    ],
)
def test_the_latest_complete_interval(cron: str, now: datetime, start: str) -> None:
    assert Schedule(cron, ZoneInfo("UTC")).latest(now.replace(tzinfo=UTC)).date == start


def test_the_latest_is_complete_where_the_pipeline_is() -> None:
    now = datetime(2024, 6, 25, 22, 0, tzinfo=UTC)

    assert Schedule("@daily", BERLIN).latest(now).date == "2024-06-25"
    assert Schedule("@daily", ZoneInfo("UTC")).latest(now).date == "2024-06-24"


def test_the_key_is_equal_in_every_time_zone() -> None:
    (here,) = Schedule("@daily", BERLIN).between(date(2024, 6, 25), date(2024, 6, 25))
    there = DataInterval(here.start.astimezone(UTC), here.end.astimezone(UTC))

    assert here.key == there.key == "20240624T220000Z_20240625T220000Z"
    assert str(here) == "[2024-06-25 00:00, 2024-06-26 00:00)"


@pytest.mark.parametrize("text", [*PRESETS, "none", "0 3 * * *", "0 0 L * *", "*/5 * * * mon-fri"])
def test_what_is_a_schedule(text: str) -> None:
    assert valid_cron(text)


@pytest.mark.parametrize("text", ["", "daily", "@reboot", "* * * *", "60 * * * *", "* * * * * *",
                                  "H * * * *", "0 0 31 2 *"])  # fmt: skip
def test_what_is_none(text: str) -> None:
    assert not valid_cron(text)
