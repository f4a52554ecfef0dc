"""The rules of a link, against a network that loses, delays, repeats and reorders.

All arrives once and in order, or both sides learn that it has not.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field, replace
from itertools import count
from math import inf

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.distribution.link import RESERVED, Link, LinkLimits, Phase
from actors.distribution.packets import Kind, Packet, decoded

LIMITS = LinkLimits(window=1_000, packet=100, time_out=2.0, acknowledge=0.2, retry=0.02)


@dataclass
class Told:
    """What one side has told: the number of the era it was told in. An era ends when a session is lost."""

    era: int
    arrived_in: int | None = None
    """The era of the other side in which it arrived there."""


@dataclass
class Side:
    """One node: its link, and what has become of what it told."""

    link: Link
    told: list[Told] = field(default_factory=list)
    arrived: list[int] = field(default_factory=list)
    era: int = 0

    def lost(self, why: str | None) -> None:
        """The link says so."""
        self.era += why is not None


class World:
    """Two nodes and the packets between them."""

    def __init__(self, limits: LinkLimits = LIMITS) -> None:
        sessions = count(1_000)
        self.sides = (Side(Link(limits, sessions)), Side(Link(limits, sessions)))
        self.packets: tuple[deque[bytes], deque[bytes]] = (deque(), deque())
        """On their way to the one side, and to the other."""
        self.kept: tuple[list[bytes], list[bytes]] = ([], [])
        """Copies of packets that come once more, much later."""
        self.now = 0.0
        for side in self.sides:
            side.link.open(self.now)

    def tell(self, who: int, size: int = 10, reserved: bool = False) -> bool:
        """Tell the other side something."""
        side = self.sides[who]
        envelope = len(side.told).to_bytes(4, "big").ljust(size, b".")
        taken = side.link.take(envelope, self.now, reserved)
        if taken:
            side.told.append(Told(side.era))
        return taken

    def flush(self, who: int, most: int = 1_000) -> None:
        """Its turn: look at the clock, and send what there is."""
        side = self.sides[who]
        side.lost(side.link.look(self.now))
        for _ in range(most):
            packet = side.link.packet(self.now)
            if packet is None:
                return
            side.link.sent(packet, self.now)
            self.packets[1 - who].append(packet.encoded())

    def deliver(self, to: int, which: int = 0, again: bool = False) -> None:
        """A packet comes."""
        waiting = self.packets[to]
        if waiting:
            data = waiting[which % len(waiting)]
            if not again:
                waiting.remove(data)
            self.hand_over(to, decoded(data))

    def hand_over(self, to: int, packet: Packet) -> None:
        """This packet comes."""
        side, other = self.sides[to], self.sides[1 - to]
        outcome = side.link.received(packet, self.now)
        side.lost(outcome.lost)
        for envelope in outcome.envelopes:
            number = int.from_bytes(envelope[:4], "big")
            side.arrived.append(number)
            assert other.told[number].arrived_in is None, "it came twice"
            other.told[number].arrived_in = side.era

    def settle(self) -> None:
        """From now on the network does no harm: until nothing is to be done."""
        for side in self.sides:
            side.link.open(self.now)
        for _ in range(300):
            for who in (0, 1):
                self.flush(who)
            for who in (0, 1):
                while self.packets[who]:
                    self.deliver(who)
            due = min(side.link.due for side in self.sides)
            if due == inf:
                return
            self.now = max(self.now, due)
        raise AssertionError("it never comes to rest")

    def check(self) -> None:
        """What must hold at rest."""
        for who, side in enumerate(self.sides):
            other = self.sides[1 - who]
            assert side.link.phase is Phase.UP
            assert side.link.outstanding == 0
            assert other.arrived == sorted(other.arrived), "out of order"
            for era in range(side.era + 1):
                arrived = [told.arrived_in is not None for told in side.told if told.era == era]
                assert arrived == sorted(arrived, reverse=True), "something is missing in the middle"
            for told in side.told:
                here = told.era < side.era
                if told.arrived_in is None:
                    assert here, "it is missing, and its teller does not know"
                else:
                    there = told.arrived_in < other.era
                    assert here == there, "one side knows of the reset, and the other does not"


WHO = st.integers(0, 1)
WHICH = st.integers(0, 3)
STEPS = st.one_of(
    st.tuples(st.just("say"), WHO, st.integers(1, 3)),
    st.tuples(st.just("say"), WHO, st.integers(1, 3)),
    st.tuples(st.just("flush"), WHO, st.just(0)),
    st.tuples(st.just("talk"), WHO, st.just(0)),
    st.tuples(st.just("deliver"), WHO, WHICH),
    st.tuples(st.just("deliver"), WHO, WHICH),
    st.tuples(st.just("again"), WHO, WHICH),
    st.tuples(st.just("keep"), WHO, WHICH),
    st.tuples(st.just("drop"), WHO, WHICH),
    st.tuples(st.just("wait"), WHO, st.sampled_from([1, 10, 30, 120])),
    st.tuples(st.just("close"), WHO, st.just(0)),
    st.tuples(st.just("open"), WHO, st.just(0)),
)


def step(world: World, what: str, who: int, number: int) -> None:
    """One thing that happens."""
    side, packets = world.sides[who], world.packets[who]
    match what:
        case "say":
            for _ in range(number):
                world.tell(who, 40)
            world.flush(who)
        case "flush":
            world.flush(who)
        case "talk":
            for to in (1 - who, who, 1 - who):
                world.flush(1 - to)
                while world.packets[to]:
                    world.deliver(to)
        case "deliver":
            world.deliver(who, number)
        case "again":
            world.deliver(who, number, again=True)
        case "keep" if packets:
            world.kept[who].append(packets[number % len(packets)])
        case "drop" if packets:
            packets.remove(packets[number % len(packets)])
        case "wait":
            world.now += number / 50
        case "close":
            side.lost(side.link.close("down"))
        case "open":
            side.link.open(world.now)


@settings(max_examples=500, deadline=None)
@given(st.booleans(), st.lists(STEPS, min_size=3, max_size=40))
def test_all_arrives_once_in_order_or_both_sides_know(fresh: bool, steps: list[tuple[str, int, int]]) -> None:
    world = World()
    if not fresh:
        world.settle()
    for what, who, number in steps:
        step(world, what, who, number)
    world.settle()
    world.check()
    for who, kept in enumerate(world.kept):
        for data in kept:
            world.hand_over(who, decoded(data))
    world.settle()
    world.check()


@pytest.fixture
def world() -> World:
    """Two that are linked, and silent."""
    world = World()
    world.settle()
    return world


def lose_all(world: World) -> None:
    """Whatever is under way is lost."""
    for packets in world.packets:
        packets.clear()


def test_both_come_up_by_three_packets() -> None:
    world = World()
    one, other = world.sides
    world.flush(0)
    world.deliver(1)
    world.flush(1)
    world.deliver(0)
    assert one.link.phase is Phase.UP
    world.flush(0)
    world.deliver(1)
    assert other.link.phase is Phase.UP


def test_an_idle_link_has_nothing_to_do(world: World) -> None:
    assert [side.link.due for side in world.sides] == [inf, inf]
    world.now += 3_600.0
    for who in (0, 1):
        world.flush(who)
    assert not any(world.packets)
    assert [side.era for side in world.sides] == [0, 0]


def test_what_is_told_before_the_session_stands_goes_out_when_it_does() -> None:
    world = World()
    assert world.tell(0)
    world.settle()
    assert world.sides[1].arrived == [0]


def test_one_acknowledgement_ends_an_exchange(world: World) -> None:
    world.tell(0)
    world.flush(0)
    world.deliver(1)
    world.flush(1)
    assert not world.packets[0], "it waits for company"
    world.now = world.sides[1].link.due
    world.flush(1)
    assert len(world.packets[0]) == 1
    world.deliver(0)
    assert world.sides[0].link.outstanding == 0
    assert [side.link.due for side in world.sides] == [inf, inf]


def test_an_acknowledgement_goes_with_what_is_told_back(world: World) -> None:
    world.tell(0)
    world.flush(0)
    world.deliver(1)
    world.tell(1)
    world.flush(1)
    world.deliver(0)
    assert world.sides[0].link.outstanding == 0
    assert world.sides[1].link.outstanding == 10


def test_a_full_window_refuses_until_it_is_acknowledged(world: World) -> None:
    assert all(world.tell(0, 100) for _ in range(10))
    assert not world.tell(0)
    world.settle()
    assert world.tell(0)


def test_a_quarter_of_the_window_is_acknowledged_at_once(world: World) -> None:
    for _ in range(3):
        world.tell(0, 100)
    world.flush(0)
    while world.packets[1]:
        world.deliver(1)
    world.flush(1)
    world.deliver(0)
    assert world.sides[0].link.outstanding == 0


def test_what_is_larger_than_the_window_goes_alone(world: World) -> None:
    assert world.tell(0, 5_000)
    assert not world.tell(0)
    world.settle()
    assert world.sides[1].arrived == [0]


def test_what_has_its_place_reserved_goes_beyond_the_window_but_not_for_ever(world: World) -> None:
    for _ in range(10 * RESERVED):
        assert world.tell(0, 100, reserved=True)
    assert not world.tell(0, 100, reserved=True)
    world.settle()
    world.check()
    assert [side.era for side in world.sides] == [1, 1]


def test_the_last_of_a_burst_that_is_lost_is_missed_by_both(world: World) -> None:
    world.tell(0)
    world.flush(0)
    lose_all(world)
    world.settle()
    assert world.now == pytest.approx(LIMITS.time_out, abs=0.5)
    assert [side.era for side in world.sides] == [1, 1]


def test_who_is_told_to_waits_longer_for_it(world: World) -> None:
    for side in world.sides:
        side.link.patience = 5.0
    world.tell(0)
    world.flush(0)
    world.packets[1].clear()
    world.settle()
    assert world.now == pytest.approx(5 * LIMITS.time_out, abs=0.5)
    assert [side.era for side in world.sides] == [1, 1]


def test_slow_is_not_lost(world: World) -> None:
    """A packet a second is taken, and there are many: what is told last is acknowledged long after the time-out."""
    for _ in range(8):
        world.tell(0, 100)
    world.flush(0)
    while world.packets[1]:
        world.now += LIMITS.time_out / 2
        for who in (1, 0):
            world.flush(who)
            world.deliver(1 - who)
        world.flush(1)
        world.deliver(0)
    assert world.now >= 3 * LIMITS.time_out
    world.settle()
    world.check()
    assert [side.era for side in world.sides] == [0, 0]


def test_a_gap_is_no_secret(world: World) -> None:
    world.tell(0)
    world.flush(0)
    lose_all(world)
    world.tell(0)
    world.settle()
    assert [side.era for side in world.sides] == [1, 1]
    assert world.sides[1].arrived == []
    assert world.now < LIMITS.time_out, "it was seen at once"


def test_what_comes_twice_counts_once(world: World) -> None:
    world.tell(0)
    world.flush(0)
    world.deliver(1, again=True)
    world.deliver(1)
    world.settle()
    assert world.sides[1].arrived == [0]
    assert [side.era for side in world.sides] == [0, 0]


def test_a_packet_of_a_former_session_counts_for_nothing(world: World) -> None:
    world.tell(0)
    world.flush(0)
    old = decoded(world.packets[1][0])
    lose_all(world)
    world.settle()
    assert world.sides[1].era == 1
    world.hand_over(1, old)
    world.settle()
    assert world.sides[1].arrived == []
    assert [side.era for side in world.sides] == [1, 1], "and harms nobody"


def test_a_greeting_of_a_former_session_harms_nobody(world: World) -> None:
    world.hand_over(1, Packet(Kind.GREETING, 77, 0))
    world.settle()
    assert [side.era for side in world.sides] == [0, 0]


def test_a_greeting_of_a_former_session_does_not_keep_the_other_side_in_the_dark(world: World) -> None:
    """Who believed it would have a session with nobody, and rest; the other would rest in the one that is over."""
    world.tell(0)
    world.settle()
    world.tell(0)
    world.flush(0)
    world.now += LIMITS.time_out
    world.flush(0)
    lose_all(world)
    assert world.sides[0].era == 1
    world.hand_over(0, Packet(Kind.GREETING, 77, 0))
    for who in (0, 1):
        world.flush(who)
        while world.packets[1]:
            world.deliver(1)
    lose_all(world)
    world.settle()
    world.check()


def test_a_session_has_one_other_side(world: World) -> None:
    world.tell(1)
    world.flush(1)
    packet = decoded(world.packets[0][0])
    world.hand_over(0, replace(packet, source=77))
    assert world.sides[0].arrived == []
    assert world.sides[0].era == 1


def test_an_acknowledgement_of_what_was_never_sent_resets(world: World) -> None:
    world.tell(0)
    world.flush(0)
    packet = decoded(world.packets[1][0])
    world.hand_over(1, replace(packet, acknowledged=7))
    assert world.sides[1].era == 1


def test_one_that_was_down_for_one_side_only_is_known_to_both_when_it_is_back(world: World) -> None:
    world.tell(0)
    world.settle()
    side = world.sides[0]
    side.lost(side.link.close("down"))
    assert not world.tell(0)
    world.tell(1)
    world.flush(1)
    lose_all(world)
    world.settle()
    world.check()
    assert [side.era for side in world.sides] == [1, 1]


def test_who_does_not_answer_is_told_nothing_more_until_it_does(world: World) -> None:
    world.tell(0)
    for _ in range(40):
        world.flush(0)
        lose_all(world)
        world.now += 0.1
    assert not world.tell(0), "it fails at once, not after its time"
    world.settle()
    assert world.tell(0)


def test_who_was_late_itself_looks_first_at_what_has_come(world: World) -> None:
    world.tell(0)
    world.flush(0)
    world.deliver(1)
    world.now += LIMITS.acknowledge
    world.flush(1)
    world.now += 60.0
    world.flush(0)
    world.deliver(0)
    world.settle()
    assert [side.era for side in world.sides] == [0, 0]


def test_what_the_transport_does_not_take_is_tried_again(world: World) -> None:
    world.tell(0)
    link = world.sides[0].link
    packet = link.packet(world.now)
    assert packet is not None
    link.refused(world.now)
    assert link.packet(world.now) is None
    assert link.due == pytest.approx(world.now + LIMITS.retry)
    world.settle()
    assert world.sides[1].arrived == [0]


def test_packets_are_filled_and_no_more(world: World) -> None:
    for _ in range(7):
        world.tell(0, 30)
    world.flush(0)
    assert [len(decoded(data).envelopes) for data in world.packets[1]] == [3, 3, 1]
