"""What was acknowledged of marks, and neither told nor written when the room, or the writer, crashed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from server.protocol.attention_commands import MarkUnread, Read
from server.protocol.errors import unavailable
from server.protocol.events import Receipt
from server.protocol.replies import Ok
from server.rooms.effects import Consult, Effect, FanOut, Write
from server.rooms.unfinished import Unfinished
from server.store.history_messages import Authors, ReadAuthors
from server.store.questions import Done, Failed
from server.store.room_messages import Mark, MarksSaved, SaveMarks
from tests.rooms.scene import ROOM, Scene, answers, events_of, of


def saved(effects: Sequence[Effect]) -> list[Mark]:
    """What is to be written."""
    found = [write.message for write in of(Write, effects) if isinstance(write.message, SaveMarks)]
    return [mark for save in found for mark in save.marks]


def told(scene: Scene, effects: Sequence[Effect], authors: Iterable[str]) -> list[object]:
    """What authors hear, when the store has said who they are."""
    [asked] = [effect.question for effect in of(Consult, effects) if isinstance(effect.question, ReadAuthors)]
    found = Authors(ROOM, asked.after, asked.upto, frozenset(authors))
    fan_outs = of(FanOut, scene.room.done(Done(asked.ref, found), scene.now))
    return [event for fan_out in fan_outs for event in events_of(fan_out)]


def test_what_was_read_when_the_room_crashed_is_told_and_written_by_its_next_life() -> None:
    left = Unfinished()
    scene = Scene("ann", "bob", last_seq=9, unfinished=left)
    assert answers(scene.says("bob", Read(id=1, room=ROOM, seq=9))) == [Ok(id=1, read_seq=9)]
    again = Scene("ann", "bob", last_seq=9, unfinished=left)
    assert saved(again.begun) == [Mark("u_bob", 9, 9)]
    assert told(again, again.begun, ["u_ann"]) == [Receipt(room=ROOM, user="u_bob", received=9, read=9)]
    assert answers(again.says("bob", Read(id=2, room=ROOM, seq=1))) == [Ok(id=2, read_seq=9)]


def test_what_was_marked_as_unread_stays_so() -> None:
    left = Unfinished()
    scene = Scene("ann", "bob", last_seq=9, unfinished=left)
    scene.says("bob", Read(room=ROOM, seq=9))
    scene.says("bob", MarkUnread(room=ROOM, seq=5))
    again = Scene("ann", "bob", last_seq=9, unfinished=left)
    assert saved(again.begun) == [Mark("u_bob", 9, 9, 4)]
    assert answers(again.says("bob", MarkUnread(id=2, room=ROOM, seq=9))) == [Ok(id=2, read_seq=4)]


def test_what_was_told_and_written_is_forgotten() -> None:
    left = Unfinished()
    scene = Scene("ann", "bob", last_seq=9, unfinished=left)
    scene.says("bob", Read(room=ROOM, seq=9))
    effects = scene.beat()
    scene.room.saved(MarksSaved(tuple(saved(effects)), are_saved=True))
    assert [pending.told for pending in left.of(ROOM)] == [(0, 0)], "nobody has been told"
    told(scene, effects, ["u_ann"])
    assert left.of(ROOM) == []


def test_a_mark_that_was_written_late_is_not_taken_for_the_next_one() -> None:
    left = Unfinished()
    scene = Scene("ann", "bob", last_seq=9, unfinished=left)
    scene.says("bob", Read(room=ROOM, seq=5))
    effects = scene.beat()
    scene.says("bob", Read(room=ROOM, seq=8))
    scene.room.saved(MarksSaved(tuple(saved(effects)), are_saved=True))
    assert [pending.mark for pending in left.of(ROOM)] == [Mark("u_bob", 8, 8)]


def test_what_the_writer_has_lost_is_written_again() -> None:
    scene = Scene("ann", "bob", last_seq=9)
    scene.says("bob", Read(room=ROOM, seq=9))
    marks = saved(scene.beat())
    scene.room.saved(MarksSaved(tuple(marks), are_saved=False))
    assert scene.is_restless()
    assert saved(scene.beat()) == marks == [Mark("u_bob", 9, 9)]


def test_whose_authors_nobody_could_say_is_asked_again() -> None:
    scene = Scene("ann", "bob", last_seq=9)
    scene.says("bob", Read(room=ROOM, seq=9))
    [asked] = [effect.question for effect in of(Consult, scene.beat()) if isinstance(effect.question, ReadAuthors)]
    scene.room.failed(Failed(asked.ref, unavailable()), scene.now)
    assert told(scene, scene.beat(), ["u_ann"]) == [Receipt(room=ROOM, user="u_bob", received=9, read=9)]


def test_a_room_that_ends_in_order_leaves_nothing() -> None:
    left = Unfinished()
    scene = Scene("ann", "bob", last_seq=9, unfinished=left)
    scene.says("bob", Read(room=ROOM, seq=9))
    assert saved(scene.room.stopped()) == [Mark("u_bob", 9, 9)]
    assert left.of(ROOM) == []
