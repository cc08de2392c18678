"""The faults: each breaks one thing in one run, which is then run again."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from etl_framework.devstack.wire import Closed, WireError
from tests.chaos.lab import Lab

# What leaves a result, of those that the shop has.
STEPS = 9
CONFLICT = "1023 DETAIL: Serializable isolation violation on table - 1"


@dataclass(frozen=True)
class Fault:
    """What is broken, and how: `strike` does a run with it, and says whether it struck.

    :param moved: the rerun is on another machine.
    """

    name: str
    engine: str
    strike: Callable[[Lab], bool]
    moved: bool = False


class Nth:
    """True for the n-th thing of a kind, once."""

    def __init__(self, number: int) -> None:
        self._left = number
        self.struck = False

    def __call__(self) -> bool:
        self._left -= 1
        self.struck = self.struck or self._left == 0
        return self._left == 0


def at_statement(engine: str, number: int, kind: str) -> Fault:
    """Something happens at the n-th statement that reaches the cluster.

    `killed before`, `killed after` it; `cut before`, `answer lost`; `conflict`: 1023.
    """

    def strike(lab: Lab) -> bool:
        nth = Nth(number)

        def fault(sql: str) -> bool:
            if not nth():
                return False
            if kind == "conflict":
                raise WireError(CONFLICT, "XX000")
            if kind == "killed before":
                lab.runners[0].kill()
            if kind.endswith("before"):
                raise Closed
            if kind == "killed after":
                lab.runners[0].kill()
            return True

        assert lab.stack.cluster
        lab.stack.cluster.fault = fault
        lab.run(engine)
        return nth.struck

    return Fault(f"{kind} statement {number}", engine, strike)


def at_request(engine: str, number: int, kind: str, *, of_cluster: bool = False) -> Fault:
    """Something happens to the n-th request to S3: `killed`, `500`, `503`, `cut`, `503 storm`."""

    def strike(lab: Lab) -> bool:
        nth = Nth(number)
        storm = iter(range(4))

        def verdict(method: str, path: str) -> str:
            if kind == "503 storm":
                return "503" if (nth() or nth.struck) and next(storm, None) is not None else ""
            if not nth():
                return ""
            if kind == "killed":
                lab.runners[0].kill()
                return "500"
            return kind

        (lab.clusters_s3 if of_cluster else lab.s3).verdict = verdict
        lab.run(engine)
        return nth.struck

    who = "the cluster's" if of_cluster else "the run's"
    return Fault(f"{kind} at {who} request {number} to S3", engine, strike)


def after_step(engine: str, number: int) -> Fault:
    """The run is killed when its n-th step has finished, before anything else reaches S3."""

    def strike(lab: Lab) -> bool:
        nth, finished = Nth(number), False

        def verdict(method: str, path: str) -> str:
            nonlocal finished
            if finished:
                lab.runners[0].kill()
                return "500"
            finished = method == "PUT" and path.endswith("/result.json") and nth()
            return ""

        lab.s3.verdict = verdict
        return lab.run(engine) != 0 and nth.struck

    return Fault(f"killed after step {number}", engine, strike)


def machine_gone(engine: str, number: int) -> Fault:
    """The run is killed when its n-th step has finished, and its machine is gone, too."""
    killed = after_step(engine, number)
    return replace(killed, name=f"machine gone after step {number}", moved=True)


def at_byte(engine: str, number: int, server: str) -> Fault:
    """A connection breaks after so many bytes."""

    def strike(lab: Lab) -> bool:
        cutter = lab.rds if server == "rds" else lab.cluster
        cutter.passed, cutter.cut_after = 0, number
        lab.run(engine)
        return cutter.cut_after is None

    return Fault(f"cut after byte {number} of {server}", engine, strike)


def full_disk(engine: str, size: int) -> Fault:
    """No file grows beyond a size."""
    return Fault(
        f"no file over {size} bytes", engine, lambda lab: lab.run(engine, file_size=size) != 0
    )


def at_once(engine: str) -> Fault:
    """Three workers run the same interval at the same time."""

    def strike(lab: Lab) -> bool:
        with ThreadPoolExecutor(3) as pool:
            ended = list(
                pool.map(lambda n: lab.run(engine, runner=n, root=str(lab.worker(n))), range(3))
            )
        return len(ended) == 3

    return Fault("three at once", engine, strike)


def rivals(engine: str) -> Fault:
    """Two pipelines with targets in common run at the same time."""

    def strike(lab: Lab) -> bool:
        with ThreadPoolExecutor(3) as pool:
            ended = list(
                pool.map(
                    lambda n: lab.run(
                        engine, runner=n, root=str(lab.worker(n)),
                        pipeline=("shop", "rival", "rival")[n],
                    ),
                    range(3),
                )
            )  # fmt: skip
        return len(ended) == 3

    return Fault("two pipelines at once", engine, strike)


def twice(engine: str) -> Fault:
    """The same run is delivered twice."""

    def strike(lab: Lab) -> bool:
        return [lab.run(engine, run_id="the-same") for _ in range(2)] == [0, 0]

    return Fault("delivered twice", engine, strike)


def faults(statements: dict[str, int], requests: dict[str, int], seed: int) -> Iterator[Fault]:
    """All of them.

    :param statements: how many reach the cluster in a run, by engine; `requests` to S3 alike.
    """
    chance = random.Random(seed)
    for engine, count in statements.items():
        for number in range(1, count + 1):
            yield at_statement(engine, number, "killed before")
            yield at_statement(engine, number, "answer lost")
        for number in chance.sample(range(1, count + 1), 12):
            yield at_statement(engine, number, "killed after")
            yield at_statement(engine, number, "conflict")
        for number in chance.sample(range(1, requests[engine] + 1), 20):
            yield at_request(engine, number, "killed")
        for number in range(1, STEPS + 1):
            yield after_step(engine, number)
            yield machine_gone(engine, number)
        for kind in ("500", "503", "cut", "503 storm"):
            for number in chance.sample(range(1, requests[engine] + 1), 4):
                yield at_request(engine, number, kind)
        for kind in ("500", "cut"):
            for number in range(1, 4):
                yield at_request(engine, number, kind, of_cluster=True)
        for server in ("rds", "cluster"):
            for _ in range(8):
                yield at_byte(engine, chance.randrange(100, 9_000), server)
        for size in (1, 1_000, 4_000, 20_000):
            yield full_disk(engine, size)
        for _ in range(3):
            yield at_once(engine)
            yield rivals(engine)
        yield twice(engine)
