"""Sums over workers that come and go: they never step back."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.metrics.exposition import Family, Sample, counter, gauge
from server.metrics.merging import merged
from server.operators.ledger import Ledger, Written, settled, to_add
from server.parent.run_directory import RunDirectory

A, B = "0.n_a.admin", "1.n_b.admin"


def counted(count: float) -> list[Family]:
    return [counter("c", "C.", Sample(count)), gauge("g", "G.", Sample(7))]


def total(families: list[Family]) -> float:
    return sum(sample.value for family in families if family.name == "c" for sample in family.samples)  # type: ignore[union-attr]


def test_a_worker_that_is_gone_stays_counted() -> None:
    written = settled(Written(), {A: counted(3), B: counted(4)}, [A, B])
    written = settled(written, {B: counted(5)}, [B])
    assert total(to_add(written, {B: ()})) == 3
    assert total(to_add(settled(written, {B: counted(5)}, [B]), {B: ()})) == 3, "once"


def test_a_worker_that_does_not_answer_stays_counted_until_it_does() -> None:
    written = settled(Written(), {A: counted(3), B: counted(4)}, [A, B])
    written = settled(written, {B: counted(4)}, [A, B])
    assert total(to_add(written, {B: ()})) == 3
    written = settled(written, {A: counted(9), B: counted(4)}, [A, B])
    assert to_add(written, {A: (), B: ()}) == []


def test_what_goes_up_and_down_is_not_kept() -> None:
    written = settled(Written(), {A: counted(3)}, [A])
    assert [family.name for family in to_add(settled(written, {}, []), {})] == ["c"]


@given(st.lists(st.dictionaries(st.sampled_from("abcd"), st.tuples(st.integers(0, 9), st.booleans()), max_size=4)))
def test_the_sum_never_steps_back(looks: list[dict[str, tuple[int, bool]]]) -> None:
    """Whoever lives counts on, answers or does not; who is not named has ended, and its name is not used again."""
    written, sums, counts, ended = Written(), [0.0], dict[str, float](), set[str]()
    for look in looks:
        ended |= counts.keys() - look.keys()
        there = look.keys() - ended
        counts.update({name: counts.get(name, 0) + look[name][0] for name in there})
        now = {name: counted(counts[name]) for name in there if look[name][1]}
        written = settled(written, now, there)
        sums.append(total(merged([*now.items(), ("", to_add(written, now))])))
    assert sums == sorted(sums)


@pytest.mark.parametrize("rest", [b"", b"\x93 this is no ledger"])
def test_a_file_that_is_not_whole_begins_anew(tmp_path: Path, rest: bytes) -> None:
    with closing(RunDirectory(tmp_path)) as run:
        (run.path / "counted").write_bytes(rest)
        assert Ledger(run).settled({A: counted(3)}) == []
        (run.path / A).touch()
        assert total(Ledger(run).settled({})) == 3
