"""How many relays ask at once, who goes next, and that nobody is forgotten."""

from __future__ import annotations

from collections import deque

from hypothesis import given
from hypothesis import strategies as st

from actors import Address
from server.relays.window import AT_FIRST, LATE_SECONDS, NARROWEST, WIDEST, Windows
from tests.rooms.scene import key

RELAYS = [key(f"relay {n}") for n in range(6)]
NODES = ["a", "b"]
NOW = 100.0


def test_so_many_ask_and_each_that_is_answered_lets_the_next_one() -> None:
    windows = _Steady(2)
    first, second, third, fourth, large, _ = RELAYS
    assert [windows.enter(relay, "a") for relay in (first, second, third, fourth)] == [True, True, False, False]
    assert not windows.enter(third, "a"), "it has not come to its turn by asking again"
    assert not windows.enter(large, "a", is_urgent=True)
    assert windows.enter(first, "a"), "it has asked, and keeps its place"
    assert len(windows) == 5
    assert windows.leave(first) == [large]
    assert windows.enter(large, "a")
    assert windows.leave(third) == [], "it waited, and wants nothing any more"
    assert windows.leave(large) == [fourth]
    assert [windows.leave(relay) for relay in (second, fourth, fourth)] == [[], [], []]
    assert not windows


def test_who_becomes_large_while_it_waits_goes_before_the_others() -> None:
    windows = _Steady(1)
    first, second, third, *_ = RELAYS
    assert [windows.enter(relay, "a") for relay in (first, second, third)] == [True, False, False]
    assert not windows.enter(third, "a", is_urgent=True)
    assert windows.leave(first) == [third]


def test_a_node_that_does_not_answer_keeps_nobody_from_asking_another() -> None:
    windows = _Steady(1)
    first, second, third, *_ = RELAYS
    assert windows.enter(first, "a")
    assert not windows.enter(second, "a")
    assert windows.enter(third, "b")
    assert not windows.enter(second, "b"), "it has found another owner"
    assert windows.leave(first) == []
    assert windows.leave(third) == [second]


class _Crowd:
    """Relays without end, each of which asks node "a" as soon as it may, and is answered after so many seconds."""

    def __init__(self) -> None:
        self.windows = Windows()
        self.asking: deque[Address] = deque()
        self.now = NOW
        for number in range(2_000):
            self._comes(number)

    def _comes(self, number: int) -> None:
        relay = key(f"one of a crowd {number}")
        if self.windows.enter(relay, "a", self.now):
            self.asking.append(relay)

    def are_answered(self, times: int, seconds: float) -> int:
        """So many times all who have asked are; how many have asked then."""
        for _ in range(times):
            self.now += seconds
            for _ in range(len(self.asking)):
                self.asking += self.windows.leave(self.asking.popleft(), self.now, is_answered=True)
        return len(self.asking)


def test_where_answers_come_late_fewer_ask_and_more_again_where_they_come_soon() -> None:
    crowd = _Crowd()
    assert len(crowd.asking) == AT_FIRST
    assert crowd.are_answered(1, LATE_SECONDS * 2) == AT_FIRST / 2
    assert crowd.are_answered(5, LATE_SECONDS * 2) == NARROWEST
    narrow = crowd.are_answered(1, LATE_SECONDS / 2)
    assert NARROWEST < narrow < 2 * NARROWEST, "a little at a time"
    assert crowd.are_answered(4, LATE_SECONDS / 2) > narrow


def test_it_does_not_grow_for_ever() -> None:
    crowd = _Crowd()
    assert max(crowd.are_answered(1, 0.01) for _ in range(9)) == WIDEST


def test_an_end_without_an_answer_says_nothing_of_how_long_answers_take() -> None:
    windows = Windows(1.0)
    first, second, third, *_ = RELAYS
    assert windows.enter(first, "a", NOW)
    assert not windows.enter(second, "a", NOW)
    assert not windows.enter(third, "a", NOW)
    assert windows.leave(first, NOW + 60.0, is_answered=False) == [second], "and not all that a wider one has room for"


def test_whoever_asks_a_second_time_is_waited_for_from_then_on() -> None:
    windows = Windows(float(NARROWEST + 1))
    first, *_ = RELAYS
    assert windows.enter(first, "a", NOW)
    assert windows.enter(first, "a", NOW + 60.0)
    for number in range(NARROWEST + 2):
        windows.enter(key(f"other {number}"), "a", NOW + 60.0)
    assert len(windows.leave(first, NOW + 60.1, is_answered=True)) == 2, "a late answer would have let one go"


steps = st.lists(
    st.tuples(st.sampled_from(RELAYS), st.one_of(st.none(), st.tuples(st.sampled_from(NODES), st.booleans()))),
    max_size=60,
)


@given(steps, st.integers(1, 3))
def test_a_place_is_never_empty_while_somebody_waits(
    steps: list[tuple[Address, tuple[str, bool] | None]], width: int
) -> None:
    windows = _Steady(width)
    asking: dict[Address, str] = {}
    waiting: dict[Address, str] = {}
    for relay, step in steps:
        if step is None:
            node = asking.pop(relay, None)
            waiting.pop(relay, None)
            successors = windows.leave(relay)
            assert bool(successors) is (node is not None and node in waiting.values())
            for successor in successors:
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
    to_go = [*RELAYS]
    while to_go:
        to_go += windows.leave(to_go.pop())
    assert not windows


class _Steady:
    """Windows of which nobody is answered, so that none becomes wider or narrower."""

    def __init__(self, width: int) -> None:
        self._windows = Windows(width)

    def __len__(self) -> int:
        return len(self._windows)

    def enter(self, relay: Address, node: str, *, is_urgent: bool = False) -> bool:
        return self._windows.enter(relay, node, NOW, is_urgent=is_urgent)

    def leave(self, relay: Address) -> list[Address]:
        return self._windows.leave(relay, NOW, is_answered=False)
