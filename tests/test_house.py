"""The structure of the package is that of `docs/contributing.md`, and old habits stay away."""

from __future__ import annotations

import ast
import configparser
import re
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path

from etl_framework.storage.step_folder import StepFolder
from tests.conftest import REPOSITORY

HOUSE = REPOSITORY / "etl_framework"
PAGE = (REPOSITORY / "docs/contributing.md").read_text(encoding="utf-8")
MODULES = sorted(path.relative_to(REPOSITORY).as_posix() for path in HOUSE.rglob("*.py"))
TEXTS = {path: (REPOSITORY / path).read_text(encoding="utf-8") for path in MODULES}
TREES = {path: ast.parse(text) for path, text in TEXTS.items()}
FOLDERS = sorted(
    {str(folder) for path in MODULES for folder in Path(path).parents if len(folder.parts) > 0}
)
ROOT = sorted(path.name for path in HOUSE.glob("*.py") if path.name != "__init__.py")
# The lines of the picture: a folder or file of the package, and what is said of it.
PICTURE = dict(
    re.findall(
        r"^  (\S+) +(.+)$", PAGE.partition("\netl_framework/\n")[2].partition("```")[0], re.M
    )
)
# The lines of the table of tests: patterns of modules, and the files that test them.
TABLE = [
    (re.findall(r"`([^`]+)`", modules), re.findall(r"`([^`]+)`", tests))
    for modules, tests in re.findall(r"^\| (.+) \| (.*`tests/.+) \|$", PAGE, re.M)
    if modules.startswith("`etl_framework/")
]


def expanded(pattern: str) -> list[str]:
    """`a/{b,c}.py` as `a/b.py` and `a/c.py`."""
    head, brace, rest = pattern.partition("{")
    inner, _, tail = rest.partition("}")
    return [head + word + tail for word in inner.split(",")] if brace else [pattern]


def own_test(module: str) -> str:
    """Where a module's test lies by its path."""
    path = Path(module).relative_to("etl_framework")
    return str(Path("tests", path.parent, f"test_{path.name}"))


# Modules with something in them, whose path leads to no test.
WITHOUT_OWN = [
    module
    for module in MODULES
    if TEXTS[module].strip() and not (REPOSITORY / own_test(module)).exists()
]
PATTERNS = [
    pattern for patterns, _ in TABLE for written in patterns for pattern in expanded(written)
]


def test_the_picture_shows_every_folder_and_root_file() -> None:
    folders = (Path(folder) for folder in FOLDERS)
    rooms = {f"{folder.name}/" for folder in folders if len(folder.parts) == 2} | set(ROOT)

    assert rooms - set(PICTURE) == set(), "docs/contributing.md: add a line to the picture"
    assert set(PICTURE) - rooms == set(), "docs/contributing.md: take the line out of the picture"


def test_the_picture_names_every_folder_within_a_folder() -> None:
    named = {
        f"etl_framework/{room}{inner}"
        for room, words in PICTURE.items()
        for inner in re.findall(r"\b(\w+)/(?!\w)", words)
    }
    within = {folder for folder in FOLDERS if len(Path(folder).parts) == 3}
    gone = [folder for folder in sorted(named) if not (REPOSITORY / folder).is_dir()]

    assert within - named == set(), "docs/contributing.md: name it in its folder's line"
    assert gone == [], "docs/contributing.md: there is no such folder"


def test_the_picture_has_the_order_of_the_layers() -> None:
    settings = configparser.ConfigParser()
    settings.read(REPOSITORY / "setup.cfg")
    layers = settings["importlinter:contract:layers"]["layers"].split("\n")[1:]
    shown = [room.strip("/").removesuffix(".py") for room in PICTURE]

    ranks = [
        rank for name in shown for rank, layer in enumerate(layers) if name in layer.split(" | ")
    ]

    assert ranks == sorted(ranks), "docs/contributing.md: order the picture as setup.cfg does"
    assert len(ranks) == len(shown), "setup.cfg: every room of the picture has a layer"


def test_every_module_is_tested_where_the_page_says() -> None:
    homeless = [
        f"write {own_test(module)}, or add {module} to the table of docs/contributing.md"
        for module in WITHOUT_OWN
        if not any(fnmatch(module, pattern) for pattern in PATTERNS)
    ]

    assert homeless == []


def test_every_line_of_the_table_serves_a_module() -> None:
    stale = [
        f"docs/contributing.md: take '{pattern}' out of the table, no module needs it"
        for pattern in PATTERNS
        if not any(fnmatch(module, pattern) for module in WITHOUT_OWN)
    ]

    assert stale == []


def test_every_test_that_the_table_names_exists() -> None:
    named = {test for _, tests in TABLE for test in tests}

    assert sorted(test for test in named if not (REPOSITORY / test).is_file()) == []


def test_the_table_is_short() -> None:
    assert 0 < len(TABLE) < 70


def test_few_files_lie_at_the_root() -> None:
    assert len(ROOT) <= 6, f"move a file into the folder that uses it: {', '.join(ROOT)}"


def test_every_folder_is_a_package() -> None:
    inits = [f"{folder}/__init__.py" for folder in FOLDERS]

    assert [init for init in inits if not (REPOSITORY / init).is_file()] == [], "add it"


def test_only_the_engine_redshift_knows_its_name() -> None:
    lines = [
        f"{path}:{node.lineno}"
        for path, node in nodes(ast.Compare)
        if any(getattr(side, "value", "") == "redshift" for side in (node.left, *node.comparators))
        and not path.startswith("etl_framework/engines/redshift/")
    ]

    assert lines == [], "ask the engine (engines/base.py) in place of its name"


def test_only_sources_and_the_cluster_tell_csv_from_other_files() -> None:
    allowed = ("etl_framework/sources/", "etl_framework/engines/redshift/")
    lines = [
        f"{path}:{node.lineno}"
        for path, node in nodes(ast.Call)
        if ast.unparse(node.func) == "isinstance"
        and any(ast.unparse(part) == "CsvSource" for part in ast.walk(node.args[1]))
        and not path.startswith(allowed)
    ]

    assert lines == [], "ask for FilesSource, or add a method to it"


def test_no_result_of_a_step_is_read_as_a_dictionary() -> None:
    """A step's folder gives an `Outcome`; its fields have names and types."""

    reading = re.compile(r"\.(result|outcome)\(\)(\[|\.(get|items|keys|values)\()")
    lines = [path for path, text in TEXTS.items() if reading.search(text)]

    assert lines == [], "read the fields of storage/outcome.py"
    assert not hasattr(StepFolder, "result"), "a step's folder has `outcome`"


def test_formatting_is_rarely_switched_off() -> None:
    places = [path for path, text in TEXTS.items() for _ in re.findall(r"# fmt: skip", text)]

    assert len(places) <= 30, f"let ruff format them: {', '.join(places)}"


def test_no_import_is_an_exception() -> None:
    assert "ignore_imports" not in (REPOSITORY / "setup.cfg").read_text(encoding="utf-8"), (
        "setup.cfg: move what is imported to a lower layer"
    )


def nodes(kind: type) -> Iterator[tuple[str, ast.AST]]:
    """Every node of a kind, with the file that it is in."""
    for path, tree in TREES.items():
        for node in ast.walk(tree):
            if isinstance(node, kind):
                yield path, node
