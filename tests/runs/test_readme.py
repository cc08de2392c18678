"""A newcomer follows the README: the KPI that it adds is right, shown, compared, and there."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator

import pytest

from tests.conftest import REPOSITORY
from tests.runs.conftest import ETL, PIPELINE, Music

README = (REPOSITORY / "README.md").read_text(encoding="utf-8")
SECTION = README[README.index("## Add a KPI\n") : README.index("## Editors and CI\n")]
BLOCK = re.search(r"```yaml\n# at the end of \S+\n(.*?)```", SECTION, re.DOTALL)
TEMPLATE = re.search(r"```sql\n-- (sql_templates/\S+)\n(.*?)```", SECTION, re.DOTALL)
COMMANDS = [
    shlex.split(command)[1:]
    for line in re.findall(r"^\$ (etl .*)$", SECTION, re.MULTILINE)
    for command in line.split("&&")
]


@pytest.fixture
def committed(music: Music) -> Iterator[Music]:
    """The music project as a clone, put back afterwards."""
    assert TEMPLATE
    pipeline, template = music.root / PIPELINE, music.root / TEMPLATE[1]
    before = pipeline.read_text(encoding="utf-8")
    (music.root / ".gitignore").write_text(".etl/\nsample_data/\n")
    for arguments in (["init", "-q"], ["add", "."], ["commit", "-qm", "all"]):
        command = ["git", "-c", "user.name=a", "-c", "user.email=a@b", *arguments]
        subprocess.run(command, cwd=music.root, check=True, capture_output=True)
    yield music
    pipeline.write_text(before, encoding="utf-8")
    template.unlink(missing_ok=True)
    (music.root / ".gitignore").unlink()
    shutil.rmtree(music.root / ".git")


def test_the_commands_are_those_of_the_path() -> None:
    assert [command[0] for command in COMMANDS] == [
        "new", "lint", "test", "preview", "diff", "run", "show",
    ]  # fmt: skip


@pytest.mark.slow
def test_the_kpi_of_the_readme_can_be_added(committed: Music) -> None:
    assert BLOCK
    assert TEMPLATE
    new, lint, test, preview, diff, run, show = COMMANDS
    pipeline, template = committed.root / PIPELINE, committed.root / TEMPLATE[1]

    made = committed.etl(*new)
    assert made.stdout.split() == [PIPELINE, TEMPLATE[1]], made.stderr
    assert made.stdout.strip() in SECTION
    assert committed.etl(*lint).stdout == ""
    assert committed.etl(*test).returncode == 0

    text = pipeline.read_text(encoding="utf-8")
    start = text.index("  kpis_artist:\n")
    pipeline.write_text(text[:start] + BLOCK[1], encoding="utf-8")
    template.write_text(TEMPLATE[2].replace("t.artist,", "t.artst,"), encoding="utf-8")
    mistyped = committed.etl(*lint).stdout
    assert f"{TEMPLATE[1]}:3:7: E413 unknown column 'artst'" in mistyped
    assert "hint: did you mean 'artist'?" in mistyped
    template.write_text(TEMPLATE[2], encoding="utf-8")

    right = committed.etl(*lint)
    assert (right.stdout, right.stderr) == ("", "0 problems found\n")
    tested = committed.etl(*test)
    assert tested.stdout.split("  ")[0] in SECTION
    shown = committed.etl(*preview).stdout
    assert f"{shown.strip()}\n$ etl diff" in SECTION
    card = committed.etl(*diff).stdout.splitlines()
    assert card[0].startswith("## 1 KPI changed since `HEAD` (")
    assert card[2] in SECTION
    assert run == ["run", "music_streaming"]
    assert committed.etl(*ETL).returncode == 0
    assert "The Wild Oceans" in committed.etl(*show, "--limit", "0").stdout
