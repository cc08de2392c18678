"""A block put into YAML: whatever the layout, all that was there stays as it was."""

from __future__ import annotations

import pytest
import yaml

from etl_framework.errors import ConfigError
from etl_framework.project.yaml_insert import inserted

BLOCK = '  new:\n    sql: a/new.sql\n    columns:\n      - {name: x, type: "decimal(1,0)"}\n'


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param("kpis:\n  a: {b: 1}\n", "kpis:\n  a: {b: 1}\n<BLOCK>", id="section last"),
        pytest.param(
            "kpis:\n  a: {b: 1}", "kpis:\n  a: {b: 1}\n<BLOCK>", id="no newline at the end"
        ),
        pytest.param(
            "kpis:\n  a: {b: 1}\n\nlater: 1\n",
            "kpis:\n  a: {b: 1}\n<BLOCK>\nlater: 1\n",
            id="section in the middle",
        ),
        pytest.param(
            "kpis:\n  a: {b: 1}\n# of later\nlater: 1\n",
            "kpis:\n  a: {b: 1}\n<BLOCK># of later\nlater: 1\n",
            id="a comment of what follows",
        ),
        pytest.param(
            "kpis:\n  a:\n    b: 1\n    # c: 2\n# end\n",
            "kpis:\n  a:\n    b: 1\n    # c: 2\n<BLOCK># end\n",
            id="a comment of the last entry",
        ),
        pytest.param(
            "kpis:\n  a:\n    b: |\n      text\n\n      # text\n\n\nlater: 1\n",
            "kpis:\n  a:\n    b: |\n      text\n\n      # text\n<BLOCK>\n\nlater: 1\n",
            id="a text over several lines",
        ),
        pytest.param(
            "kpis:\n  a: {b: 1}\n\n  c: {b: 1}\n",
            "kpis:\n  a: {b: 1}\n\n  c: {b: 1}\n\n<BLOCK>",
            id="entries that stand apart",
        ),
        pytest.param(
            "kpis:\r\n  a: {b: 1}  # x\r\nlater: 1\r\n",
            "kpis:\r\n  a: {b: 1}  # x\r\n<BLOCK>later: 1\r\n",
            id="ends of Windows",
        ),
        pytest.param("name: x  # y\n", "name: x  # y\n\nkpis:\n<BLOCK>", id="section missing"),
        pytest.param("name: x", "name: x\n\nkpis:\n<BLOCK>", id="section missing, no newline"),
        pytest.param(
            "kpis: {}  # none yet\nlater: 1\n",
            "kpis:  # none yet\n<BLOCK>later: 1\n",
            id="an empty section",
        ),
        pytest.param(
            "kpis:\nlater: 1\n", "kpis:\n<BLOCK>later: 1\n", id="a section without a value"
        ),
        pytest.param("kpis: # none yet", "kpis: # none yet\n<BLOCK>", id="the same at the end"),
        pytest.param(
            "kpis: {a: {b: 1}}  # all\n", "kpis: {a: {b: 1}<FLOW>}  # all\n", id="in one line"
        ),
        pytest.param(
            "kpis: {\n  a: {b: 1},  # first\n}\nlater: 1\n",
            "kpis: {\n  a: {b: 1}<FLOW>,  # first\n}\nlater: 1\n",
            id="braces over lines",
        ),
        pytest.param(
            "{name: x, kpis: {a: 1}}\n", "{name: x, kpis: {a: 1<FLOW>}}\n", id="all in braces"
        ),
        pytest.param(
            "---\nkpis:\n  a: {b: 1}\n", "---\nkpis:\n  a: {b: 1}\n<BLOCK>", id="a document"
        ),
        pytest.param(
            "kpis:\n  a: {b: \u00e9\u2028x}\n",
            "kpis:\n  a: {b: \u00e9\u2028x}\n<BLOCK>",
            id="a line separator",
        ),
    ],
)
def test_all_that_was_there_stays(before: str, after: str) -> None:
    flow = ', new: {sql: a/new.sql, columns: [{name: x, type: "decimal(1,0)"}]}'
    block = BLOCK.replace("\n", "\r\n") if "\r\n" in before else BLOCK

    made = inserted(before, "kpis", "new", BLOCK)

    assert made == after.replace("<BLOCK>", block).replace("<FLOW>", flow)
    assert yaml.safe_load(made)["kpis"]["new"] == yaml.safe_load(BLOCK)["new"]


def test_the_indentation_is_the_file_s() -> None:
    made = inserted("kpis:\n    a:\n        b: 1\n", "kpis", "new", BLOCK)

    assert made.startswith("kpis:\n    a:\n        b: 1\n    new:\n      sql: a/new.sql\n")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param("kpis:\n  a: {b: 1}\n...\n", "takes no entry", id="the document is closed"),
        pytest.param("{name: x}\n", "takes no entry", id="braces without the section"),
        pytest.param(
            "kpis: &k\n  a: 1\nlater: 1\nkpis2: *k\n", "takes no entry", id="an alias of it"
        ),
        pytest.param("kpis: [a]\n", "takes no entry", id="a list"),
        pytest.param("kpis:\r\n  a: 1\n", "line ends of two kinds", id="line ends of two kinds"),
    ],
)
def test_what_takes_no_entry(text: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        inserted(text, "kpis", "new", BLOCK)
