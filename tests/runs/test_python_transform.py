"""Transforms that are Python functions of the project."""

from __future__ import annotations

import textwrap
from typing import Any

import pytest

from etl_framework.errors import StepError
from tests.conftest import Folder

BIG = 2**53 + 1
PIPELINE = """
name: numbers
sources:
  numbers:
    type: csv
    connection: lake
    path: numbers.csv
    columns:
      - {{name: id, type: integer}}
      - {{name: big, type: bigint}}
      - {{name: word, type: varchar(10)}}
transforms:
  changed:
    python: {module}:change
    inputs: [numbers]
    {more}
    columns:
      - {{name: id, type: integer}}
      - {{name: big, type: bigint}}
      - {{name: word, type: varchar(10)}}
kpis:
  result:
    sql: result.sql
    target: {{connection: warehouse, table: result}}
    columns:
      - {{name: id, type: integer}}
      - {{name: big, type: bigint}}
      - {{name: word, type: varchar(10)}}
"""
MODULES = iter(f"transforms_{number}" for number in range(1000))


def made(folder: Folder, function: str | None, more: str = "") -> str:
    """A project whose transform is the function in a module of a name of its own."""
    module = next(MODULES)
    folder.write("pipelines/numbers.yml", PIPELINE.format(module=module, more=more))
    folder.write("sql_templates/result.sql", "SELECT id, big, word FROM changed")
    folder.write(
        "lake/numbers.csv", f'id,big,word\n1,{BIG},a\n2,,\n3,-{BIG},""\n4,{2**63 - 1},d\n5,0,e\n'
    )
    if function is not None:
        (folder.root / f"{module}.py").write_text(textwrap.dedent(function), encoding="utf-8")
    return module


def result(folder: Folder) -> list[tuple[Any, ...]]:
    return folder.query("SELECT id, big FROM result ORDER BY id")


@pytest.mark.parametrize(
    ("more", "calls"),
    [
        pytest.param("", [5], id="the whole relation at once"),
        pytest.param("chunk_rows: 2", [2, 2, 1], id="a chunk at a time"),
        pytest.param("chunk_rows: 100", [5], id="a chunk that holds everything"),
    ],
)
def test_integers_stay_exact_beside_nulls(folder: Folder, more: str, calls: list[int]) -> None:
    function = """
        def change(numbers):
            with open("{root}/calls", "a") as file:
                print(len(numbers), file=file)
            return numbers.assign(big=numbers["big"] - 1)
        """
    made(folder, function.replace("{root}", str(folder.root)), more)
    results = folder.run("numbers")

    assert results["transform.changed"].counts == {"rows": 5}
    assert result(folder) == [(1, 2**53), (2, None), (3, -(2**53) - 2), (4, 2**63 - 2), (5, -1)]
    assert list(map(int, (folder.root / "calls").read_text().split())) == calls


def test_params_are_passed(folder: Folder) -> None:
    function = """
        def change(numbers, *, add, word):
            return numbers.assign(id=numbers["id"] + add, word=word)
        """
    made(folder, function, "params: {add: 10, word: twö}")
    folder.run("numbers")

    assert folder.query("SELECT min(id), max(id), any_value(word) FROM result") == [(11, 15, "twö")]


def test_no_rows_are_no_error(folder: Folder) -> None:
    made(folder, "def change(numbers):\n    return numbers[numbers['id'] > 99]\n")
    folder.run("numbers")

    assert result(folder) == []


def test_the_index_and_the_order_of_columns_do_not_matter(folder: Folder) -> None:
    made(folder, "def change(numbers):\n    return numbers[['word', 'big', 'id']].iloc[::-1]\n")
    folder.run("numbers")

    assert [row[0] for row in result(folder)] == [1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        pytest.param("return numbers[['id', 'big']]", ["word"], id="a column is missing"),
        pytest.param("return numbers.assign(extra=1)", ["extra"], id="a column too many"),
        pytest.param("return numbers.assign(id='one')", ["id"], id="a text for an integer"),
        pytest.param("return numbers.assign(id=1.5)", ["id"], id="a fraction for an integer"),
        pytest.param("return numbers.assign(id=2**40)", ["id"], id="a number that does not fit"),
        pytest.param("return numbers.assign(word='x' * 11)", ["word"], id="a text too long"),
        pytest.param("return None", ["DataFrame"], id="nothing is returned"),
        pytest.param("raise KeyError('lost')", ["KeyError", "lost"], id="an error is raised"),
        pytest.param("return numbers.nowhere", ["nowhere"], id="an attribute that is not there"),
    ],
)
def test_what_goes_wrong_is_one_clear_error(folder: Folder, body: str, words: list[str]) -> None:
    module = made(folder, f"def change(numbers):\n    {body}\n")

    with pytest.raises(StepError) as caught:
        folder.run("numbers")
    (found,) = caught.value.diagnostics
    assert found.path == "pipelines/numbers.yml"
    assert f"{module}:change" in found.message
    assert all(word in found.message for word in words), found.message
    assert not (folder.root / ".etl/warehouse.duckdb").exists()


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(None, id="no such module"),
        pytest.param("def other(): ...", id="no such function"),
        pytest.param("import nothing_of_that_name", id="it imports what is not installed"),
        pytest.param("def change(:", id="it is no Python"),
        pytest.param("1 / 0", id="it breaks while it is imported"),
        pytest.param("change = 7", id="it is no function"),
    ],
)
def test_a_function_that_is_not_there(folder: Folder, text: str | None) -> None:
    module = made(folder, text)

    with pytest.raises(StepError) as caught:
        folder.run("numbers")
    (found,) = caught.value.diagnostics
    assert f"{module}:change" in found.message


def test_a_changed_function_is_run_again(folder: Folder) -> None:
    """Within one process too, such as a notebook or a worker."""
    module = made(folder, "def change(numbers):\n    return numbers.assign(id=1)\n")
    folder.run("numbers")
    (folder.root / f"{module}.py").write_text(
        "def change(numbers):\n    return numbers.assign(id=20 + 2)\n", encoding="utf-8"
    )
    folder.run("numbers")

    assert {row[0] for row in result(folder)} == {22}
