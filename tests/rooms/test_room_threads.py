"""Threads, as a room decides about them."""

from __future__ import annotations

import pytest

from server.protocol.attention_commands import Read
from server.protocol.entries import MessageEntry
from server.protocol.events import ThreadMark
from server.protocol.limits import THREADS_LIMIT
from server.protocol.message_commands import Post
from server.protocol.objects import Message, Thread
from server.protocol.page_commands import History, Threads
from server.protocol.replies import Ok
from server.rooms.effects import Consult, FanOut
from server.rooms.fitting import PAGE_CODE_POINTS
from server.store.history_messages import ReadHistory
from server.store.log_messages import Landed, NewMessage
from server.store.questions import Done
from server.store.thread_messages import ReadThreads, ThreadSeen, ThreadsPage
from tests.rooms.scene import ROOM, Scene, answers, deliveries, events_of, of, refusals, user


def begun(seq: int, text: str = "topic") -> Thread:
    root = Message(seq=seq, room=ROOM, from_=user("ann"), text=text, at="2026-11-22T12:00:00.000Z")
    return Thread(root=root, replies=1, last_seq=5, read_seq=3, unread=1)


def test_a_post_in_a_thread_is_an_entry_that_says_so() -> None:
    scene = Scene("ann", "bob", last_seq=5)
    posted = scene.says("ann", Post(room=ROOM, nonce="n", text="hello", thread=2))
    [append] = scene.appends(posted)
    assert append.draft == NewMessage("u_ann", "n", "hello", thread=2)
    [entry] = events_of(of(FanOut, scene.lands(posted))[0])
    assert isinstance(entry, MessageEntry)
    assert entry.thread == 2


@pytest.mark.parametrize("thread", [0, 6, 2**53 - 1])
def test_what_is_not_in_the_log_begins_no_thread(thread: int) -> None:
    scene = Scene("ann", last_seq=5)
    assert refusals(scene.says("ann", Post(room=ROOM, nonce="n", text="hello", thread=thread))) == ["no_such_message"]
    assert refusals(scene.says("ann", Read(room=ROOM, seq=5, thread=thread))) == ["no_such_message"]


def test_with_a_thread_goes_how_far_its_reader_has_read_of_the_room() -> None:
    scene = Scene("ann", "bob", last_seq=5)
    scene.says("ann", Read(room=ROOM, seq=4))
    [append] = scene.appends(scene.says("ann", Read(room=ROOM, seq=3, thread=2)))
    assert append.draft == ThreadSeen("u_ann", 2, 3, read=4)


def test_a_thread_is_read_when_that_is_on_disk_and_only_its_reader_is_told() -> None:
    scene = Scene("ann", "bob", last_seq=5)
    said = scene.says("ann", Read(id=1, room=ROOM, seq=9, thread=2))
    assert answers(said) == []
    [append] = scene.appends(said)
    assert append.draft == ThreadSeen("u_ann", 2, 5), "nobody has read what is not there"
    told = scene.lands(said, logged=False)
    assert (answers(told), deliveries(told)) == ([Ok(id=1)], [])
    [passed] = of(FanOut, told)
    assert (events_of(passed), passed.to) == ([ThreadMark(room=ROOM, thread=2, read_seq=5)], (scene.sessions["ann"],))
    assert of(FanOut, scene.beat()) == [], "of the room itself nothing was read"


def test_what_was_read_in_a_thread_before_is_told_to_nobody() -> None:
    scene = Scene("ann", last_seq=5)
    [append] = scene.appends(scene.says("ann", Read(id=1, room=ROOM, seq=3, thread=2)))
    told = scene.told(Landed(append.ref, None, 1_000, is_new=False))
    assert (answers(told), of(FanOut, told)) == ([Ok(id=1)], [])


def test_the_store_is_asked_for_threads_and_for_what_is_in_one() -> None:
    scene = Scene("ann", last_seq=5)
    [asked] = of(Consult, scene.says("ann", Threads(room=ROOM, before=4, limit=7)))
    assert isinstance(asked.question, ReadThreads)
    assert (asked.question.reader, asked.question.before, asked.question.limit) == ("u_ann", 4, 7)
    [asked] = of(Consult, scene.says("ann", History(room=ROOM, thread=2)))
    assert isinstance(asked.question, ReadHistory)
    assert asked.question.thread == 2


def test_a_page_of_threads_is_no_longer_than_a_frame_should_be() -> None:
    scene = Scene("ann", last_seq=5)
    [asked] = of(Consult, scene.says("ann", Threads(id=1, room=ROOM)))
    found = tuple(begun(seq, "x" * 4_000) for seq in range(1, 31))
    [answer] = answers(scene.room.done(Done(asked.question.ref, ThreadsPage(ROOM, found, more=False)), scene.now))
    assert isinstance(answer, Ok)
    assert answer == Ok(id=1, threads=list(found[: PAGE_CODE_POINTS // 4_000]), more=True)


def test_more_threads_than_a_page_has_are_not_asked_for() -> None:
    scene = Scene("ann", last_seq=5)
    assert refusals(scene.says("ann", Threads(room=ROOM, limit=THREADS_LIMIT + 1))) == ["bad_request"]


def test_whoever_is_no_member_hears_what_strangers_do() -> None:
    scene = Scene("ann", last_seq=5)
    assert refusals(scene.says("eve", Threads(room=ROOM))) == ["no_such_room"]
    assert refusals(scene.says("eve", Read(room=ROOM, seq=1, thread=2))) == ["no_such_room"]
