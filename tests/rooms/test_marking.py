"""How far somebody has read, told to their other places, and what they mark as unread."""

from __future__ import annotations

from server.protocol.attention_commands import MarkUnread, Read
from server.protocol.events import ReadMark, Receipt
from server.protocol.replies import Ok
from server.relays.messages import PassedOn, Subscribe
from server.rooms.effects import FanOut, Reply, Write
from server.rooms.opening import Applicant
from server.store.log_messages import Lost
from server.store.room_messages import Mark, SaveMarks
from tests.rooms.scene import ROOM, Scene, answers, events_of, key, of


def test_who_has_marked_as_unread_is_answered_behind_the_write() -> None:
    scene = Scene("ann", "bob", last_seq=9)
    scene.says("bob", Read(room=ROOM, seq=9))
    effects = scene.says("bob", MarkUnread(id=1, room=ROOM, seq=5))
    assert [type(effect) for effect in effects] == [Write, Reply]
    assert effects[0] == Write(SaveMarks(ROOM, (Mark("u_bob", 9, 9, 4),), scene.itself))
    assert answers(effects) == [Ok(id=1, read_seq=4)]
    assert answers(scene.says("bob", MarkUnread(room=ROOM, seq=0))) == [Ok(read_seq=0)]
    assert answers(scene.says("bob", MarkUnread(room=ROOM, seq=99))) == [Ok(read_seq=0)]
    assert answers(scene.says("bob", Read(room=ROOM, seq=99))) == [Ok(read_seq=9)]


def test_who_listens_in_several_places_hears_of_it_in_all_of_them() -> None:
    scene = Scene("ann", "bob", last_seq=9)
    relay = key("relay")
    scene.room.subscribe(Applicant(Subscribe(1, relay, -1, ("u_bob",)), 7))
    scene.says("ann", Read(room=ROOM, seq=9))
    scene.says("bob", Read(room=ROOM, seq=9))
    told = [effect for effect in of(FanOut, scene.beat()) if not _is_receipt(effect)]
    mark = ReadMark(room=ROOM, read_seq=9)
    assert [events_of(fan_out) for fan_out in told if fan_out.to == (scene.sessions["bob"],)] == [[mark]]
    assert [fan_out.message for fan_out in told if fan_out.to == (relay,)] == [PassedOn(7, (mark,), to=("u_bob",))]
    assert len(told) == 2, "of ann nobody listens elsewhere"
    assert not of(FanOut, scene.beat())


def test_marks_of_a_large_room_are_told_as_well() -> None:
    scene = Scene("ann", "bob", last_seq=9, small_room=1)
    scene.room.subscribe(Applicant(Subscribe(1, key("relay"), -1, ("u_bob",)), 7))
    scene.beat()
    scene.says("bob", MarkUnread(room=ROOM, seq=9))
    assert not of(FanOut, scene.beat())
    scene.says("bob", Read(room=ROOM, seq=9))
    assert len(of(FanOut, scene.beat())) == 2


def test_what_is_unread_stays_so_while_the_room_opens_again() -> None:
    scene = Scene("ann", "bob", last_seq=9)
    scene.says("bob", Read(room=ROOM, seq=9))
    scene.says("bob", MarkUnread(room=ROOM, seq=5))
    [append] = scene.appends(scene.posts("ann", "n"))
    scene.answer_opening(scene.told(Lost(append.ref)))
    assert answers(scene.says("bob", MarkUnread(room=ROOM, seq=9))) == [Ok(read_seq=4)]


def _is_receipt(fan_out: FanOut) -> bool:
    message = fan_out.message
    events = message.events if isinstance(message, PassedOn) else events_of(fan_out)
    return isinstance(events[0], Receipt)
