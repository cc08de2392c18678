"""The tables of README and of `docs/` that are made from the models.

`python -m etl_framework.authoring.reference README.md` writes them anew, between their marks.
"""

from __future__ import annotations

import sys
from pathlib import Path

from etl_framework.lint.policies.base import Policy, RelationPolicy
from etl_framework.plugins import plugins
from etl_framework.sources.base import Source

_BEGIN, _END = "<!-- {name}, made by `make docs` -->\n", "<!-- end of {name} -->"


def sources_table() -> str:
    """The sources as a Markdown table: the type, what it reads, and the keys that only it has."""
    rows = ["| `type` | reads | keys of its own |", "|---|---|---|"]
    for name, source in plugins(Source).items():
        what = str(source.__doc__).strip().split("\n")[0].removesuffix(".")
        keys = [key for key in source.model_fields if key not in {*Source.model_fields, "type"}]
        rows.append(f"| `{name}` | {what} | {', '.join(f'`{key}`' for key in keys)} |")
    return "".join(f"{row}\n" for row in rows)


def policies_table() -> str:
    """The types of policies as a Markdown table: what each wants, its keys, its code."""
    common = {key for base in (Policy, RelationPolicy) for key in base.model_fields}
    rows = ["| `type` | wants | keys | code |", "|---|---|---|---|"]
    for name, kind in sorted(plugins(Policy).items(), key=lambda pair: pair[1].code):
        what = " ".join(str(kind.__doc__).strip().split("\n\n")[0].split()).removesuffix(".")
        keys = [f"`{key}`" for key in kind.model_fields if key not in {*common, "type"}]
        rows.append(f"| `{name}` | {what} | {', '.join(keys)} | {kind.code} |")
    return "".join(f"{row}\n" for row in rows)


TABLES = {"sources": sources_table, "policies": policies_table}


def with_tables(document: str) -> str:
    """The document with every table between its marks made anew."""
    for name, table in TABLES.items():
        before, begin, rest = document.partition(_BEGIN.format(name=name))
        _, end, after = rest.partition(_END.format(name=name))
        if end:
            document = f"{before}{begin}\n{table()}\n{end}{after}"
    return document


if __name__ == "__main__":
    for _path in map(Path, sys.argv[1:]):
        _path.write_text(with_tables(_path.read_text(encoding="utf-8")), encoding="utf-8")
