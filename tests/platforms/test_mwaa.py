"""What is known of MWAA agrees with itself and with Airflow's constraints."""

from __future__ import annotations

import pytest

from etl_framework.errors import ConfigError
from etl_framework.platforms.mwaa import (
    MwaaVersion,
    environment_class,
    environment_classes,
    mwaa_version,
    mwaa_versions,
    pins,
)
from tests.airflow.matrix import VERSIONS
from tests.conftest import REPOSITORY


def test_the_versions_are_those_that_are_tested() -> None:
    assert tuple(mwaa_versions()) == VERSIONS


@pytest.mark.parametrize("version", mwaa_versions().values(), ids=str)
def test_an_image_has_what_the_constraints_say(version: MwaaVersion) -> None:
    text = (REPOSITORY / f"constraints/{version.airflow}.txt").read_text(encoding="utf-8")
    allowed = pins(text)
    lists = {**version.tested(), **version.installed()}

    assert len(version.installed()) > 180
    assert version.essential()["apache-airflow"] == version.airflow
    assert {n: v for n, v in lists.items() if allowed.get(n, v) != v} == {}
    assert version.tested().keys().isdisjoint(version.installed())


def test_names_that_are_not() -> None:
    assert mwaa_version("mwaa:3.3.1") is mwaa_version("3.3.1")
    with pytest.raises(ConfigError, match=r"no Airflow '3.3.0'\n.*did you mean '3.3.1'"):
        mwaa_version("mwaa:3.3.0")
    with pytest.raises(ConfigError, match=r"'mw1.smal'\n.*did you mean 'mw1.small'"):
        environment_class("mw1.smal")


def test_classes_grow() -> None:
    found = list(environment_classes().values())

    assert [each.concurrency for each in found] == [3, 5, 10, 20, 40, 80]
    assert found[1].memory_gb * 1000 // found[1].concurrency == 400, "DESIGN: 400 MB a task"


def test_pins_in_their_spellings() -> None:
    text = "Flask_SQLAlchemy==2.5 ; python_version < '4'\nmoto[server] == 5.0 # x\n# a==1\nb>=2\n"
    assert pins(text) == {"flask-sqlalchemy": "2.5", "moto": "5.0"}
