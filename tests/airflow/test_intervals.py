"""Data intervals are those of Airflow, also on the days when clocks change."""

from __future__ import annotations

from datetime import UTC, date, datetime
from itertools import islice
from zoneinfo import ZoneInfo

import pytest

pytest.importorskip("airflow")

from airflow.timetables.base import DataInterval, TimeRestriction
from airflow.timetables.interval import CronDataIntervalTimetable
from pendulum import instance, timezone

from etl_framework.interval import Schedule

CRONS = [
    "0 * * * *",
    "30 * * * *",
    "*/20 * * * *",
    "0 1 * * *",
    "30 2 * * *",
    "0 3 * * *",
    "0 */2 * * *",
    "15 1-3 * * *",
    "0 0 * * *",
    "0 2 * * 0",
    "0 1,13 * * *",
    "59 23 * * *",
    "0 0 1 * *",
]
ZONES = {
    "America/New_York": [date(2024, 3, 9), date(2024, 11, 2)],
    "Europe/Berlin": [date(2024, 3, 30), date(2024, 10, 26)],
    "America/Santiago": [date(2024, 4, 6), date(2024, 9, 7)],  # at midnight
    "UTC": [date(2024, 3, 30)],
}


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("cron", CRONS)
def test_they_follow_one_another_as_in_airflow(cron: str, zone: str) -> None:
    timetable = CronDataIntervalTimetable(cron, timezone(zone))
    for day in ZONES[zone]:
        ours = list(islice(Schedule(cron, ZoneInfo(zone)).intervals_from(day), 60))
        last = DataInterval(*(instance(moment) for moment in (ours[0].start, ours[0].end)))
        theirs = [(last.start, last.end)]
        while len(theirs) < len(ours):
            info = timetable.next_dagrun_info(
                last_automated_data_interval=last,
                restriction=TimeRestriction(None, None, catchup=True),
            )
            assert info
            last = info.data_interval
            theirs.append((last.start, last.end))

        assert [(at(each.start), at(each.end)) for each in ours] == [
            (at(start), at(end)) for start, end in theirs
        ]


def at(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat()
