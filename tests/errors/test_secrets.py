"""No known secret stays in a message, in any form and in no piece."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from collections.abc import Iterator
from urllib.parse import quote, quote_plus

import pytest

from etl_framework.errors import ConfigError, Diagnostic, StepError, secrets
from etl_framework.errors.secrets import (
    keep_address,
    keep_secret,
    names_a_secret,
    said,
    without_secrets,
)
from tests.conftest import REPOSITORY


@pytest.fixture(autouse=True)
def nothing_is_known_afterwards(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(secrets, "_known", {})
    yield
    secrets._Patterns.whole = secrets._Patterns.pieces = None


SECRET = "Kanarie@Vogel/9%4"


@pytest.mark.parametrize(
    "form",
    [
        pytest.param(SECRET, id="as it is"),
        pytest.param(SECRET.lower(), id="in small letters, as a host"),
        pytest.param(quote(SECRET, safe=""), id="encoded for a URL"),
        pytest.param(quote(SECRET), id="encoded for a path"),
        pytest.param(quote_plus(SECRET), id="encoded for a form"),
        pytest.param(json.dumps(SECRET), id="in JSON"),
        pytest.param(base64.b64encode(SECRET.encode()).decode(), id="in base64"),
    ],
)
def test_a_secret_is_taken_out_in_every_form(form: str) -> None:
    keep_secret(SECRET)

    assert without_secrets(f"before {form} after") in ("before *** after", 'before "***" after')


def test_a_secret_that_came_encoded_is_taken_out_decoded() -> None:
    keep_secret(quote(SECRET, safe=""))

    assert without_secrets(f"host {SECRET}") == "host ***"


def test_pieces_are_taken_out_of_what_a_driver_says() -> None:
    keep_secret(SECRET)

    assert said('could not translate host name "Vogel" to address') == (
        'could not translate host name "***" to address'
    )
    assert without_secrets("Vogel is a bird") == "Vogel is a bird"


@pytest.mark.parametrize(
    "address",
    [
        pytest.param("postgresql://me:Kanarie@Vogel@host/db", id="a URL with an @ too many"),
        pytest.param("postgresql://me:Kanarie%40Vogel@host/db", id="a URL"),
        pytest.param("host=h password='Kanarie@Vogel' user=me", id="a DSN"),
        pytest.param("postgresql://host/db?user=me&password=Kanarie%40Vogel", id="a parameter"),
        pytest.param('{"username": "me", "password": "Kanarie@Vogel"}', id="Secrets Manager"),
        pytest.param('{"a": {"token": ["Kanarie@Vogel"]}}', id="deep in JSON"),
        pytest.param('{"uri": "x://me:Kanarie@Vogel@host"}', id="a URL in JSON"),
    ],
)
def test_a_password_is_found_in_an_address(address: str) -> None:
    keep_address(address)

    assert without_secrets("it was Kanarie@Vogel, host, me") == "it was ***, host, me"


def test_words_that_only_hold_a_short_secret_stay() -> None:
    keep_secret("test")

    assert without_secrets("the latest test, tests, a_test") == "the latest ***, tests, a_test"


def test_an_error_holds_no_secret() -> None:
    keep_secret(SECRET)
    diagnostic = Diagnostic("a.yml", 1, 1, "E1", f"it is {SECRET}", f"write {SECRET}")
    errors = (
        ConfigError(f"it is {SECRET}"),
        StepError([diagnostic]),
        StepError("x").about([diagnostic]),
    )

    for error in errors:
        assert "***" in str(error)
        assert "Kanarie" not in str(error) + repr(error) + repr(error.args)


def test_a_traceback_of_a_bug_holds_no_secret() -> None:
    script = (
        "import sys\nfrom etl_framework.errors.secrets import *\n"
        "keep_secret('Kanarie-Vogel')\nsys.excepthook = traceback_without_secrets\n"
        "raise RuntimeError('Kanarie-' + 'Vogel is wrong')"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=REPOSITORY, capture_output=True, text=True, check=False
    )

    assert "RuntimeError: *** is wrong" in done.stderr
    assert "Traceback" in done.stderr


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("DB_PASSWORD", True), ("password", True), ("aws_session_token", True), ("API_TOKEN", True),
        ("aws_secret_access_key", True), ("private_key", True), ("s3_bucket", False),
        ("secret_arn", False), ("aws_access_key_id", False), ("kms_key", False),
    ],
)  # fmt: skip
def test_names_of_secrets(name: str, expected: bool) -> None:
    assert names_a_secret(name) is expected
