"""`make corpus FILES=folder`: import and run every CSV file in folders, and compare all values.

Prints a line for each file: `imports`, `refused` with a sentence, or `FAILED`.
"""

from __future__ import annotations

import sys
import tempfile
import time
import traceback
from collections import Counter
from pathlib import Path

from tests.corpus.round_trip import Outcome, round_trip

ENDINGS = (".csv", ".tsv", ".csv.gz", ".tsv.gz", ".csv.zst")
LARGEST = 64 << 20


def main() -> None:
    """Go through the files of the folders that are named, and exit with 1 if one has failed."""
    found: set[Path] = set()
    for folder in sys.argv[1:]:
        paths = Path(folder).rglob("*") if Path(folder).is_dir() else [Path(folder)]
        found |= {path for path in paths if path.name.endswith(ENDINGS) and path.is_file()}
    if not found:
        sys.exit("no CSV file there; name folders that have some: make corpus FILES=folder")
    verdicts: Counter[str] = Counter()
    for file in sorted(found):
        if file.stat().st_size > LARGEST:
            continue
        started = time.perf_counter()
        outcome = tried(file)
        seconds = time.perf_counter() - started
        verdicts[outcome.verdict] += 1
        about = "" if outcome.verdict == "imports" else " ".join(outcome.text.split())
        print(f"{outcome.verdict:8} {seconds:5.1f}s {file}  {about}", flush=True)
    print(", ".join(f"{count} {verdict}" for verdict, count in sorted(verdicts.items())))
    sys.exit(1 if verdicts["FAILED"] else 0)


def tried(file: Path) -> Outcome:
    """What becomes of a file; an error that is not ours is a failure, too."""
    with tempfile.TemporaryDirectory(prefix="etl-corpus-") as root:
        try:
            return round_trip(file, Path(root) / "project")
        except Exception:  # noqa: BLE001 - a bug in one file should not hide those in others
            return Outcome("FAILED", traceback.format_exc().strip().rpartition("\n")[2])


if __name__ == "__main__":
    main()
