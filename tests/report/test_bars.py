"""Bars of rows that were taken out, by rule."""

from __future__ import annotations

from etl_framework.report.bars import COLOURS, MOST, OTHERS, bars
from etl_framework.report.chart import EDGE, HEIGHT


def test_the_parts_of_a_bar_stand_on_one_another() -> None:
    drawn = bars(["a", "b", "c"], {"required": [1, 0, 2], "parse": [3, 0, 0]})

    assert [bar.label for bar in drawn.bars] == ["a", "c"]
    first, second = drawn.bars[0].parts
    assert first.y + first.height == HEIGHT - EDGE and second.y + second.height == first.y
    assert second.y == EDGE
    assert (drawn.rows, drawn.high, drawn.begin, drawn.end) == (6, 4, "a", "c")


def test_more_rules_than_colours() -> None:
    drawn = bars(["a"], {f"rule {number}": [number] for number in range(9)})

    assert list(drawn.rules) == ["rule 8", "rule 7", "rule 6", "rule 5", "rule 4", OTHERS]
    assert max(part.colour for part in drawn.bars[0].parts) == COLOURS - 1
    assert drawn.rows == sum(range(9))


def test_of_ten_thousand_the_newest() -> None:
    drawn = bars([str(number) for number in range(10_000)], {"rule": [1] * 10_000})

    assert len(drawn.bars) == MOST and drawn.end == "9999"
    assert drawn.bars[0].x < drawn.bars[1].x


def test_nothing_was_taken_out() -> None:
    assert bars(["a"], {"rule": [0]}).bars == []
