"""When rooms say who came and who went, one beside many others."""

from __future__ import annotations

from server.protocol.events import Presence
from server.rooms.announcing import (
    AT_ONCE_SECONDS,
    LONGEST_SECONDS,
    ROOMS_A_SECOND,
    TOGETHER_SECONDS,
    Announcing,
)
from server.rooms.effects import Announce, Effect, FanOut
from tests.rooms.scene import Scene, events_of, of

MANY = int(ROOMS_A_SECOND * LONGEST_SECONDS * 2)


def presence(effects: list[Effect]) -> list[Presence]:
    events = [event for fan_out in of(FanOut, effects) for event in events_of(fan_out)]
    return [event for event in events if isinstance(event, Presence)]


def test_a_few_rooms_say_it_at_once_and_a_moment_later_others_do() -> None:
    announcing = Announcing()
    for now in (10.0, 11.0):
        assert [announcing.wait(now) for _ in range(ROOMS_A_SECOND)] == [0.0] * ROOMS_A_SECOND


def test_of_many_rooms_each_is_given_its_turn_and_none_waits_for_ever() -> None:
    announcing = Announcing()
    waits = [announcing.wait(10.0) for _ in range(MANY)]
    assert waits == sorted(waits)
    assert max(waits) == LONGEST_SECONDS
    in_a_second = [wait for wait in waits if 5.0 < wait <= 6.0]
    assert abs(len(in_a_second) - ROOMS_A_SECOND) <= 1


def test_rooms_whose_turns_follow_each_other_speak_at_the_same_moment() -> None:
    announcing = Announcing()
    now = 10.07
    turns = [now + announcing.wait(now) for _ in range(5 * ROOMS_A_SECOND)]
    late = [turn for turn in turns if turn > now]
    assert len({round(turn, 6) for turn in late}) <= 5.0 / TOGETHER_SECONDS
    for number, turn in enumerate(turns):
        due = now + number / ROOMS_A_SECOND
        assert turn == now or due - 1e-6 <= turn <= due + TOGETHER_SECONDS + 1e-6


def test_when_the_crowd_is_over_nobody_waits_any_more() -> None:
    announcing = Announcing()
    for _ in range(MANY):
        announcing.wait(10.0)
    assert announcing.wait(10.0 + LONGEST_SECONDS) <= AT_ONCE_SECONDS


class BesideOthers:
    """A room on a node whose other rooms all have something to say."""

    def __init__(self, *names: str) -> None:
        self.scene = Scene(*names)
        for _ in range(MANY):
            self.scene.room._announcing.wait(self.scene.now)

    def goes(self, name: str) -> list[Effect]:
        self.scene.room.ended(self.scene.sessions[name])
        return self.scene.beat()


def test_a_room_that_has_to_wait_for_its_turn_says_it_all_in_one_go_and_does_not_look_meanwhile() -> None:
    crowd = BesideOthers("ann", "bob", "eve")
    effects = crowd.goes("bob")
    [later] = of(Announce, effects)
    assert LONGEST_SECONDS / 2 < later.seconds < LONGEST_SECONDS + TOGETHER_SECONDS
    assert not crowd.scene.is_restless()
    effects = crowd.goes("eve")
    assert (of(Announce, effects), presence(effects)) == ([], [])
    said = presence(crowd.scene.room.announce(crowd.scene.now))
    assert said == [Presence(user=f"u_{name}", status="offline") for name in ("bob", "eve")]
    assert of(Announce, crowd.goes("ann")), "it waits anew"


def test_of_who_is_back_before_that_nothing_is_said() -> None:
    crowd = BesideOthers("ann", "bob")
    crowd.goes("bob")
    crowd.scene.attach("bob")
    assert presence(crowd.scene.room.announce(crowd.scene.now)) == []


def test_a_room_of_which_nobody_is_told_who_is_there_takes_no_turn() -> None:
    scene = Scene("ann", "bob", "eve", kind="channel", small_room=2)
    before = scene.room._announcing.wait(scene.now)
    scene.room.ended(scene.sessions["bob"])
    assert of(Announce, scene.beat()) == []
    assert scene.room._announcing.wait(scene.now) == before == 0.0
