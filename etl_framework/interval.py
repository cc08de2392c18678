"""Data intervals (the time that one run covers), schedules, which cut time, and spans of time."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from itertools import takewhile
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from etl_framework.model import Written

PRESETS = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
}
NONE = "none"
_PATTERN = re.compile(r"^(\d+)\s*([smhdw])$")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}


@dataclass(frozen=True)
class DataInterval:
    """`[start, end)`: two moments in the pipeline's time zone."""

    start: datetime
    end: datetime

    @property
    def date(self) -> str:
        """The day that the interval starts on, `2024-06-25`."""
        return self.start.strftime("%Y-%m-%d")

    @property
    def key(self) -> str:
        """A name for files and the ledger; equal for equal intervals in every time zone."""
        return "_".join(
            f"{moment.astimezone(UTC):%Y%m%dT%H%M%SZ}" for moment in (self.start, self.end)
        )

    @classmethod
    def of_key(cls, key: str, zone: ZoneInfo) -> DataInterval:
        """The interval that has a key, in a time zone.

        :raises ValueError: the text is not such a key.
        """
        start, end = (
            datetime.strptime(moment, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).astimezone(zone)
            for moment in key.split("_")
        )
        return cls(start, end)

    def __str__(self) -> str:
        return f"[{self.start:%Y-%m-%d %H:%M}, {self.end:%Y-%m-%d %H:%M})"


@dataclass(frozen=True)
class Schedule:
    """A cron expression (or preset, or `none`) in a time zone.

    Intervals follow one another without gap or overlap when clocks change: that day is an hour
    longer or shorter. They are those of Airflow's CronDataIntervalTimetable.
    """

    cron: str
    timezone: ZoneInfo

    def expression(self) -> str:
        """The cron expression, also of a preset; empty if there is no schedule."""
        return PRESETS.get(self.cron, "" if self.cron == NONE else self.cron)

    def intervals_from(self, day: date) -> Iterator[DataInterval]:
        """Every interval that starts on `day` or later, in order, without end.

        Without a schedule an interval is a day.
        """
        ticks = self._ticks(day)
        start = next(ticks)
        for end in ticks:
            # A clock change can make two local times the same moment; there is no interval between
            # them. Python compares moments of one zone as local times, so compare them in UTC.
            if start.astimezone(UTC) < end.astimezone(UTC):
                yield DataInterval(start, end)
                start = end

    def _ticks(self, day: date) -> Iterator[datetime]:
        """The moments of the schedule from the start of `day` on, as Airflow has them.

        A schedule of every hour goes on by hours when clocks change; any other by local times.
        """
        from croniter import croniter

        midnight = datetime.combine(day, time())
        ticks = croniter(self.expression() or "0 0 * * *", midnight - timedelta(seconds=1))
        local: datetime = ticks.get_next(datetime)
        moment = self._place(local)
        hourly = ticks.expanded[1] == ["*"]
        while True:
            yield moment
            here = moment.replace(tzinfo=None, fold=0)
            if hourly and here != local:  # the clock has changed
                ticks.set_current(here, force=True)
                local = here
            following: datetime = ticks.get_next(datetime)
            if hourly:
                moment = (moment.astimezone(UTC) + (following - local)).astimezone(self.timezone)
            else:
                moment = self._place(following)
            local = following

    def between(self, first: date, last: date) -> list[DataInterval]:
        """The intervals that start on a day from `first` to `last`, both included."""
        return list(
            takewhile(lambda interval: interval.start.date() <= last, self.intervals_from(first))
        )

    def latest(self, now: datetime) -> DataInterval:
        """The newest interval that is complete at `now`.

        :raises ValueError: no interval was complete in the last ten years.
        """
        for days in (2, 10, 70, 800, 3700):
            day = (now.astimezone(self.timezone) - timedelta(days=days)).date()
            complete = list(
                takewhile(lambda interval: interval.end <= now, self.intervals_from(day))
            )
            if complete:
                return complete[-1]
        raise ValueError(f"the schedule '{self.cron}' has no interval in the last ten years")

    def _place(self, moment: datetime) -> datetime:
        """A local time in the zone, as Airflow takes it.

        A time that a clock change skips becomes one that exists; of one that comes twice it is the
        second.
        """
        first = moment.replace(tzinfo=self.timezone)
        second = moment.replace(tzinfo=self.timezone, fold=1)
        # Of a time that is skipped, the second reading lies before the first.
        placed = second if second.astimezone(UTC) > first.astimezone(UTC) else first
        return placed.astimezone(UTC).astimezone(self.timezone)


@cache
def first_interval(schedule: Schedule, day: date) -> DataInterval:
    """The first interval of a schedule that starts on `day` or later."""
    return next(schedule.intervals_from(day))


@cache
def valid_cron(text: str) -> bool:
    """Whether `text` is a cron expression of five fields, a preset or `none`."""
    from croniter import CroniterError, croniter

    if text in PRESETS or text == NONE:
        return True
    if len(text.split()) != 5 or not croniter.is_valid(text):
        return False
    try:
        croniter(text, datetime(2024, 1, 1)).get_next(datetime)
    except CroniterError:  # the 31st of February
        return False
    return True


@dataclass(frozen=True)
class Span(Written):
    """A span of time: a number and s, m, h, d or w for seconds to weeks."""

    examples: ClassVar[list[str]] = ["36h", "2d", "30m"]
    form: ClassVar[dict[str, Any]] = {"type": "string", "pattern": _PATTERN.pattern}

    amount: int
    unit: str

    @classmethod
    def parse(cls, written: object) -> Span:
        """Read a span as written.

        :raises ValueError: the text is not a span.
        """
        if isinstance(written, Span):
            return written
        match = _PATTERN.match(written.strip()) if isinstance(written, str) else None
        if not match:
            raise ValueError(f"'{written}' is not a span of time; write for example 36h or 2d")
        return cls(int(match[1]), match[2])

    @property
    def seconds(self) -> int:
        """The length in seconds."""
        return self.amount * _SECONDS[self.unit]

    def __str__(self) -> str:
        return f"{self.amount}{self.unit}"
