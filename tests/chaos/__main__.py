"""`make chaos`: every fault, a rerun after each, and how the outcome differs from a clean run's."""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from etl_framework.devstack.cluster import Isolation
from tests.chaos.faults import Fault, at_once, faults, rivals
from tests.chaos.lab import Lab, laboratory

ENGINES = ("duckdb", "redshift")
AT_ONCE = (at_once, rivals)
SEED = 20240601


def measured(lab: Lab) -> tuple[dict[str, int], dict[str, int]]:
    """How many statements reach the cluster and how many requests S3, in a run of each engine."""
    statements, requests = Counter[str](), Counter[str]()
    assert lab.stack.cluster
    for engine in ENGINES:
        lab.reset()

        def of_cluster(sql: str, engine: str = engine) -> bool:
            statements[engine] += 1
            return False

        def of_s3(method: str, path: str, engine: str = engine) -> str:
            requests[engine] += 1
            return ""

        lab.stack.cluster.fault, lab.s3.verdict = of_cluster, of_s3
        assert lab.run(engine) == 0, lab.said()
        assert lab.state() == lab.clean_state
    return dict(statements), dict(requests)


def differences(lab: Lab, fault: Fault) -> tuple[bool, list[str]]:
    """Whether the fault struck, and in what the outcome differs after a rerun."""
    lab.reset()
    struck = fault.strike(lab)
    said = lab.said()
    lab.heal()
    found = []
    root = lab.worker(9) if fault.moved else lab.root
    shutil.rmtree(lab.worker(9) / ".etl", ignore_errors=True)
    if lab.run(fault.engine, root=str(root)) != 0:
        found.append(f"the rerun failed: {lab.said().strip()}")
    if lab.state() != lab.clean_state:
        found.append("the tables differ")
    if lab.told(fault.engine) != lab.clean_told[fault.engine]:
        found.append("the quarantine tells otherwise")
    if left := lab.orphans(fault.engine):
        found.append(f"left in staging: {', '.join(left[:3])}")
    if lab.stack.variables["ETL_DEV_REDSHIFT_PASSWORD"] in said + lab.said():
        found.append("a message holds a secret")
    if "Traceback" in said:
        found.append(f"a stack trace: {said.strip().splitlines()[-1]}")
    return struck, found


def main() -> int:
    started = time.monotonic()
    count, wrong, missed = 0, 0, 0
    with tempfile.TemporaryDirectory(prefix="etl-chaos-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        isolations: tuple[Isolation, ...] = ("snapshot", "serializable")
        for isolation in isolations:
            with laboratory(folder / isolation, isolation) as lab:
                chosen = (
                    list(faults(*measured(lab), SEED))
                    if isolation == "snapshot"
                    else [kind(engine) for engine in ENGINES for kind in AT_ONCE * 5]
                )
                for fault in chosen:
                    struck, found = differences(lab, fault)
                    count += struck
                    missed += not struck
                    wrong += bool(found)
                    if found or (count + missed) % 25 == 0:
                        seconds = f"{time.monotonic() - started:5.0f}s"
                        outcome = "; ".join(found) or "the same"
                        print(f"{count + missed:>4} {seconds} {isolation}, {fault.engine}, "
                              f"{fault.name}: {outcome}", flush=True)  # fmt: skip
    print(f"{count} faults, {wrong} differences ({missed} more did not strike)")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
