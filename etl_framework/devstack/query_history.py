"""What the stand-in of Redshift remembers of statements: their group, their text and their time."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable
from dataclasses import astuple, dataclass
from datetime import UTC, datetime
from typing import Any

from etl_framework.sql.quote import literal

# SET query_group TO 'etl:shop:kpi.totals'
_GROUP = re.compile(r"\s*SET\s+query_group\s+(?:TO|=)\s+'([^']*)'", re.IGNORECASE)
LONGEST_TEXT, MOST = 4000, 10_000


@dataclass(frozen=True)
class Query:
    """A statement that has run."""

    label: str
    text: str
    started: str
    ended: str


class QueryHistory:
    """Collects statements, and writes them where `sys_query_history` reads when somebody asks."""

    def __init__(self) -> None:
        self._queries: deque[Query] = deque(maxlen=MOST)

    def observer(self) -> Callable[[str, datetime], None]:
        """Return what a session calls after each of its statements, with the moment it began."""
        group = ""

        def ended(sql: str, started: datetime) -> None:
            nonlocal group
            if setting := _GROUP.match(sql):
                group = setting[1]
            text = sql[:LONGEST_TEXT].replace("\0", "?")
            times = (moment.replace(tzinfo=None).isoformat() for moment in (started, now()))
            self._queries.append(Query(group, text, *times))

        return ended

    def write(self, ask: Callable[[str], Any]) -> None:
        """Write what was collected.

        :param ask: runs SQL.
        """
        rows = []
        while self._queries:
            rows.append(literal(astuple(self._queries.popleft())))
        if rows:
            columns = "query_label, query_text, start_time, end_time"
            ask(f"INSERT INTO redshift.queries ({columns}) VALUES {', '.join(rows)}")


def now() -> datetime:
    """This moment, in UTC."""
    return datetime.now(UTC)
