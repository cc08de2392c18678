"""`make fuzz-guided`: what reaches code that nothing has reached before is changed further.

atheris watches which lines of ours a file of YAML or SQL runs through, and begins with the files of
the repository. `python -m tests.fuzz.guided -max_total_time=600`; other options are libFuzzer's.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["etl_framework"]):
    from tests.conftest import REPOSITORY
    from tests.fuzz.fuzzing import Fuzzer
    from tests.fuzz.hurting import SHOP, SQL, YAML

LONGEST = 8_000


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="etl-guided-") as folder:
        corpus, project = Path(folder) / "corpus", Path(folder) / "project"
        corpus.mkdir()
        project.mkdir()
        for number, file in enumerate(_texts()):
            first = b"Y" if file.suffix == ".yml" else b"S"
            (corpus / str(number)).write_bytes(first + file.read_bytes())
        right = {name: (SHOP / name).read_text("utf-8") for name in ("environments.yml", YAML)}
        right |= {
            path.relative_to(SHOP).as_posix(): path.read_text("utf-8")
            for path in (SHOP / "sql_templates").rglob("*.sql")
        }
        fuzzer = Fuzzer(project)

        def lints(data: bytes) -> None:
            text = data[1:].decode("utf-8", "surrogateescape")
            what = fuzzer.broken(right | {YAML if data[:1] == b"Y" else SQL: text})
            if what:
                raise AssertionError(what)

        (REPOSITORY / ".etl").mkdir(exist_ok=True)
        options = [f"-max_len={LONGEST}", f"-artifact_prefix={REPOSITORY}/.etl/", *sys.argv[1:]]
        atheris.Setup([sys.argv[0], *options, str(corpus)], lints)
        atheris.Fuzz()


def _texts() -> list[Path]:
    """Files of the repository that lint reads."""
    folders = [
        REPOSITORY / "pipelines",
        REPOSITORY / "sql_templates",
        REPOSITORY / "tests" / "cases",
    ]
    found = [
        file for folder in folders for file in folder.rglob("*") if file.suffix in (".yml", ".sql")
    ]
    return sorted(file for file in found if file.stat().st_size < LONGEST)


if __name__ == "__main__":
    main()
