"""Rows that do not parse: rejected with file, line, column, reason and the row as it came."""

from __future__ import annotations

import gzip

import pytest

from tests.sources.conftest import GOOD, HEADER, ReadCsv, Rejected

BAD = "x,bob,1,2024-01-01\n"
HALF = "1.5,bob,1,2024-01-01\n"


def at(line: int, column: int, name: str, row: str) -> tuple[int, int, str, str]:
    return line, column, name, row.rstrip("\r\n")


def places(rejected: list[Rejected]) -> list[tuple[int, int, str, str]]:
    return [(found.line, found.column, found.name, found.row) for found in rejected]


@pytest.mark.parametrize(
    ("content", "rejected", "kept"),
    [
        pytest.param(GOOD + BAD + GOOD, at(3, 1, "order_id", BAD), 2, id="a text as a number"),
        pytest.param(
            GOOD + "2,bob,one,2024-01-01\n", at(3, 3, "amount", "2,bob,one,2024-01-01"), 1,
            id="a text as a decimal",
        ),
        pytest.param(
            "2,bob,1,2024-02-30\n" + GOOD, at(2, 4, "ordered_at", "2,bob,1,2024-02-30"), 1,
            id="a day that is not in the calendar",
        ),
        pytest.param("2,bob\n" + GOOD, at(2, 3, "amount", "2,bob"), 1, id="too few values"),
        pytest.param(
            GOOD + "\n\n" + BAD + GOOD, at(5, 1, "order_id", BAD), 2, id="after blank lines"
        ),
        pytest.param(
            '1,"a\nb",1,2024-01-01\n' + BAD + GOOD, at(4, 1, "order_id", BAD), 2,
            id="after a newline in quotes",
        ),
        pytest.param(
            '1,"a\nb",1,2024-01-01\n' + HALF + GOOD, at(4, 1, "order_id", HALF), 2,
            id="a fraction after a newline in quotes",
        ),
        pytest.param(
            GOOD + '2,"bob', at(3, 2, "customer", '2,"bob'), 1, id="a quote cut off at the end"
        ),
        pytest.param(
            GOOD + '2,"a"b,1,2024-01-01\n', at(3, 2, "customer", '2,"a"b,1,2024-01-01'), 1,
            id="text behind a closing quote",
        ),
        pytest.param(GOOD + "   \n", at(3, 2, "customer", "   "), 1, id="a line of blanks"),
        pytest.param(
            "\x002,bob,1,2024-01-01\n" + GOOD,
            at(2, 1, "order_id", "\x002,bob,1,2024-01-01"), 1, id="a NUL byte in a number",
        ),
        pytest.param(
            GOOD + HALF.replace("\n", ",\n"), at(3, 1, "order_id", HALF.replace("\n", ",")), 1,
            id="a fraction in a row with a comma at its end",
        ),
    ],
)  # fmt: skip
@pytest.mark.parametrize("end", ["\n", "\r\n"], ids=["Unix", "Windows"])
def test_a_bad_row_has_its_place_and_the_others_are_kept(
    read_csv: ReadCsv, content: str, rejected: tuple[int, int, str, str], kept: int, end: str
) -> None:
    reading = read_csv({"1.csv": (HEADER + content).replace("\n", end)})

    assert places(reading.rejected) == [rejected]
    assert reading.rejected[0].file == "orders/1.csv"
    assert len(reading.kept) == kept


def test_too_many_values_reject_the_row(read_csv: ReadCsv) -> None:
    reading = read_csv({"1.csv": HEADER + GOOD + "2,bob,1,2024-01-01,5\n"})

    (found,) = reading.rejected
    assert (found.line, found.reason) == (3, "the row has too many values")
    assert found.row == "2,bob,1,2024-01-01,5"


@pytest.mark.parametrize("before", [0, 3000], ids=["in a small file", "far down"])
def test_invalid_utf8_rejects_its_row_alone(read_csv: ReadCsv, before: int) -> None:
    content = (HEADER + GOOD * before).encode() + b"2,b\xffb,1,2024-01-01\n" + GOOD.encode()

    reading = read_csv({"1.csv": content})

    (found,) = reading.rejected
    assert (found.line, found.name, found.reason) == (
        before + 2, "customer", "the text is not UTF-8",
    )  # fmt: skip
    assert len(reading.kept) == before + 1


def test_the_reason_names_the_type_that_the_file_declares(read_csv: ReadCsv) -> None:
    reading = read_csv({"1.csv": HEADER + BAD + "2,bob,1,soon\n"})

    assert "x" in reading.rejected[0].reason and "integer" in reading.rejected[0].reason
    assert "soon" in reading.rejected[1].reason and "timestamp" in reading.rejected[1].reason


def test_two_errors_in_a_row_reject_it_once(read_csv: ReadCsv) -> None:
    reading = read_csv({"1.csv": HEADER + "x,bob,y,soon\n1.5,bob,y,2024-01-01\n" + HALF})

    assert [found.line for found in reading.rejected] == [2, 3, 4]


def test_a_row_with_two_errors_after_a_newline_in_quotes_is_rejected_once(
    read_csv: ReadCsv,
) -> None:
    content = '1,"a\nb",1,2024-01-01\n1.5,bob,y,2024-01-01\n' + HALF

    assert [found.line for found in read_csv({"1.csv": HEADER + content}).rejected] == [4, 5]


def test_each_file_names_its_own_rows(read_csv: ReadCsv) -> None:
    reading = read_csv(
        {
            "1.csv": HEADER + GOOD + HALF,
            "2.csv.gz": gzip.compress((HEADER + BAD).encode()),
            "a'b.csv": "customer,order_id,ordered_at,amount\nbob,1.5,2024-01-01,1\n",
        }
    )

    assert [(found.file, found.line, found.column) for found in reading.rejected] == [
        ("orders/1.csv", 3, 1), ("orders/2.csv.gz", 2, 1), ("orders/a'b.csv", 2, 2),
    ]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("bad", [BAD, HALF], ids=["that does not parse", "with a fraction"])
def test_a_bad_row_near_the_end_of_200_000_has_its_line(read_csv: ReadCsv, bad: str) -> None:
    rows = "".join(f"{number},ada,1,2024-01-01\n" for number in range(200_000))

    reading = read_csv({"1.csv": HEADER + rows + bad + GOOD})

    assert [(found.line, found.row) for found in reading.rejected] == [(200_002, bad.rstrip())]
    assert len({row[0] for row in reading.kept}) == 200_000
