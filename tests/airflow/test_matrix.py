"""`make test-airflow` on a machine without the Python of MWAA."""

from __future__ import annotations

import pytest

from tests.airflow import matrix


def test_a_missing_python_is_said(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(matrix, "PYTHON", "3.99")

    assert matrix.main([]) == 2
    assert "there is no Python 3.99 on this machine" in capsys.readouterr().err
