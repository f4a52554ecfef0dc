"""Who is started, told and killed when: decisions over an own clock, without a process."""

from __future__ import annotations

import signal
from collections.abc import Callable
from itertools import count

import pytest

from server.parent.crew import AllServe, Crew, Effect, Failure, Note, Rolled, Start, Tell, Times
from server.parent.place import Role
from server.parent.restarting import BACKOFF, PATIENCE

TERM, INT, KILL = signal.SIGTERM, signal.SIGINT, signal.SIGKILL
TIMES = Times(start=60.0, leave=10.0)
MISTAKE = 5


class Troop:
    """A crew, and the processes that it believes to have."""

    def __init__(self, *roles: Role, at_once: int = 2) -> None:
        self.crew = Crew(roles or (Role.OWNER, Role.GATEWAY, Role.GATEWAY), TIMES, at_once, frozenset({MISTAKE}))
        self.now = 0.0
        self.numbers = count(100)
        self.pids: dict[int, int] = {}
        self.seen: list[Effect] = []

    def do(self, effects: list[Effect]) -> list[Effect]:
        """Start what is to be started; the rest is told to the test."""
        for effect in effects:
            if isinstance(effect, Start):
                self.pids[effect.index] = next(self.numbers)
                self.crew.started(effect.index, self.pids[effect.index], self.now)
        told = [effect for effect in effects if not isinstance(effect, Note)]
        self.seen += told
        return told

    def ready(self, index: int) -> list[Effect]:
        return self.do(self.crew.is_ready(self.pids[index], self.now))

    def ended(self, pid: int, code: int = -9) -> list[Effect]:
        return self.do(self.crew.ended(pid, code, self.now))

    def stop(self, number: signal.Signals = TERM) -> list[Effect]:
        return self.do(self.crew.stop(number, self.now))

    def later(self, seconds: float) -> list[Effect]:
        self.now += seconds
        return self.do(self.crew.pass_time(self.now))

    def all_serve(self) -> Troop:
        self.do(self.crew.begin(self.now))
        for index in (0, 1, 2):
            self.ready(index)
        assert self.crew.is_steady
        return self


@pytest.fixture
def troop() -> Troop:
    return Troop().all_serve()


@pytest.fixture
def heirs() -> Troop:
    """A new program, whose workers are still those of the old one."""
    troop = Troop()
    troop.pids = {0: 1, 1: 2, 2: 3}
    assert troop.do(troop.crew.take_over([(0, 1), (1, 2), (2, 3)], 0.0)) == [Start(1)]
    return troop


# --- starting ----------------------------------------------------------------------------------------------------


def test_one_starts_first_and_then_a_few_at_a_time() -> None:
    troop = Troop(Role.OWNER, *[Role.GATEWAY] * 3)
    assert troop.do(troop.crew.begin(0.0)) == [Start(0)]
    assert troop.ready(0) == [Start(1), Start(2)]
    assert troop.ready(2) == [Start(3)]


def test_it_is_said_once_that_all_serve() -> None:
    troop = Troop().all_serve()
    assert troop.seen.count(AllServe()) == 1
    troop.ended(troop.pids[1])
    troop.later(BACKOFF.first)
    assert troop.ready(1) == []


def test_who_is_not_ready_in_time_is_killed_and_started_again() -> None:
    troop = Troop(Role.OWNER)
    troop.do(troop.crew.begin(0.0))
    assert troop.crew.next_due() == TIMES.start
    assert troop.later(TIMES.start) == [Tell(troop.pids[0], KILL)]
    assert troop.later(1.0) == [], "once is enough"
    assert troop.ended(troop.pids[0]) == []
    assert troop.later(BACKOFF.first) == [Start(0)]


def test_an_operators_mistake_before_anybody_served_ends_all() -> None:
    troop = Troop()
    troop.do(troop.crew.begin(0.0))
    troop.ended(troop.pids[0], MISTAKE)
    assert troop.crew.failure == Failure("", MISTAKE)
    assert troop.crew.is_over


def test_later_the_same_code_is_a_crash_like_any(troop: Troop) -> None:
    troop.ended(troop.pids[1], MISTAKE)
    assert troop.crew.failure is None
    assert troop.later(BACKOFF.first) == [Start(1)]


# --- restarting --------------------------------------------------------------------------------------------------


def test_each_restart_waits_longer_than_the_last(troop: Troop) -> None:
    for attempt in range(1, PATIENCE.restarts + 1):
        assert troop.ended(troop.pids[1]) == []
        assert troop.crew.next_due() == troop.now + BACKOFF.delay(attempt)
        assert troop.later(BACKOFF.delay(attempt)) == [Start(1)]


def test_one_that_ends_again_and_again_ends_all(troop: Troop) -> None:
    for _ in range(PATIENCE.restarts):
        troop.ended(troop.pids[1])
        troop.later(BACKOFF.longest)
    assert troop.now < PATIENCE.seconds
    assert troop.ended(troop.pids[1], 7) == [Tell(troop.pids[2], TERM)]
    assert troop.crew.failure == Failure("worker 1 ended again and again, the last time with exit code 7", 1)


def test_patience_is_with_each_and_comes_back(troop: Troop) -> None:
    for _ in range(PATIENCE.restarts):
        for index in (0, 1, 2):
            troop.ended(troop.pids[index])
        troop.later(BACKOFF.longest)
        for index in (0, 1, 2):
            troop.ready(index)
    troop.later(PATIENCE.seconds)
    troop.ended(troop.pids[1])
    assert troop.crew.failure is None


# --- stopping ----------------------------------------------------------------------------------------------------


def test_gateways_are_told_first_and_owners_when_they_have_left(troop: Troop) -> None:
    assert troop.stop() == [Tell(troop.pids[1], TERM), Tell(troop.pids[2], TERM)]
    assert troop.ended(troop.pids[2], 0) == []
    assert troop.ended(troop.pids[1], 0) == [Tell(troop.pids[0], TERM)]
    troop.ended(troop.pids[0], 0)
    assert troop.crew.is_over
    assert troop.crew.failure is None


def test_an_interrupt_is_told_to_everybody_at_once(troop: Troop) -> None:
    assert troop.stop(INT) == [Tell(troop.pids[index], INT) for index in (0, 1, 2)]


def test_owners_alone_are_told_at_once() -> None:
    troop = Troop(Role.OWNER, Role.OWNER, Role.OWNER).all_serve()
    assert troop.stop() == [Tell(troop.pids[index], TERM) for index in (0, 1, 2)]


def test_nobody_is_told_twice(troop: Troop) -> None:
    troop.stop()
    assert troop.stop() == []


def test_nobody_is_started_any_more(troop: Troop) -> None:
    troop.ended(troop.pids[1])
    troop.stop()
    troop.ended(troop.pids[0])
    assert troop.later(BACKOFF.longest) == []
    troop.ended(troop.pids[2], 0)
    assert troop.crew.is_over


def test_who_does_not_leave_in_time_is_killed(troop: Troop) -> None:
    troop.stop()
    troop.ended(troop.pids[1], 0)
    assert troop.later(TIMES.leave) == [Tell(troop.pids[2], KILL)]
    assert troop.ended(troop.pids[2]) == [Tell(troop.pids[0], TERM)]


# --- rolling -----------------------------------------------------------------------------------------------------


def roll(heirs: Troop, index: int, old: int) -> list[Effect]:
    assert heirs.ready(index) == [Tell(old, TERM)]
    return heirs.ended(old, 0)


def test_workers_are_rolled_one_by_one_and_owners_last(heirs: Troop) -> None:
    assert roll(heirs, 1, old=2) == [Start(2)]
    assert roll(heirs, 2, old=3) == [Start(0)]
    assert roll(heirs, 0, old=1) == [Rolled()]
    assert heirs.crew.is_steady
    assert AllServe() not in heirs.seen, "they always did"


def test_if_a_new_one_does_not_start_the_old_ones_stay(heirs: Troop) -> None:
    roll(heirs, 1, old=2)
    assert heirs.ended(heirs.pids[2], 7) == [Rolled("worker 2 did not start: exit code 7")]
    assert heirs.crew.is_steady
    assert heirs.crew.pids() == [1, heirs.pids[1], 3]
    assert heirs.later(TIMES.start) == []


def test_a_new_one_that_takes_too_long_is_killed_and_the_old_ones_stay(heirs: Troop) -> None:
    assert heirs.later(TIMES.start) == [Tell(heirs.pids[1], KILL)]
    assert heirs.ended(heirs.pids[1]) == [Rolled("worker 1 did not start: SIGKILL")]


def test_an_old_one_that_dies_is_followed_by_the_new_one_that_starts_already(heirs: Troop) -> None:
    assert heirs.ended(2) == []
    assert heirs.ready(1) == [Start(2)]


def test_an_old_one_that_dies_before_its_turn_has_had_it(heirs: Troop) -> None:
    heirs.ended(3)
    heirs.later(BACKOFF.first)
    heirs.ready(2)
    assert roll(heirs, 1, old=2) == [Start(0)]


def test_the_next_waits_until_one_that_died_serves_again(heirs: Troop) -> None:
    heirs.ended(3)
    assert roll(heirs, 1, old=2) == []
    heirs.later(BACKOFF.first)
    assert heirs.ready(2) == [Start(0)]


def test_while_old_ones_serve_nothing_is_given_up(heirs: Troop) -> None:
    heirs.ended(heirs.pids[1])
    heirs.ended(2)
    for _ in range(2 * PATIENCE.restarts):
        assert heirs.later(BACKOFF.longest) == [Start(1)]
        heirs.ended(heirs.pids[1], 7)
    assert heirs.crew.failure is None
    assert heirs.crew.serving() == [(0, 1), (2, 3)]


def test_a_stop_in_the_middle_tells_old_and_new_ones_but_nobody_twice(heirs: Troop) -> None:
    heirs.ready(1)
    assert heirs.stop() == [Tell(heirs.pids[1], TERM), Tell(3, TERM)]
    for pid in (2, heirs.pids[1], 3):
        heirs.ended(pid, 0)
    assert heirs.seen[-1] == Tell(1, TERM)


@pytest.mark.parametrize("event", [lambda troop: troop.stop(), lambda troop: troop.ended(2)])
def test_a_start_that_is_under_way_is_not_asked_for_twice(heirs: Troop, event: Callable[[Troop], list[Effect]]) -> None:
    event(heirs)
    assert Start(1) not in heirs.later(1.0)
