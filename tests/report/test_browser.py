"""The pages in a browser: on a phone, by keyboard, in light and dark colours."""

from __future__ import annotations

import re
import shutil
import subprocess
from importlib.resources import files
from pathlib import Path

import pytest

from tests.conftest import Folder
from tests.report.conftest import report


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_colours_can_be_told_apart(theme: str) -> None:
    """Texts have a contrast of 4.5 to what they stand on (WCAG 2.1, AA), bars one of 3."""
    style = (files("etl_framework.report") / "templates/style.css").read_text()
    before, _, after = style.partition("@media (prefers-color-scheme: dark)")
    colours = dict(re.findall(r"--([\w-]+): (#\w{6})", before if theme == "light" else after))

    def light(colour: str) -> float:
        parts = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
        linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    def contrast(one: str, other: str) -> float:
        high, low = sorted((light(colours[one]), light(colours[other])), reverse=True)
        return (high + 0.05) / (low + 0.05)

    for text in ("ink", "quiet", "link", "bad"):
        for ground in ("paper", "soft"):
            assert contrast(text, ground) >= 4.5, (text, ground)
    for text in ("good", "warn", "bad", "run"):
        assert contrast(text, f"{text}-soft") >= 4.5, text
    for text in ("ink", "link", "quiet"):
        assert contrast(text, "run-soft") >= 4.5, text
    for bar in ("link", "bad", "warn", "good", "other", "quiet"):
        assert contrast(bar, "soft") >= 3, bar


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("chromium") is None, reason="there is no Chromium")
def test_in_a_browser(days: Folder, tmp_path: Path) -> None:
    """Nothing is wider than a phone but what scrolls by itself; the search finds; no errors.

    The picture of the lineage shows what a column is made of; the keyboard reaches its boxes.
    """
    report(days)
    look = """<script>
    const errors = []; window.addEventListener("error", (event) => errors.push(event.message));
    window.addEventListener("load", () => {
      document.documentElement.style.width = "360px";
      const wide = [...document.querySelectorAll("main *")].filter((node) =>
        node.getBoundingClientRect().right > 361 && !node.closest(".wide, pre, svg"));
      const search = document.getElementById("search");
      let found = "";
      if (search) {
        search.value = "nothing like it"; search.dispatchEvent(new Event("input"));
        found = [...document.querySelectorAll("#found li")].every((item) => item.hidden);
        search.value = "TOTALS"; search.dispatchEvent(new Event("input"));
        found = found && ![...document.querySelectorAll("#found li")][0].hidden;
      }
      const column = document.querySelector("tr[data-boxes] a");
      if (column) {
        column.click();
        window.dispatchEvent(new Event("hashchange"));
        const related = [...document.querySelectorAll(".box.related")];
        const links = [...document.querySelectorAll("a.box")];
        for (const link of links) {
          link.focus();
          if (document.activeElement !== link) errors.push("no focus");
        }
        found = related.length > 0 && links.length > 0
          && related.every((box) => box.querySelector(".kind").textContent !== box.dataset.kind)
          && related.some((box) => /#column-/.test(box.getAttribute("href")));
      }
      const told = wide.map((node) => node.outerHTML.slice(0, 80));
      document.title = JSON.stringify([errors, told, found]);
    });</script></head>"""
    for file in (days.root / "report").rglob("*.html"):
        file.write_text(file.read_text().replace("</head>", look))
        command = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--dump-dom",
                   f"--user-data-dir={tmp_path / 'profile'}", file.as_uri()]  # fmt: skip
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
        title = re.findall("<title>(.*?)</title>", done.stdout)[0]
        with_script = file.parent.name in ("kpis", "sources") or file.name == "index.html"
        assert title == ("[[],[],true]" if with_script else '[[],[],""]'), file
