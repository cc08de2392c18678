"""The music pipeline a day at a time: seven days give what one run over all of them gives."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY, Folder
from tests.runs.conftest import Music
from tests.runs.music import Expected

pytestmark = pytest.mark.slow
TABLES = {
    "genre_all_days": "SELECT * FROM genre_all_days ORDER BY 1",
    "hourly_all_days": "SELECT * FROM hourly_all_days ORDER BY 1",
}
USERS = "SELECT COUNT(DISTINCT user_id) FROM daily_listens WHERE CAST(listen_time AS DATE)"


@pytest.fixture(scope="module")
def daily(music: Music, tmp_path_factory: pytest.TempPathFactory) -> Folder:
    """The seven days, each run once, the first one last."""
    root = tmp_path_factory.mktemp("daily")
    for name in ("pipelines", "sql_templates"):
        shutil.copytree(REPOSITORY / name, root / name)
    shutil.copytree(music.root / "sample_data", root / "sample_data")
    shutil.copy(REPOSITORY / "environments.yml", root)
    folder = Folder(root)
    for days in (("2024-06-26", "2024-07-01"), ("2024-06-25", "2024-06-25")):
        found = folder.etl("run", "music_daily", "--from", days[0], "--to", days[1])
        assert found.returncode == 0, found.stderr
    return folder


def test_the_kpis_are_those_of_a_single_run(daily: Folder, truth: Expected) -> None:
    assert [daily.query(sql) for sql in TABLES.values()] == [truth.genre, truth.hourly]


def test_each_day_knows_the_seven_days_up_to_it(daily: Folder) -> None:
    days = daily.query(
        "SELECT day, listeners, listeners_7d, listens FROM listeners_daily ORDER BY 1"
    )

    assert len(days) == 7
    for day, listeners, in_seven_days, listens in days:
        assert daily.query(f"{USERS} = DATE '{day}'") == [(listeners,)]
        assert daily.query(f"{USERS} <= DATE '{day}'") == [(in_seven_days,)]
        counted = (
            f"SELECT COUNT(*) FROM daily_listens WHERE CAST(listen_time AS DATE) = DATE '{day}'"
        )
        assert daily.query(counted) == [(listens,)]


def test_a_day_that_is_run_again_changes_nothing(daily: Folder) -> None:
    before = [daily.query(sql) for sql in TABLES.values()]
    file = next(Path(daily.root / "sample_data/lake/streaming-data").glob("*2024-06-27*"))
    file.touch()

    found = daily.etl("run", "music_daily", "--date", "2024-06-27", "--fresh")

    assert found.returncode == 0, found.stderr
    assert [daily.query(sql) for sql in TABLES.values()] == before
