"""The type of a column keeps every text: values that a type would change stay texts."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tests.authoring.csv.conftest import ImportCsv

BIG = "0.1234567890123456789"


@pytest.mark.parametrize(
    ("texts", "type_"),
    [
        pytest.param(["1", "-2", "0", "9223372036854775807"], "bigint", id="whole numbers"),
        pytest.param(["1", "9223372036854775808"], "decimal(38,0)", id="over 64 bits"),
        pytest.param(["1", "9" * 39], "varchar(100)", id="more than 38 digits"),
        pytest.param(["00500", "00501"], "varchar(10)", id="leading zeros"),
        pytest.param([*map(str, range(10000, 10300)), "01067"], "varchar(10)", id="one of many"),
        pytest.param(["+493012", "+493013"], "varchar(20)", id="plus signs"),
        pytest.param([*map(str, range(300)), "+7"], "varchar(10)", id="one plus sign of many"),
        pytest.param(["-05.5", "1.5"], "varchar(10)", id="a zero before a fraction"),
        pytest.param(["0.5", ".5", "-0.25"], "decimal(18,2)", id="fractions"),
        pytest.param(["1,5", "2,25"], "varchar(10)", id="decimal commas"),
        pytest.param(["1_000", "2_000"], "varchar(10)", id="underscores"),
        pytest.param(["0x1F", "0x20"], "varchar(10)", id="hexadecimal"),
        pytest.param([*["7"] * 300, "0x20"], "varchar(10)", id="one hexadecimal of many"),
        pytest.param(["12345678901234.123456", "1"], "decimal(38,6)", id="more than a double"),
        pytest.param([BIG, "2"], "decimal(38,19)", id="more digits than a double has"),
        pytest.param(["0.30000000000000004", "1e-300"], "double precision", id="by a double"),
        pytest.param(["1.23456789012345678e5", "2"], "varchar(50)", id="cut by a double"),
        pytest.param(["1e400", "2"], "varchar(10)", id="over a double"),
        pytest.param(["1.5E-03", "2.5E+00"], "double precision", id="measurements"),
        pytest.param(["765629939811020802", "7.02608E+17"], "varchar(50)", id="a spreadsheet's id"),
        pytest.param(["98765432101", "1.23457E+11"], "varchar(50)", id="a shorter id"),
        pytest.param([*map(str, range(300)), "7.02608E+17"], "varchar(50)", id="one id of many"),
        pytest.param(["true", "FALSE"], "boolean", id="the words of booleans"),
        pytest.param(["NO", "NO"], "varchar(5)", id="Norway"),
        pytest.param(["Y", "N"], "varchar(5)", id="yes and no"),
        pytest.param(["T", "F"], "varchar(5)", id="letters"),
        pytest.param(["2024-06-25", "0001-01-01"], "date", id="dates"),
        pytest.param(["01-01-24", "02-01-24"], "varchar(20)", id="two-digit years"),
        pytest.param([*["2024-01-01"] * 300, "01-01-24"], "varchar(20)", id="one such of many"),
        pytest.param(["2024-02-30", "2024-01-01"], "varchar(20)", id="no such day"),
        pytest.param(["2024-06-25 08:00", "2024-06-25T08:00:01.5"], "timestamp", id="times"),
        pytest.param(["2024-06-25 08:00:00.1234567"], "varchar(100)", id="seven digits"),
        pytest.param(["2013-01-01T10:00:00Z", "2013-01-01 10:00+02:00"], "timestamptz", id="zones"),
        pytest.param([*["2013-01-01T10:00:00Z"] * 300, "2013-01-01T10:00:00"], "varchar(50)",
                     id="one without a zone"),
        pytest.param(["epoch", "infinity"], "varchar(20)", id="words of DuckDB"),
        pytest.param([" 1", "2 "], "bigint", id="blanks around numbers"),
        pytest.param([" a", "b "], "varchar(5)", id="blanks around texts"),
        pytest.param(["é" * 40, ""], "varchar(255)", id="bytes, not characters"),
    ],
)  # fmt: skip
def test_a_column(import_csv: ImportCsv, texts: list[str], type_: str) -> None:
    rows = "".join(f"{number};{text}\n" for number, text in enumerate(texts))

    outcome = import_csv("n;v\n" + rows)

    assert outcome.verdict == "imports", outcome.text
    assert {column["name"]: column["type"] for column in outcome.source["columns"]}["v"] == type_
    arrived = [row["v"] for row in sorted(outcome.rows, key=lambda row: row["n"])]
    assert outcome.rejected == 0
    assert [same(value, text) for value, text in zip(arrived, texts, strict=True)] == [True] * len(
        texts
    ), arrived


def same(value: Any, text: str) -> bool:
    """Whether a value says all that its text does."""
    if value is None or isinstance(value, str):
        return (value or "") == text
    if isinstance(value, bool):
        return str(value).lower() == text.lower()
    if isinstance(value, int | float | Decimal):
        return Decimal(repr(value) if isinstance(value, float) else value) == Decimal(text.strip())
    return True


def test_a_number_that_a_spreadsheet_shortened_is_noted(import_csv: ImportCsv) -> None:
    outcome = import_csv("id,t\n98765432101,a\n1.23457E+11,b\n")

    assert "# a spreadsheet may have shortened numbers: '1.23457E+11'" in outcome.text


def test_junk_among_many_numbers_is_told_and_rejected(import_csv: ImportCsv) -> None:
    outcome = import_csv("id,t\n" + "".join(f"{n},a\n" for n in range(200)) + "none,b\n")

    assert "- {name: id, type: bigint}  # rejects 1 of 201: 'none'" in outcome.text
    assert (len(outcome.rows), outcome.rejected) == (200, 1)


def test_a_text_that_no_column_holds(import_csv: ImportCsv) -> None:
    outcome = import_csv("a,b\n1," + "x" * 70000 + "\n")

    assert outcome.verdict == "refused"
    assert "in.csv:2:2: a text of 70000 bytes is too long for varchar(65535)" in outcome.text


@pytest.mark.parametrize(
    ("content", "nulls", "types"),
    [
        pytest.param("n,x\n1,2.5\n2,NA\n", ["NA"], ["bigint", "decimal(18,1)"], id="in numbers"),
        pytest.param("n,x\n1,?\n-,2\n", ["-", "?"], ["bigint", "bigint"], id="two of them"),
        pytest.param("n,c\n1,NA\n2,DE\n", None, ["bigint", "varchar(5)"], id="Namibia"),
        pytest.param("x,c\n1,NA\nNA,DE\n", None, ["varchar(5)", "varchar(5)"], id="in both"),
        pytest.param('x,c\n1,"NA"\nNA,"DE"\n', ["NA"], ["bigint", "varchar(5)"], id="as R writes"),
        pytest.param("x,y,c\nNA,-,-\n1,2,b\n", ["NA"], ["bigint", "varchar(5)", "varchar(5)"],
                     id="one in both"),
        pytest.param("d,c\n2024-01-01,a\nNULL,b\n", ["NULL"], ["date", "varchar(5)"], id="dates"),
    ],
)  # fmt: skip
def test_words_that_mean_no_value(
    import_csv: ImportCsv, content: str, nulls: list[str] | None, types: list[str]
) -> None:
    outcome = import_csv(content)

    assert outcome.verdict == "imports", outcome.text
    assert outcome.source.get("null_values") == nulls
    assert [column["type"] for column in outcome.source["columns"]] == types
    in_texts = [row["c"] for row in outcome.rows if "c" in row]
    assert None not in in_texts


def test_a_word_that_columns_of_texts_have_is_noted(import_csv: ImportCsv) -> None:
    text = import_csv("x,c\n1,NA\nNA,DE\n").text

    assert (
        "bigint but for NA, which texts are, too; if it means no value everywhere: --null NA"
        in text
    )
