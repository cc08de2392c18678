"""Settings of lint in `setup.cfg` and `pyproject.toml`: the same keys, each with its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from etl_framework.errors import ConfigError
from etl_framework.lint.settings import Settings, load_settings, mwaa_of
from etl_framework.project.saved import saved
from tests.conftest import Folder

CFG = """[etl:lint]
select = W4, E
ignore = W402
error = W403
warning = E420
baseline = known.json
rules = rules/a b.py
mwaa_version = 3.3.1
mwaa_class = mw1.small
"""
TOML = """[project]
name = "shop"

[tool.etl.lint]  # the same
select = ["W4", "E"]
ignore = "W402"
error = [
    "W403",
]
warning = ["E420"]
baseline = "known.json"
mwaa_version = "3.3.1"
mwaa_class = 'mw1.small'
"""


def written(root: Path, **files: str) -> Path:
    for name, text in files.items():
        (root / {"cfg": "setup.cfg", "toml": "pyproject.toml"}[name]).write_text(text)
    return root


def told(root: Path) -> list[str]:
    """What is wrong with the settings of a project, without hints."""
    with pytest.raises(ConfigError) as error:
        load_settings(root)
    return [str(problem).split("\n")[0] for problem in error.value.diagnostics]


def test_both_files_take_the_same_keys(tmp_path: Path) -> None:
    (tmp_path / "cfg").mkdir()
    (tmp_path / "toml").mkdir()
    cfg = written(tmp_path / "cfg", cfg=CFG.replace("rules = rules/a b.py\n", ""))
    toml = written(tmp_path / "toml", toml=TOML)

    assert load_settings(cfg) == load_settings(toml)
    assert load_settings(toml) == Settings(
        ("W4", "E"), ("W402",), {"W403": "error", "E420": "warning"}, "known.json"
    )
    assert mwaa_of(cfg) == mwaa_of(toml) == {"mwaa_version": "3.3.1", "mwaa_class": "mw1.small"}


def test_a_path_in_a_list_of_toml_may_have_a_blank(tmp_path: Path) -> None:
    (tmp_path / "own rules.py").write_text("")
    written(tmp_path, toml='[tool.etl.lint]\nrules = ["own rules.py"]\n')

    assert load_settings(tmp_path).rules == ("own rules.py",)


def test_different_keys_may_stand_in_both_files(tmp_path: Path) -> None:
    written(tmp_path, cfg="[etl:lint]\nignore = W402\n", toml='tool.etl.lint.select = ["W"]\n')

    assert load_settings(tmp_path) == Settings(("W",), ("W402",))


def test_a_key_of_both_files_is_told_at_both(tmp_path: Path) -> None:
    written(tmp_path, cfg="[a]\n[etl:lint]\nignore = W402\n", toml=TOML)

    with pytest.raises(ConfigError) as error:
        load_settings(tmp_path)
    (problem,) = error.value.diagnostics
    assert problem.place == "pyproject.toml:6:1: "
    assert (problem.code, problem.hint.rpartition(" ")[2]) == ("E603", "setup.cfg:3")


@pytest.mark.parametrize(
    ("toml", "says"),
    [
        pytest.param(
            '[tool.etl.lint]\nignor = "W4"', "2:1: E601 unknown key 'ignor' in [tool.etl.lint]",
            id="an unknown key",
        ),
        pytest.param(
            "[tool.etl.lnt]\na = 1", "1:2: E601 unknown key 'lnt' in [tool.etl]",
            id="an unknown table",
        ),
        pytest.param(
            "[tool.etl]\n lint.a.b = 1", "2:2: E601 unknown key 'a' in [tool.etl.lint]",
            id="a dotted key",
        ),
        pytest.param(
            '[tool.etl.lint]\nignore = [\n  "W402",\n  "W999",\n]',
            "4:4: E601 there is no rule 'W999'", id="an item of a list",
        ),
        pytest.param(
            '[tool]\netl = {lint = {"ignore" = ["W9"]}}', "2:29: E601 there is no rule 'W9'",
            id="tables in a line",
        ),
        pytest.param(
            '[tool.etl]\nlint = {ignore = ["W402"], baselin = "x"}',
            "2:28: E601 unknown key 'baselin' in [tool.etl.lint]", id="a key of a table in a line",
        ),
        pytest.param(
            "[tool.etl.lint]\nmwaa_version = 3.3", "2:1: E601 'mwaa_version' is no text",
            id="a number",
        ),
        pytest.param(
            "[tool.etl.lint]\nignore = [402]", "2:1: E601 'ignore' is no text",
            id="numbers in a list",
        ),
        pytest.param("[tool]\netl = 1", "2:1: E601 'etl' is no table", id="no table"),
        pytest.param(
            "[tool.etl]\nlint = 'W402'", "2:1: E601 'lint' is no table", id="no table either"
        ),
        pytest.param(
            "[tool.etl.lint]\nignore = W402", "2:10: E601 pyproject.toml cannot be read",
            id="no TOML",
        ),
        pytest.param(
            '[tool.etl.lint]\nignore = ["W402"',
            "2:1: E601 pyproject.toml cannot be read", id="no end",
        ),
    ],
)  # fmt: skip
def test_a_wrong_setting_of_toml_has_its_place(tmp_path: Path, toml: str, says: str) -> None:
    (problem,) = told(written(tmp_path, toml=toml))

    assert problem.startswith(f"pyproject.toml:{says}")


@pytest.mark.parametrize(
    "toml",
    [
        pytest.param('[project]\nname = "etl"\n', id="nothing of ours"),
        pytest.param("tool = 1  # etl\n", id="tool is something else"),
        pytest.param("[tool.ruff\n", id="broken, and without a word about us"),
    ],
)
def test_a_file_that_says_nothing_about_lint(tmp_path: Path, toml: str) -> None:
    assert load_settings(written(tmp_path, toml=toml)) == Settings()


def test_an_unknown_section_of_setup_cfg_is_told(tmp_path: Path) -> None:
    root = written(tmp_path, cfg="[metadata]\n[etl:lnt]\nignore = W4\n[etl]\n[etlx]\n")

    assert told(root) == [
        "setup.cfg:2:1: E601 unknown section [etl:lnt]",
        "setup.cfg:4:1: E601 unknown section [etl]",
    ]


def test_bytes_that_are_no_text_are_told(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_bytes(b"\xff")

    assert told(tmp_path)[0].startswith("pyproject.toml:1:1: E601 pyproject.toml cannot be read")


def test_all_that_is_wrong_with_both_files_is_told_in_order(tmp_path: Path) -> None:
    written(tmp_path, cfg="[etl:lint]\nignor = W4\n", toml='[tool.etl.lint]\nerror = ["W4O2"]\n')

    assert [problem.split(": ")[0] for problem in told(tmp_path)] == [
        "pyproject.toml:2:11", "setup.cfg:2:1",
    ]  # fmt: skip


def test_the_command_takes_them(orders: Folder) -> None:
    """A finding that pyproject.toml ignores, and one that it makes an error."""
    sql = orders.root / "sql_templates/orders/totals.sql"
    sql.write_text(sql.read_text() + "HAVING SUM(amount) / SUM(order_id) > 0\n")
    assert "W403" in orders.etl("lint").stdout

    orders.write("pyproject.toml", '[tool.etl.lint]\nignore = ["W403"]\n')
    assert orders.etl("lint").stdout == ""

    orders.write("pyproject.toml", '[tool.etl.lint]\nerror = ["W403"]\n')
    assert orders.etl("plan", "orders").returncode == 2


def test_it_can_be_named_as_a_changed_file(orders: Folder) -> None:
    """As a hook before a commit does."""
    orders.write("pyproject.toml", "[tool.etl.lint]\n")

    assert orders.etl("lint", "pyproject.toml").returncode == 0


def test_it_is_noticed_when_it_is_saved(tmp_path: Path) -> None:
    file = tmp_path / "pyproject.toml"
    file.write_text("")

    assert file in dict(saved(tmp_path))
