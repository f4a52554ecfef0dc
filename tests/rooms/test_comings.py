"""Who is away for a moment has not been away, as others see it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from server.protocol.events import Presence
from server.protocol.objects import Member, User
from server.protocol.replies import Ok
from server.protocol.room_commands import Members
from server.protocol.showing import HIDDEN, PLAIN, Shown
from server.rooms.announcing import GRACE_SECONDS
from server.rooms.comings import Comings
from server.rooms.effects import Announce, Consult, Effect, FanOut
from server.rooms.messages import Appears, Attach
from server.store.questions import Done
from server.store.room_messages import MembersPage
from tests.rooms.scene import ROOM, Scene, answers, events_of, key, of

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
    comings.moves("bob", PLAIN, was_here=True)
    assert comings.look(lambda user: None, 0.0, GRACE) == []
    comings.forget("bob")
    assert not comings


def test_the_grace_is_that_of_the_protocol() -> None:
    assert GRACE_SECONDS == GRACE


BUSY = Shown("busy", "in a meeting")
MOVES = st.lists(
    st.tuples(st.sampled_from(["ann", "bob"]), st.sampled_from([None, PLAIN, BUSY]), st.floats(0.1, 20.0)), max_size=40
)


@given(MOVES)
def test_what_was_told_is_what_everybody_is_shown(moves: list[tuple[str, Shown | None, float]]) -> None:
    """Comings, goings and other looks at any time: whoever was told everything, and who asks only now, see the same."""
    comings, looks, known, now = Comings(), dict[str, Shown](), dict[str, Shown](), 0.0
    for user, shown, seconds in moves:
        comings.moves(user, looks.get(user), was_here=user in looks)
        looks.pop(user, None)
        if shown is not None:
            looks[user] = shown
        now += seconds
        _hears(known, comings.look(looks.get, now, GRACE))
        assert known == {
            one: seen for one in ("ann", "bob") if (seen := looks.get(one) or comings.still_shown(one)) is not None
        }
    _hears(known, comings.look(looks.get, now + GRACE, GRACE))
    assert known == looks


def _hears(known: dict[str, Shown], told: list[tuple[str, Shown | None]]) -> None:
    for user, shown in told:
        known.pop(user, None)
        if shown is not None:
            known[user] = shown


def test_who_is_invisible_comes_and_goes_without_anybody_knowing() -> None:
    scene = Scene("ann", grace=GRACE)
    record = scene.record()
    scene.room._state.members["u_bob"] = record.members["u_ann"]  # type: ignore[union-attr]
    bob = key("bob")
    scene.room.attach(Attach(9, bob, "u_bob", shown=HIDDEN))
    assert told(scene.beat()) == []
    assert statuses(scene)["bob"] == "offline"
    scene.room.ended(bob)
    scene.beat()
    scene.now += GRACE
    assert told(scene.room.announce(scene.now)) == []


def test_who_becomes_invisible_goes_as_everybody_does() -> None:
    scene = Scene("ann", "bob", grace=GRACE)
    scene.room.appears(Appears("u_bob", HIDDEN))
    assert told(scene.beat()) == []
    scene.now += GRACE
    assert told(scene.room.announce(scene.now)) == [("u_bob", "offline")]
    assert statuses(scene)["bob"] == "offline"
    scene.room.appears(Appears("u_bob", PLAIN))
    assert told(scene.beat()) == [("u_bob", "online")]


def test_who_says_something_of_themselves_is_told_of_once() -> None:
    scene = Scene("ann", "bob", grace=GRACE)
    scene.room.appears(Appears("u_bob", Shown("away")))
    scene.room.appears(Appears("u_bob", BUSY))
    [fan_out] = of(FanOut, scene.beat())
    assert events_of(fan_out) == [Presence(user="u_bob", status="busy", text="in a meeting")]
    assert statuses(scene)["bob"] == "busy"
    scene.room.appears(Appears("u_bob", BUSY))
    assert told(scene.beat()) == []
    scene.room.ended(scene.sessions["bob"])
    scene.beat()
    assert statuses(scene)["bob"] == "busy", "as long as nobody was told"
    scene.room.attach(Attach(9, scene.sessions["bob"], "u_bob", shown=BUSY))
    assert told(scene.beat()) == []
    scene.room.appears(Appears("u_zoe", BUSY))
    assert told(scene.beat()) == [], "who is not here looks like nothing"
