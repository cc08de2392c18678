"""A project with nine days of orders, and its pages read as a browser reads them."""

from __future__ import annotations

import shutil
from html.parser import HTMLParser
from pathlib import Path

import pytest

from tests.conftest import ORDERS, TOTALS, Folder, empty_project

EVIL = "<script>alert(1)</script>"
DAYS = (
    ORDERS.replace("orders/*.csv", "orders/{{ interval.date }}.csv")
    .replace("table: totals}", "table: totals, strategy: append}")
    .replace("type: varchar(20), primary_key: true", f"type: varchar(20), description: '{EVIL}'")
    .replace("name: orders\n", f"name: orders\nowner: '{EVIL}'\nstart_date: 2024-06-20\n", 1)
)


class Page(HTMLParser):
    """The links, texts and elements of a page, whose elements must be closed in order."""

    VOID = {"meta", "link", "input", "br"}

    def __init__(self, file: Path) -> None:
        super().__init__()
        self.file = file
        self.links: list[str] = []
        self.ids: list[str] = []
        self.values: list[float] = []
        self.text = ""
        self._open: list[str] = []
        self.feed(file.read_text(encoding="utf-8"))
        self.close()
        assert self._open == [], file

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        found = dict(attributes)
        self.ids += [str(found["id"])] if "id" in found else []
        self.links += [str(found[name]) for name in ("href", "src") if name in found]
        if tag not in self.VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attributes)
        self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag, (self.file, tag)

    def handle_data(self, data: str) -> None:
        self.text += data
        if self._open[-2:] == ["circle", "title"]:  # 2024-06-20: 1,234.5
            self.values.append(float(data.rpartition(": ")[2].replace(",", "")))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Folder:
    """Nine days: of the seventh the file is missing, and the last has ten times the amount."""
    folder = empty_project(tmp_path_factory.mktemp("days"))
    folder.write("sql_templates/orders/totals.sql", TOTALS)
    folder.write("pipelines/orders.yml", DAYS.lstrip())
    for number in range(20, 30):
        amount = 100 if number == 29 else number / 10
        folder.write(
            f"lake/orders/2024-06-{number}.csv",
            f"order_id,customer,amount,ordered_at\n1,ada,{amount},2024-06-{number} 08:00:00\n"
            + ("x,ada,1,2024-06-20 00:00:00\n" if number == 20 else ""),
        )
    (folder.root / "lake/orders/2024-06-26.csv").unlink()
    done = folder.etl("run", "orders", "--from", "2024-06-20", "--to", "2024-06-29", "--keep-going")
    assert "9 done, 1 failed (2024-06-26)" in done.stderr
    return folder


@pytest.fixture
def days(made: Folder, tmp_path: Path) -> Folder:
    """The same in a folder of its own."""
    shutil.copytree(made.root, tmp_path / "days")
    return Folder(tmp_path / "days")


def sound(pages: dict[str, Page]) -> None:
    """Every link leads to a file, and to a place in it; no id is there twice."""
    ids = {page.file.resolve(): page.ids for page in pages.values()}
    for page in pages.values():
        assert len(page.ids) == len(set(page.ids)), page.file
        for link in page.links:
            path, _, place = link.partition("#")
            if path.startswith(("data:", "https:")):
                continue
            file = (page.file.parent / path).resolve() if path else page.file.resolve()
            assert file.is_file(), (page.file, link)
            assert not place or place in ids[file], (page.file, link)


def report(folder: Folder, *more: str) -> dict[str, Page]:
    done = folder.etl("report", "--to", "2024-06-30", *more)
    assert done.returncode == 0, done.stderr
    root = folder.root / "report"
    return {str(file.relative_to(root)): Page(file) for file in root.rglob("*.html")}
