"""In a large room nobody is told who comes and goes, only how many are there."""

from __future__ import annotations

from server.protocol.events import RoomStats
from server.protocol.showing import HIDDEN, PLAIN
from server.rooms.announcing import COUNTED_A_SECOND, GRACE_SECONDS, Announcing
from server.rooms.effects import Announce, Effect, FanOut
from server.rooms.messages import Appears
from tests.rooms.scene import Scene, events_of, of
from tests.rooms.test_relaying import Hall

GRACE = 15.0


def hall(*names: str) -> Scene:
    """A large room in which it was told how many there are."""
    scene = Scene(*names, small_room=2, grace=GRACE)
    scene.now += GRACE
    scene.room.announce(scene.now)
    return scene


def told(effects: list[Effect]) -> list[int | None]:
    events = [event for fan_out in of(FanOut, effects) for event in events_of(fan_out)]
    assert all(isinstance(event, RoomStats) and event.members == 3 for event in events)
    return [event.online for event in events if isinstance(event, RoomStats)]


def test_who_comes_and_goes_is_counted_once_in_a_while() -> None:
    scene = hall("ann", "bob", "eve")
    scene.room.ended(scene.sessions["bob"])
    effects = scene.beat()
    assert (told(effects), [wake.seconds for wake in of(Announce, effects)]) == ([], [GRACE])
    scene.room.ended(scene.sessions["eve"])
    effects = scene.beat()
    assert (told(effects), of(Announce, effects)) == ([], []), "it has been given a turn"
    assert not scene.is_restless()
    assert not scene.room._state.audience.has_news, "nobody is remembered"  # type: ignore[union-attr]
    scene.now += GRACE
    assert told(scene.room.announce(scene.now)) == [1]
    assert told(scene.room.announce(scene.now)) == []
    assert told(scene.beat(GRACE)) == [], "nobody moved"


def test_who_is_invisible_is_not_counted() -> None:
    scene = hall("ann", "bob", "eve")
    scene.room.appears(Appears("u_bob", HIDDEN))
    scene.beat()
    scene.now += GRACE
    assert told(scene.room.announce(scene.now)) == [2]
    scene.room.ended(scene.sessions["bob"])
    scene.beat()
    scene.now += GRACE
    assert told(scene.room.announce(scene.now)) == [2], "who was never seen does not go"
    scene.attach("bob")
    scene.room.appears(Appears("u_bob", PLAIN))
    scene.beat()
    scene.now += GRACE
    assert told(scene.room.announce(scene.now)) == [3]


def test_who_is_on_several_nodes_is_counted_once() -> None:
    room = Hall("ann", "bob", "eve", small_room=2)
    room.subscribed("bob", "zoe")
    room.room.ended(room.sessions["eve"])
    [to_sessions, to_relays] = of(FanOut, room.beat())
    assert told([to_sessions]) == [2]
    assert to_relays.message.events == tuple(to_sessions.message.events)  # type: ignore[union-attr]


def test_all_large_rooms_of_a_node_together_tell_so_many_people_a_second() -> None:
    announcing = Announcing()
    assert announcing.wait_to_count(10.0, 100_000) == GRACE_SECONDS, "the first is told when nobody is just away"
    second = announcing.wait_to_count(10.0, 300)
    assert second == GRACE_SECONDS + 100_000 / COUNTED_A_SECOND
    assert announcing.wait_to_count(10.0, 300) > second
    assert announcing.wait_to_count(10_000.0, 300) == GRACE_SECONDS, "when it is over nobody waits any more"


def test_a_room_that_has_become_small_tells_who_is_there_again() -> None:
    scene = hall("ann", "bob", "eve")
    scene.room.ended(scene.sessions["bob"])
    scene.beat()
    del scene.room._state.members["u_eve"]  # type: ignore[union-attr]
    scene.now += GRACE
    events = [event for fan_out in of(FanOut, scene.room.announce(scene.now)) for event in events_of(fan_out)]
    assert not any(isinstance(event, RoomStats) for event in events)
    assert not scene.is_restless()
