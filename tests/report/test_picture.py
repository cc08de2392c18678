"""Pictures of lineage: where boxes stand, and which lines there are."""

from __future__ import annotations

import re
from itertools import combinations

from etl_framework.report.picture import BOX_HEIGHT, BOX_WIDTH, picture


def test_each_box_stands_to_the_right_of_its_inputs() -> None:
    drawn = picture({"kpi": ["plays", "tracks"], "plays": ["streams"], "streams": [], "tracks": []})

    boxes = drawn.boxes
    assert boxes["streams"].x == boxes["tracks"].x < boxes["plays"].x < boxes["kpi"].x
    assert {(line.start, line.end) for line in drawn.lines} == {
        ("streams", "plays"), ("plays", "kpi"), ("tracks", "kpi")
    }  # fmt: skip


def test_a_line_ends_at_its_boxes_and_goes_around_those_between() -> None:
    drawn = picture({"a": [], "b": ["a"], "c": ["a", "b"]})

    long = next(line for line in drawn.lines if (line.start, line.end) == ("a", "c"))
    numbers = [float(number) for number in re.findall(r"[\d.]+", long.path)]
    a, b, c = (drawn.boxes[name] for name in "abc")
    assert numbers[:2] == [a.x + BOX_WIDTH, a.y + BOX_HEIGHT / 2]
    assert numbers[-2:] == [c.x, c.y + BOX_HEIGHT / 2]
    through = [y for x, y in zip(numbers[::2], numbers[1::2], strict=True) if b.x <= x <= b.x + 1]
    assert through and all(not b.y < y < b.y + BOX_HEIGHT for y in through)


def test_no_box_covers_another_and_all_are_inside() -> None:
    inputs = {f"n{number}": [f"n{number // 3}"] for number in range(1, 40)} | {"n0": []}
    drawn = picture(inputs)

    assert len(drawn.boxes) == 40
    for one, other in combinations(drawn.boxes.values(), 2):
        assert abs(one.x - other.x) >= BOX_WIDTH or abs(one.y - other.y) >= BOX_HEIGHT
    for box in drawn.boxes.values():
        assert 0 <= box.x <= drawn.width - BOX_WIDTH and 0 <= box.y <= drawn.height - BOX_HEIGHT


def test_circles_unknown_inputs_and_nothing_at_all() -> None:
    assert len(picture({"a": ["b"], "b": ["a"], "c": ["c"]}).boxes) == 3
    assert picture({"a": ["elsewhere"]}).lines == []
    assert picture({}).boxes == {}


def test_a_long_chain() -> None:
    chain = {f"n{number}": [f"n{number + 1}"] for number in range(2000)} | {"n2000": []}
    boxes = picture(chain).boxes

    assert boxes["n2000"].x < boxes["n0"].x
