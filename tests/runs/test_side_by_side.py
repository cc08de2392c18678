"""Steps that do not need one another run at the same time."""

from __future__ import annotations

from tests.conftest import Folder


def test_two_transforms_meet(folder: Folder) -> None:
    """Each waits for the other at a barrier; one after the other they would wait in vain."""
    folder.write(
        "meeting_functions.py",
        """
        import threading

        barrier = threading.Barrier(2)

        def meet(numbers):
            barrier.wait(timeout=20)
            return numbers
        """,
    )
    columns = "[{name: id, type: integer}]"
    transform = f"{{python: 'meeting_functions:meet', inputs: [numbers], columns: {columns}}}"
    folder.write(
        "pipelines/meeting.yml",
        f"""
        name: meeting
        sources:
          numbers: {{type: csv, connection: lake, path: numbers.csv, columns: {columns}}}
        transforms:
          left: {transform}
          right: {transform}
        """,
    )
    folder.write("lake/numbers.csv", "id\n1\n2\n")

    results = folder.run("meeting")

    assert results["transform.left"].counts == results["transform.right"].counts == {"rows": 2}


def test_a_step_waits_for_those_it_needs(orders: Folder) -> None:
    plan = orders.plan("orders")
    ended = list(orders.run("orders"))

    for step in plan.steps:
        assert all(ended.index(need) < ended.index(step.name) for need in step.needs)
