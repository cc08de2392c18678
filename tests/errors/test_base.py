"""Diagnostics as text, and the hint that names the nearest word."""

from __future__ import annotations

import pytest

from etl_framework.errors import (
    ConfigError,
    Diagnostic,
    EtlError,
    MissingExtraError,
    base,
    did_you_mean,
)


@pytest.mark.parametrize(
    ("diagnostic", "text"),
    [
        pytest.param(Diagnostic("a.yml", 2, 3, "E1", "bad", "do x"),
                     "a.yml:2:3: E1 bad\n  hint: do x", id="all of it"),
        pytest.param(Diagnostic("a.yml", 0, 0, "E1", "bad"), "a.yml: E1 bad", id="a whole file"),
        pytest.param(Diagnostic("", 0, 0, "E1", "bad"), "E1 bad", id="no file"),
        pytest.param(Diagnostic("a", 1, 1, "W1", "odd", severity="warning"),
                     "a:1:1: W1 warning: odd", id="a warning"),
    ],
)  # fmt: skip
def test_a_diagnostic_as_text(diagnostic: Diagnostic, text: str) -> None:
    assert str(diagnostic) == text


def test_diagnostics_sort_by_place() -> None:
    later, earlier = Diagnostic("a", 10, 1, "E1", "x"), Diagnostic("a", 9, 5, "E2", "x")

    assert sorted([later, earlier]) == [earlier, later]


def test_an_error_shows_all_it_holds() -> None:
    found = [Diagnostic("a", 1, 1, "E1", "x"), Diagnostic("b", 2, 1, "E2", "y", "z")]

    assert str(ConfigError(found)) == "a:1:1: E1 x\nb:2:1: E2 y\n  hint: z"
    assert str(ConfigError("bad", hint="do x")) == "R100 bad\n  hint: do x"
    assert str(EtlError("bad").about(found)) == str(ConfigError(found))


def test_a_missing_package_says_what_to_install() -> None:
    assert "pip install 'etl-framework[postgres]'" in str(MissingExtraError("psycopg2", "postgres"))


def every_error(base: type[EtlError] = EtlError) -> list[type[EtlError]]:
    return [deep for child in base.__subclasses__() for deep in (child, *every_error(child))]


def test_every_error_has_its_own_code_and_is_in_the_overview() -> None:
    found = [each for each in every_error() if each.__module__ == base.__name__]

    assert len({each.code for each in found}) == len(found)
    assert all(each.__name__ in str(base.__doc__) for each in found)


@pytest.mark.parametrize(
    ("word", "known", "hint"),
    [
        pytest.param("streems", ["streams", "users"], "did you mean 'streams'?", id="near"),
        pytest.param("zzz", ["b", "a", "b"], "known: a, b", id="far"),
        pytest.param("a", [], "", id="nothing is known"),
    ],
)
def test_did_you_mean(word: str, known: list[str], hint: str) -> None:
    assert did_you_mean(word, known) == hint
