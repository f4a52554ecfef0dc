"""A room that many wait for looks at what they said a portion at a time, and keeps the order."""

from __future__ import annotations

from itertools import count

from actors import Address
from server.protocol.attention_commands import Read
from server.protocol.replies import Ok
from server.relays.messages import Admit, NotSubscribed, Subscribe, Subscribed
from server.rooms.effects import Effect, GoOn, InTurn, Reply, Rest
from server.rooms.messages import Answer, Attach, Attached
from server.rooms.opening import PORTION, Applicant
from server.rooms.room import Room
from server.store.log_messages import Lost
from tests.rooms.scene import ROOM, Scene, answers, key, of, refusals

RELAYS = [key(f"relay {number}") for number in range(3)]
MANY = tuple(f"u_{number}" for number in range(PORTION))


def applicant(relay: Address) -> Applicant:
    return Applicant(Subscribe(1, relay, -1, MANY), 5)


def subscribed(effects: list[Effect]) -> list[Address]:
    return [effect.to for effect in of(InTurn, effects) if isinstance(effect.message, Subscribed)]  # type: ignore[misc]


def opened_for_many() -> tuple[Scene, list[Effect]]:
    """Three relays wait, each for as many as a portion has, and what the room says at first."""
    scene = Scene("ann")
    room = Room(ROOM, key("room"), 1, count(1))
    began = room.started(0.0)
    for relay in RELAYS:
        assert room.subscribe(applicant(relay)) == []
    assert room.attach(Attach(7, scene.sessions["ann"], "u_ann")) == []
    scene.room, scene.lineage = room, 0
    return scene, scene.answer_opening(began)


def test_one_portion_goes_before_others_have_their_turn_and_what_comes_meanwhile_goes_behind() -> None:
    scene, effects = opened_for_many()
    assert subscribed(effects) == RELAYS[:1]
    assert effects[-1] == GoOn()
    assert scene.room.restless
    read = scene.request("ann", Read(room=ROOM, seq=1))
    assert scene.room.request(read, scene.now) == []
    assert scene.room.admit(Admit(2, 9, ("u_ann",))) == []
    assert subscribed(scene.room.go_on(scene.now)) == RELAYS[1:2]
    assert subscribed(scene.room.go_on(scene.now)) == RELAYS[2:]
    last = scene.room.go_on(scene.now)
    assert [type(one.message) for one in last if isinstance(one, Reply | InTurn)][:2] == [Attached, Answer]
    assert not of(GoOn, last)
    assert scene.room.go_on(scene.now) == []


def test_posts_are_stored_in_the_order_in_which_they_came_whether_or_not_it_was_still_busy() -> None:
    scene, _ = opened_for_many()
    assert scene.posts("ann", "first") == []
    effects = [effect for _ in range(3) for effect in scene.room.go_on(scene.now)]
    effects += scene.posts("ann", "second")
    assert [append.draft.nonce for append in scene.appends(effects)] == ["first", "second"]
    assert not refusals(effects)


def test_a_room_that_opens_again_meanwhile_keeps_what_it_has_not_looked_at() -> None:
    scene = Scene("ann")
    [append] = scene.appends(scene.posts("ann", "lost"))
    room = scene.room
    effects = scene.told(Lost(append.ref))
    for relay in RELAYS[:2]:
        assert room.subscribe(applicant(relay)) == []
    effects = scene.answer_opening(effects)
    assert subscribed(effects) == RELAYS[:1]
    assert subscribed(room.go_on(scene.now)) == RELAYS[1:2]


def test_a_room_that_is_handed_over_meanwhile_leaves_when_everybody_has_an_answer() -> None:
    scene, _ = opened_for_many()
    read = scene.request("ann", Read(room=ROOM, seq=1))
    assert scene.room.request(read, scene.now) == []
    assert not of(Rest, scene.room.hand_over(scene.now))
    last = [effect for _ in range(3) for effect in scene.room.go_on(scene.now)]
    assert not subscribed(last), "they find the next owner"
    assert not any(isinstance(answer, Ok) for answer in answers(last))
    assert of(Rest, last)
    assert not [one for one in of(Reply, last) if isinstance(one.message, NotSubscribed)]
