"""Slices: everybody gets everything, in order, and never too many at once."""

from __future__ import annotations

from typing import cast

from hypothesis import given
from hypothesis import strategies as st

from server.protocol.replies import Ok
from server.rooms.effects import FanOut, InTurn
from server.rooms.fan_out import SLICE, FanOutQueue
from server.rooms.messages import Answer, Passing
from tests.rooms.scene import key

PEOPLE = [key(f"s{n}") for n in range(3 * SLICE)]


@given(st.lists(st.integers(0, 3 * SLICE), max_size=6))
def test_everybody_gets_everything_in_order(sizes: list[int]) -> None:
    queue = FanOutQueue()
    messages = [Passing("r", []) for _ in sizes]
    for size, message in zip(sizes, messages, strict=True):
        queue.add(FanOut(message, tuple(PEOPLE[:size])))
    heard: dict[object, list[object]] = {person: [] for person in PEOPLE}
    while queue:
        parts = cast("list[FanOut]", list(queue.next_slice()))
        assert sum(len(part.to) for part in parts) <= SLICE
        for part in parts:
            for person in part.to:
                heard[person].append(part.message)
    for number, person in enumerate(PEOPLE):
        assert heard[person] == [m for size, m in zip(sizes, messages, strict=True) if number < size]


def test_what_has_its_turn_waits_for_what_is_going_out() -> None:
    queue = FanOutQueue()
    message = Passing("r", [])
    in_turn = InTurn(Answer(1, Ok()), PEOPLE[0])
    queue.add(FanOut(message, tuple(PEOPLE[: SLICE + 1])))
    queue.add(in_turn)
    assert [type(part) for part in queue.next_slice()] == [FanOut]
    assert list(queue.next_slice()) == [FanOut(message, (PEOPLE[SLICE],)), in_turn]
    assert not queue
