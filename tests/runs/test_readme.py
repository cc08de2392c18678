"""A newcomer follows the README: the KPI that it adds is there in the end."""

from __future__ import annotations

import re

import pytest

from tests.conftest import REPOSITORY
from tests.runs.conftest import ETL, PIPELINE, Music

README = (REPOSITORY / "README.md").read_text(encoding="utf-8")
BLOCK = re.search(r"```yaml\n# at the end of \S+\n(.*?)```", README, re.DOTALL)
TEMPLATE = re.search(r"```sql\n-- (sql_templates/\S+)\n(.*?)```", README, re.DOTALL)


@pytest.mark.slow
def test_the_kpi_of_the_readme_can_be_added(music: Music) -> None:
    assert BLOCK
    assert TEMPLATE
    pipeline = music.root / PIPELINE
    before = pipeline.read_text(encoding="utf-8")
    template = music.root / TEMPLATE[1]
    try:
        pipeline.write_text(f"{before.rstrip()}\n\n{BLOCK[1]}", encoding="utf-8")
        template.write_text(TEMPLATE[2], encoding="utf-8")

        assert music.etl("lint").stdout == ""
        assert music.etl(*ETL).returncode == 0
        shown = music.etl("show", "kpis_artist", "--order-by", "-listen_count", "--limit", "3")
    finally:
        pipeline.write_text(before, encoding="utf-8")
        template.unlink(missing_ok=True)

    expected = re.search(r"--limit 3\n(artist .*?)\n```", README, re.DOTALL)
    assert expected
    assert shown.stdout.strip() == expected[1]
