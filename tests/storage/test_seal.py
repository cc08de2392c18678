"""A sealed file gives the value back, or it is refused."""

from __future__ import annotations

import json

import pytest

from etl_framework.storage.seal import sealed, unsealed

VALUES = [{}, {"a": [1, "ö", None]}, {"a": {"digest": "0" * 16}}, {"a": '"digest": "0"}'}]


@pytest.mark.parametrize("value", VALUES, ids=str)
@pytest.mark.parametrize("indent", [None, 1])
def test_what_was_sealed_comes_back(value: dict[str, object], indent: int | None) -> None:
    data = sealed(value, indent=indent)

    assert unsealed(data) == value
    assert list(json.loads(data)) == [*value, "digest"]


def test_every_byte_counts() -> None:
    data = sealed({"rule": "parse", "values": {"a": "1"}})

    for place in range(len(data)):
        for changed in (
            data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :],
            data[:place],
            data[:place] + b"\n" + data[place:],
        ):
            with pytest.raises(ValueError, match="digest"):
                unsealed(changed)


@pytest.mark.parametrize("data", [b"", b"{}", b"\x00\xff", b"[" * 100_000, b"<html></html>"])
def test_what_something_else_wrote_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="digest"):
        unsealed(data)
