"""Input that is made to hurt: large, deep, endless, or on its way out of the sandbox.

`python -m tests.fuzz.hurting` lints a project with each and writes what was said as JSON.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import astuple
from pathlib import Path

from etl_framework.lint.linter import Linter
from tests.conftest import REPOSITORY
from tests.fuzz.guard import Guard, TooLongError

SHOP = REPOSITORY / "tests" / "cases" / "lint" / "mistakes" / "ours"
SQL, YAML = "sql_templates/shop/paid.sql", "pipelines/shop.yml"
RIGHT = (SHOP / YAML).read_text(encoding="utf-8")
TWICE = "{% set x %}{{ x }}{{ x }}{% endset %}"
LOOPS = "{% for i in a %}{% for j in a %}{% endfor %}{% endfor %}"


def laughs() -> str:
    lines = ["a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol]"]
    for n in range(1, 12):
        lines.append(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]")
    return "\n".join(lines)


# What it is, the file, its text, and how the code begins that it gets.
HURTS: list[tuple[str, str, Callable[[], str], str]] = [
    (
        "50 MB of YAML", YAML,
        lambda: RIGHT + "# more\n" * 8_000_000,
        "E101",
    ),
    (
        "brackets without end", YAML,
        lambda: "a: " + "[" * 100_000,
        "E10",
    ),
    (
        "deep maps", YAML,
        lambda: "a: " + "{b: " * 20_000 + "}" * 20_000,
        "E10",
    ),
    (
        "steps", YAML,
        lambda: "\n".join(" " * n + "a:" for n in range(3000)),
        "E10",
    ),
    (
        "a billion laughs", YAML,
        laughs,
        "E101",
    ),
    (
        "an anchor in itself", YAML,
        lambda: "a: &a [*a]",
        "E10",
    ),
    (
        "a giant number", YAML,
        lambda: RIGHT.replace("least: 5", "least: " + "9" * 1_000_000),
        "E",
    ),
    (
        "a giant power", YAML,
        lambda: RIGHT.replace("min: 0", "min: 1e99999999"),
        "E",
    ),
    (
        "keys without end", YAML,
        lambda: RIGHT + "\n".join(f"k{n}: 1" for n in range(150_000)),
        "E",
    ),
    (
        "deep brackets", SQL,
        lambda: "SELECT " + "(" * 50_000 + "1" + ")" * 50_000,
        "E410",
    ),
    (
        "400 brackets", SQL,
        lambda: "SELECT " + "(" * 400 + "1" + ")" * 400 + " AS order_id",
        "E",
    ),
    (
        "a sum of 30,000", SQL,
        lambda: "SELECT " + " + ".join(["1"] * 30_000),
        "E",
    ),
    (
        "a comment", SQL,
        lambda: "SELECT " + "-" * 5_000 + "1",
        "E",
    ),
    (
        "not not not", SQL,
        lambda: "SELECT " + "NOT " * 20_000 + "TRUE AS a FROM orders",
        "E",
    ),
    (
        "5,000 unions", SQL,
        lambda: "SELECT 1 " + "UNION ALL SELECT 1 " * 5_000,
        "E",
    ),
    (
        "2 MB of text", SQL,
        lambda: "SELECT '" + "x" * 2_000_000 + "' AS a FROM orders",
        "E402",
    ),
    (
        "a template in itself", SQL,
        lambda: "{% include 'shop/paid.sql' %}",
        "E40",
    ),
    (
        "a macro in itself", SQL,
        lambda: "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
        "E402",
    ),
    (
        "a huge range", SQL,
        lambda: "{% for i in range(10**9) %}{{ i }}{% endfor %}",
        "E40",
    ),
    (
        "loops in loops", SQL,
        lambda: "{% set a = [1] * 90000 %}" + LOOPS,
        "E402",
    ),
    (
        "a huge text", SQL,
        lambda: "{{ 'x' * 10**12 }}",
        "E402",
    ),
    (
        "a huge power", SQL,
        lambda: "{{ 10 ** 10 ** 10 }}",
        "E402",
    ),
    (
        "a wide format", SQL,
        lambda: "{{ '%999999999d' | format(1) }}",
        "E401",
    ),
    (
        "a wide format of str", SQL,
        lambda: "{{ '{:>999999999}'.format(1) }}",
        "E402",
    ),
    (
        "a wide text", SQL,
        lambda: "{{ 'a'.ljust(9**11) }}",
        "E402",
    ),
    (
        "a text that doubles", SQL,
        lambda: "{% set x = 'aaaaaaaaaa' %}" + "{% set x = x ~ x ~ x ~ x %}" * 40 + "{{ x }}",
        "E402",
    ),
    (
        "subclasses", SQL,
        lambda: "{{ ''.__class__.__mro__[1].__subclasses__() }}",
        "E703",
    ),
    (
        "globals", SQL,
        lambda: "{{ params.__init__.__globals__ }}",
        "E703",
    ),
    (
        "reduce", SQL,
        lambda: "{{ interval.start.__reduce__() }}",
        "E703",
    ),
    (
        "os.system", SQL,
        lambda: "{{ ident.__globals__['os'].system('id') }}",
        "E703",
    ),
    (
        "lipsum", SQL,
        lambda: "{{ lipsum.__globals__ }}{{ cycler }}",
        "E40",
    ),
    (
        "attr", SQL,
        lambda: "{{ ('%s' | attr('format'))('a') }}",
        "E4",
    ),
    (
        "extends a file", SQL,
        lambda: "{% extends '/etc/passwd' %}",
        "E40",
    ),
    (
        "import", SQL,
        lambda: "{% import 'os' as os %}{{ os }}",
        "E302",
    ),
    (
        "a file in SQL", SQL,
        lambda: "SELECT * FROM read_csv('/etc/passwd')",
        "E",
    ),
    (
        "a file as a table", SQL,
        lambda: "SELECT * FROM '/etc/passwd'",
        "E",
    ),
    (
        "a variable", SQL,
        lambda: "SELECT getenv('HOME') AS order_id FROM orders",
        "E",
    ),
    (
        "out of the folder", YAML,
        lambda: RIGHT.replace("shop/paid.sql", "../../../../etc/passwd"),
        "E302",
    ),
    (
        "from the root", YAML,
        lambda: RIGHT.replace("shop/paid.sql", "/etc/passwd"),
        "E302",
    ),
    (
        "a tag", YAML,
        lambda: "!!python/object/apply:os.system ['id']",
        "E",
    ),
    (
        "a tag inside", YAML,
        lambda: RIGHT.replace("5}", "!!python/name:os.system }"),
        "E105",
    ),
    (
        "a block that doubles", SQL,
        lambda: "{% set x %}a{% endset %}" + TWICE * 40 + "{{ x }}",
        "E402",
    ),
    (
        "a wide join", SQL,
        lambda: "{{ ('x' * 100000) | list | join('y' * 100000) }}",
        "E402",
    ),
    (
        "a wide replace", SQL,
        lambda: "{{ ('x' * 100000) | replace('x', 'y' * 100000) }}",
        "E402",
    ),
    (
        "a wide %", SQL,
        lambda: "{{ '%999999999d' % 1 }}",
        "E402",
    ),
    (
        "loops in a macro", SQL,
        lambda: "{% macro m(a) %}" + LOOPS + "{% endmacro %}{{ m('x' * 100000) }}",
        "E402",
    ),
    (
        "a sum of 4,900", SQL,
        lambda: "SELECT " + " + ".join(["order_id"] * 4_900) + " AS a FROM orders",
        "E410",
    ),
    (
        "2,400 unions", SQL,
        lambda: "SELECT 1 " + "UNION ALL SELECT 1 " * 2_400,
        "E410",
    ),
]  # fmt: skip


def main() -> None:
    said = {}
    with tempfile.TemporaryDirectory(prefix="etl-hurts-") as folder:
        root = Path(folder) / "shop"
        Linter(SHOP, start=False).look()  # imports what is imported at first use
        guard = Guard(root)
        for name, file, make, _ in HURTS:
            shutil.rmtree(root, ignore_errors=True)
            shutil.copytree(SHOP, root)
            (root / file).write_text(make(), encoding="utf-8")
            guard.broken.clear()
            try:
                with guard.watch(seconds=1):
                    found = Linter(root, start=False).look()
                said[name] = [[astuple(each) for each in found], list(guard.broken)]
            except TooLongError:
                said[name] = [[], ["takes too long"]]
    print(json.dumps(said))


if __name__ == "__main__":
    main()
