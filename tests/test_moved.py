"""Modules by their former names: the same objects, with a word that they moved."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module

import pytest

from etl_framework import MOVED
from tests.conftest import REPOSITORY


@pytest.mark.parametrize("former", sorted(MOVED))
def test_a_module_by_its_former_name(former: str) -> None:
    now = import_module(MOVED[former])
    sys.modules.pop(former, None)

    with pytest.warns(DeprecationWarning, match=f"{former} is called {MOVED[former]} now"):
        moved = import_module(former)

    assert moved is now or not moved.__path__
    assert now.__name__ == MOVED[former]
    assert now.__spec__ and now.__spec__.name == MOVED[former]


def test_a_file_of_a_folder_that_moved_is_not_imported_twice() -> None:
    """Else a project of one would be no project of the other."""
    script = (
        "import warnings; warnings.simplefilter('ignore')\n"
        "from etl_framework.config.project import Project as former\n"
        "from etl_framework.project.project import Project\n"
        "import etl_framework.config.models, etl_framework.project.models as models\n"
        "assert former is Project and etl_framework.config.models is models\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=REPOSITORY, capture_output=True, text=True, check=False
    )

    assert (done.returncode, done.stderr) == (0, "")


def test_what_the_plan_was_imported_from() -> None:
    """In a process of its own, where nothing has imported the module that has it now."""
    script = (
        "import warnings; warnings.simplefilter('ignore')\n"
        "from etl_framework.plan import Plan, Step, build_plan\n"
        "from etl_framework.plan import plan\n"
        "assert (Plan, Step, build_plan) == (plan.Plan, plan.Step, plan.build_plan)\n"
        "warnings.simplefilter('error')\n"
        "from etl_framework.plan import build_plan\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=REPOSITORY, capture_output=True, text=True, check=False
    )

    assert "DeprecationWarning: import build_plan from etl_framework.plan.plan" in done.stderr


def test_a_name_that_was_nowhere() -> None:
    with pytest.raises(ImportError):
        import_module("etl_framework.plan.nowhere")
    with pytest.raises(AttributeError):
        import_module("etl_framework.plan").nowhere  # noqa: B018
