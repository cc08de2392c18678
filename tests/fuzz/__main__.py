"""`make fuzz`: 20,000 projects with mutated files, on all cores; what broke lint is kept as a case.

`python -m tests.fuzz SEEDS [FIRST]` tries so many seeds from the first on.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor

from tests.fuzz.fuzzing import Crash, tried

SEEDS = 20_000


def main() -> None:
    given = [int(each) for each in sys.argv[1:3]]
    count, first = (given + [SEEDS, 0][len(given) :])[:2]
    started, found = time.perf_counter(), list[Crash]()
    parts = [range(at, min(at + 250, first + count)) for at in range(first, first + count, 250)]
    with ProcessPoolExecutor(os.cpu_count(), multiprocessing.get_context("spawn")) as pool:
        for done, crashes in enumerate(pool.map(tried, parts), 1):
            found += crashes
            for crash in crashes:
                print(f"seed {crash.seed}: {crash.what}", flush=True)
            print(f"{done * 250:,} of {count:,}, {len(found)} crashes", file=sys.stderr, flush=True)
    seconds = time.perf_counter() - started
    print(f"{count:,} mutated projects in {seconds:.0f} s: {len(found)} broke lint")
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
