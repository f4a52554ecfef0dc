"""A room that is about to be another node's: what it still does, and how it ends."""

from __future__ import annotations

from itertools import count

from server.protocol.attention_commands import Read
from server.protocol.room_commands import Join
from server.rooms.effects import FanOut, Reply, Rest, Write
from server.rooms.handing_over import HAND_OVER_SECONDS
from server.rooms.messages import Answer, Attach
from server.rooms.room import Room
from server.store.log_messages import Lost, Release
from tests.rooms.scene import ROOM, Scene, answers, key, of, refusals


def test_a_room_with_nothing_under_way_stops_at_once() -> None:
    scene = Scene("ann")
    effects = scene.room.hand_over(scene.now)
    assert [type(write.message) for write in of(Write, effects)] == [Release]
    assert effects[-1] == Rest(clean=True)
    assert not scene.is_restless()


def test_what_is_on_its_way_lands_and_is_answered_and_told_first() -> None:
    scene = Scene("ann", "bob")
    posted = scene.posts("ann", "n")
    assert scene.room.hand_over(scene.now) == []
    effects = scene.lands(posted)
    kinds = [type(effect) for effect in effects]
    assert kinds == [Reply, FanOut, Write, Rest]
    assert effects[-1] == Rest(clean=True)


def test_nothing_new_is_taken_and_nothing_said_about_it() -> None:
    scene = Scene("ann", kind="channel")
    posted = scene.posts("ann", "n1")
    scene.room.hand_over(scene.now)
    assert scene.posts("ann", "n2") == []
    assert scene.says("eve", Join(id=1, room=ROOM)) == []
    assert scene.says("ann", Read(room=ROOM, seq=1)) == []
    assert scene.room.attach(Attach(7, key("session"), "u_ann")) == []
    assert len(answers(scene.lands(posted))) == 1


def test_a_room_that_opens_leaves_all_that_waits_to_the_next_owner() -> None:
    room = Room(ROOM, key("room"), 1, count(1))
    scene = Scene("ann")
    room.started(0.0)
    assert room.request(scene.request("ann", Read(room=ROOM, seq=1)), 0.0) == []
    assert room.hand_over(0.0) == [Rest(clean=True)]


def test_posts_behind_a_refused_one_are_not_left_to_be_sent_again_without_it() -> None:
    scene = Scene("ann")
    posted = scene.posts("ann", "n1")
    begun = scene.told(Lost(scene.appends(posted)[0].ref))
    assert refusals(begun) == ["unavailable"]
    scene.answer_opening(begun)
    assert scene.room.hand_over(scene.now)[-1] == Rest(clean=False), "whoever waits is refused by that"


def test_what_does_not_land_in_time_is_left_behind() -> None:
    scene = Scene("ann")
    scene.posts("ann", "n")
    scene.room.hand_over(scene.now)
    assert scene.beat(HAND_OVER_SECONDS / 2) == []
    assert scene.beat(HAND_OVER_SECONDS) == [Rest(clean=False)]
    assert scene.posts("ann", "n2") == []


def test_a_post_behind_one_that_was_refused_while_the_room_leaves_is_refused() -> None:
    scene = Scene("ann")
    first, second = scene.posts("ann", "n1"), scene.posts("ann", "n2")
    scene.room.hand_over(scene.now)
    append = scene.appends(first)[0]
    assert [type(e.message) for e in of(Reply, scene.room.not_taken(append, scene.now))] == [Answer]
    assert refusals(scene.posts("ann", "n3")) == ["unavailable"]
    assert scene.lands(second)[-1] == Rest(clean=False)
