"""A step's outcome, written and read."""

from __future__ import annotations

import pytest

from etl_framework.storage.outcome import CheckResult, Finished, Outcome
from etl_framework.storage.proof import Proof
from etl_framework.storage.seal import sealed, unsealed

FULL = Outcome(
    counts={"read": 4, "kept": 3, "rejected": 1},
    checks=(CheckResult("unique id", "orders", "warning", 1, 4, "", ({"id": 1},)),),
    files=("extract.orders/data/0.parquet",),
    table="etl_staging.t",
    sources=(("orders/1.csv", "12:abc"),),
    fingerprint="f",
    definition="d",
)


@pytest.mark.parametrize("outcome", [FULL, Outcome()], ids=["with all", "with nothing"])
@pytest.mark.parametrize("tag", ["", "abc"], ids=["in a folder", "in S3"])
def test_what_is_read_is_what_was_written(outcome: Outcome, tag: str) -> None:
    proofs = {"data/0.parquet": Proof(7, 123, tag)}

    read = Finished.read(Finished(outcome, "a1", proofs).written())

    assert read is not None
    assert (read.attempt, dict(read.proofs)) == ("a1", proofs)
    assert Finished(read.outcome).written() == Finished(outcome).written()
    assert (read.outcome.counts, read.outcome.sources) == (outcome.counts, outcome.sources)


@pytest.mark.parametrize("key", ["counts", "checks", "files", "table", "sources", "fingerprint"])
@pytest.mark.parametrize("wrong", [None, 7, "x", [[]], {"a": "b"}], ids=str)
def test_what_something_else_wrote_is_no_outcome_or_one(key: str, wrong: object) -> None:
    """Whatever stands there, it is an outcome with values of its types, or none at all."""
    content = unsealed(Finished(FULL).written())
    content["outcome"][key] = wrong

    read = Finished.read(sealed(content))

    if read is not None:
        assert isinstance(getattr(read.outcome, key), type(getattr(FULL, key)))


@pytest.mark.parametrize("end", range(0, 200, 20))
def test_a_text_that_is_cut_off_is_none(end: int) -> None:
    assert Finished.read(Finished(FULL).written()[:end]) is None


def test_a_result_with_another_byte_is_none() -> None:
    written = Finished(FULL).written()

    for place in range(len(written)):
        changed = written[:place] + bytes([written[place] ^ 1]) + written[place + 1 :]
        assert Finished.read(changed) is None, f"byte {place}"


def test_the_rows_that_a_step_left() -> None:
    assert FULL.kept == 3
    assert Outcome({"rows": 5}).kept == 5
    assert Outcome().kept == 0
