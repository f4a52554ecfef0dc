"""How many relays ask at once, who goes next, and that nobody is forgotten."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from actors import Address
from server.relays.window import Windows
from tests.rooms.scene import key

RELAYS = [key(f"relay {n}") for n in range(6)]
NODES = ["a", "b"]


def test_so_many_ask_and_each_that_is_answered_lets_the_next_one() -> None:
    windows = Windows(2)
    first, second, third, fourth, large, _ = RELAYS
    assert [windows.enter(relay, "a") for relay in (first, second, third, fourth)] == [True, True, False, False]
    assert not windows.enter(third, "a"), "it has not come to its turn by asking again"
    assert not windows.enter(large, "a", is_urgent=True)
    assert windows.enter(first, "a"), "it has asked, and keeps its place"
    assert len(windows) == 5
    assert windows.leave(first) is large
    assert windows.enter(large, "a")
    assert windows.leave(third) is None, "it waited, and wants nothing any more"
    assert windows.leave(large) is fourth
    assert [windows.leave(relay) for relay in (second, fourth, fourth)] == [None, None, None]
    assert not windows


def test_who_becomes_large_while_it_waits_goes_before_the_others() -> None:
    windows = Windows(1)
    first, second, third, *_ = RELAYS
    assert [windows.enter(relay, "a") for relay in (first, second, third)] == [True, False, False]
    assert not windows.enter(third, "a", is_urgent=True)
    assert windows.leave(first) is third


def test_a_node_that_does_not_answer_keeps_nobody_from_asking_another() -> None:
    windows = Windows(1)
    first, second, third, *_ = RELAYS
    assert windows.enter(first, "a")
    assert not windows.enter(second, "a")
    assert windows.enter(third, "b")
    assert not windows.enter(second, "b"), "it has found another owner"
    assert windows.leave(first) is None
    assert windows.leave(third) is second


steps = st.lists(
    st.tuples(st.sampled_from(RELAYS), st.one_of(st.none(), st.tuples(st.sampled_from(NODES), st.booleans()))),
    max_size=60,
)


@given(steps, st.integers(1, 3))
def test_a_place_is_never_empty_while_somebody_waits(
    steps: list[tuple[Address, tuple[str, bool] | None]], width: int
) -> None:
    windows = Windows(width)
    asking: dict[Address, str] = {}
    waiting: dict[Address, str] = {}
    for relay, step in steps:
        if step is None:
            node = asking.pop(relay, None)
            waiting.pop(relay, None)
            successor = windows.leave(relay)
            assert (successor is not None) is (node is not None and node in waiting.values())
            if successor is not None:
                asking[successor] = waiting.pop(successor)
                assert asking[successor] == node
        elif windows.enter(relay, step[0], is_urgent=step[1]):
            waiting.pop(relay, None)
            asking.setdefault(relay, step[0])
        else:
            waiting[relay] = step[0]
        for node in NODES:
            ask, wait = [*asking.values()].count(node), [*waiting.values()].count(node)
            assert ask <= width
            assert ask == width or not wait
        assert len(windows) == len(asking) + len(waiting)
    for relay in RELAYS:
        while relay is not None:
            relay = windows.leave(relay)
    assert not windows
