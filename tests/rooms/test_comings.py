"""Who is away for a moment has not been away, as others see it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from server.protocol.commands import Members
from server.protocol.events import Ok, Presence
from server.protocol.objects import Member, User
from server.rooms.announcing import GRACE_SECONDS
from server.rooms.comings import Comings
from server.rooms.effects import Announce, Consult, Effect, FanOut
from server.store.messages import Done, MembersPage
from tests.rooms.scene import ROOM, Scene, answers, events_of, of

GRACE = 15.0


def told(effects: list[Effect]) -> list[tuple[str, str]]:
    events = [event for fan_out in of(FanOut, effects) for event in events_of(fan_out)]
    return [(event.user, event.status) for event in events if isinstance(event, Presence)]


def statuses(scene: Scene) -> dict[str | None, str | None]:
    """As somebody is told who asks for the members."""
    [asked] = of(Consult, scene.says("ann", Members(room=ROOM)))
    listed = tuple(
        Member(user=User(user=f"u_{name}", name=name), role="member", joined_at="") for name in ("ann", "bob")
    )
    [answer] = answers(scene.room.done(Done(asked.question.ref, MembersPage(ROOM, listed, None)), scene.now))
    assert isinstance(answer, Ok)
    return {member.user.name: member.user.status for member in answer.members or ()}


def test_who_comes_back_within_the_grace_was_never_away() -> None:
    scene = Scene("ann", "bob", grace=GRACE)
    scene.room.ended(scene.sessions["bob"])
    assert statuses(scene)["bob"] == "online", "nobody has looked yet"
    effects = scene.beat()
    assert (told(effects), [wake.seconds for wake in of(Announce, effects)]) == ([], [GRACE])
    scene.beat()
    assert not scene.is_restless(), "it does not look again and again meanwhile"
    assert statuses(scene)["bob"] == "online"
    scene.attach("bob")
    assert told(scene.beat()) == []
    scene.now += GRACE
    assert told(scene.room.announce(scene.now)) == []


def test_who_stays_away_is_told_of_when_the_grace_is_over() -> None:
    scene = Scene("ann", "bob", "eve", grace=GRACE)
    scene.room.ended(scene.sessions["bob"])
    scene.beat()
    scene.room.ended(scene.sessions["eve"])
    assert of(Announce, scene.beat()) == [], "it will be woken anyway"
    scene.now += GRACE - 1.0
    effects = scene.room.announce(scene.now)
    assert told(effects) == [("u_bob", "offline")]
    assert [wake.seconds for wake in of(Announce, effects)] == [1.0]
    assert statuses(scene)["bob"] == "offline"
    scene.now += 1.0
    assert told(scene.room.announce(scene.now)) == [("u_eve", "offline")]
    scene.attach("bob")
    assert told(scene.beat()) == [("u_bob", "online")], "coming is told at once"


def test_a_crowd_whose_grace_is_over_waits_for_the_turns_of_its_rooms() -> None:
    scene = Scene("ann", "bob", grace=GRACE)
    scene.room.ended(scene.sessions["bob"])
    scene.beat()
    scene.now += GRACE
    for _ in range(1_000):
        scene.room._announcing.wait(scene.now)
    effects = scene.room.announce(scene.now)
    assert (told(effects), len(of(Announce, effects))) == ([], 1)
    assert told(scene.room.announce(scene.now + 5.0)) == [("u_bob", "offline")]


def test_of_who_left_the_room_nothing_else_is_told() -> None:
    comings = Comings()
    comings.moves("bob", was_here=True)
    assert comings.look(lambda user: False, 0.0, GRACE) == ([], [])
    comings.forget("bob")
    assert not comings


def test_the_grace_is_that_of_the_protocol() -> None:
    assert GRACE_SECONDS == GRACE


MOVES = st.lists(st.tuples(st.sampled_from(["ann", "bob"]), st.floats(0.1, 20.0)), max_size=40)


@given(MOVES)
def test_what_was_told_is_what_everybody_is_shown(moves: list[tuple[str, float]]) -> None:
    """Comings and goings at any time: whoever was told everything, and who asks only now, think the same."""
    comings, here, known, now = Comings(), set[str](), set[str](), 0.0
    for user, seconds in moves:
        comings.moves(user, was_here=user in here)
        here ^= {user}
        now += seconds
        came, went = comings.look(here.__contains__, now, GRACE)
        known = (known | set(came)) - set(went)
        assert known == {one for one in ("ann", "bob") if one in here or comings.counts_as_here(one)}
    came, went = comings.look(here.__contains__, now + GRACE, GRACE)
    assert (known | set(came)) - set(went) == here
