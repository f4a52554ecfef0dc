"""Threads: what may begin one, what is in it, and how each reader finds them."""

from __future__ import annotations

from typing import Any

from server.protocol.errors import ErrorCode
from server.protocol.objects import Message, Reaction, Thread
from server.store.changes import MessageGone, NewText, Reacting
from server.store.history_messages import ReadHistory
from server.store.log_messages import Denied, Known, Landed, NewMessage, Outcome
from server.store.room_messages import Mark, SaveMarks
from server.store.thread_messages import ReadThreads, ThreadSeen, ThreadsPage
from tests.store.desk import Desk, poison_refused
from tests.store.talk import Talk, talk


async def threads(talking: Talk, user: str, limit: int = 50, before: int | None = None) -> ThreadsPage:
    room = talking.room.room
    page = await talking.desk.read(ReadThreads, room=room, reader=user, limit=limit, before=before)
    assert isinstance(page, ThreadsPage)
    return page


async def thread(talking: Talk, root: int, **bounds: Any) -> list[Message]:
    asked = {"limit": 50, "upto": 2**40, "reader": talking.bob} | bounds
    page = await talking.desk.read(ReadHistory, room=talking.room.room, thread=root, **asked)
    return list(page.messages)


def codes(outcomes: list[Outcome]) -> list[ErrorCode | None]:
    return [outcome.refusal.code if isinstance(outcome, Denied) else None for outcome in outcomes]


def figures(found: Thread) -> tuple[int, int, int, int]:
    return found.root.seq, found.replies, found.last_seq, found.unread


async def test_what_is_in_a_thread_says_so_wherever_it_is_read(desk: Desk) -> None:
    talking = await talk(desk)
    root = await talking.said("topic")
    first = await talking.said("one", talking.bob, thread=root)
    await talking.said("beside")
    second = await talking.said("two", thread=root, reply_to=first)
    assert [(m.seq, m.text, m.thread) for m in await thread(talking, root)] == [
        (first, "one", root), (second, "two", root),
    ]  # fmt: skip
    assert [entry.thread for entry in await talking.log()] == [None, root, None, root]
    assert (await talking.history())[first].thread == root


async def test_a_page_of_a_thread_is_bounded_as_one_of_a_room(desk: Desk) -> None:
    talking = await talk(desk)
    root = await talking.said("topic")
    inside = [await talking.said(str(number), thread=root) for number in range(4)]
    assert [m.seq for m in await thread(talking, root, limit=2)] == inside[2:]
    assert [m.seq for m in await thread(talking, root, limit=2, before=inside[2])] == inside[:2]
    assert [m.seq for m in await thread(talking, root, limit=2, after=inside[0])] == inside[1:3]
    assert await thread(talking, inside[0]) == []


async def test_only_a_message_that_is_there_and_in_no_thread_begins_one(desk: Desk) -> None:
    talking = await talk(desk)
    root, gone = await talking.said("topic"), await talking.said("gone")
    inside = await talking.said("one", thread=root)
    await talking.changed(MessageGone(talking.ann, gone))
    drafts = [NewMessage(talking.bob, f"t{seq}", "x", thread=seq) for seq in (1, gone, 2**40, inside)]
    assert codes(await talking.changed(*drafts)) == [ErrorCode.NO_SUCH_MESSAGE] * 3 + [ErrorCode.BAD_REQUEST]


async def test_a_retry_is_answered_as_the_first_time_though_the_thread_has_ended(desk: Desk) -> None:
    talking = await talk(desk)
    root = await talking.said("topic")
    draft = NewMessage(talking.bob, "n", "one", thread=root)
    [landed, _] = await talking.changed(draft, MessageGone(talking.ann, root))
    assert isinstance(landed, Landed)
    other = NewMessage(talking.bob, "n", "one")
    known, conflict = await talking.changed(draft, other)
    assert isinstance(known, Known)
    assert known.seq == landed.seq
    assert codes([conflict]) == [ErrorCode.CONFLICT], "the thread is a part of what was said"


async def test_threads_are_listed_by_their_newest_message(desk: Desk) -> None:
    talking = await talk(desk)
    roots = [await talking.said(f"topic {number}") for number in range(3)]
    await talking.said("nobody answers")
    for root in (roots[0], roots[1], roots[2], roots[0]):
        await talking.said("more", talking.bob, thread=root)
    await talking.changed(Reacting(talking.bob, roots[0], "👍", on=True))
    page = await threads(talking, talking.ann, limit=2)
    assert [figures(found) for found in page.threads] == [(roots[0], 2, 10, 2), (roots[2], 1, 9, 1)]
    assert page.more
    assert page.threads[0].root.reactions == (Reaction(emoji="👍", count=1, me=False),)
    rest = await threads(talking, talking.ann, limit=2, before=page.threads[-1].last_seq)
    assert ([figures(found) for found in rest.threads], rest.more) == ([(roots[1], 1, 8, 1)], False)


async def test_deleted_messages_are_not_counted(desk: Desk) -> None:
    talking = await talk(desk)
    root = await talking.said("topic")
    inside = [await talking.said(str(number), thread=root) for number in range(3)]
    await talking.changed(MessageGone(talking.ann, inside[2]), MessageGone(talking.ann, inside[2]))
    [found] = (await threads(talking, talking.bob)).threads
    assert figures(found) == (root, 2, inside[2], 2)
    assert [m.deleted for m in await thread(talking, root)] == [False, False, True]
    assert (await talking.history())[inside[2]].thread == root, "a tombstone stays where it was"
    await talking.changed(MessageGone(talking.ann, root), MessageGone(talking.ann, inside[0]))
    [found] = (await threads(talking, talking.bob)).threads
    assert (found.root.deleted, figures(found)) == (True, (root, 1, inside[2], 1))
    await talking.changed(MessageGone(talking.ann, inside[1]))
    assert (await threads(talking, talking.bob)).threads == ()


async def test_what_happens_to_a_thread_in_one_commit_adds_up(desk: Desk) -> None:
    talking = await talk(desk)
    root = await talking.said("topic")
    first = await talking.said("one", thread=root)
    with poison_refused(desk.store):
        await talking.changed(
            NewMessage(talking.ann, "a", "two", thread=root), NewMessage(talking.ann, "b", "poison", thread=root),
            MessageGone(talking.ann, first), NewText(talking.ann, root, "edited"),
            NewMessage(talking.bob, "c", "three", thread=root),
        )  # fmt: skip
    [found] = (await threads(talking, talking.ann)).threads
    assert (found.root.text, figures(found)) == ("edited", (root, 2, first + 4, 1))


async def test_each_reader_has_a_mark_of_their_own(desk: Desk) -> None:
    talking = await talk(desk)
    root = await talking.said("topic")
    inside = [await talking.said(str(number), thread=root) for number in range(3)]
    seen = ThreadSeen(talking.bob, root, inside[1])
    outcomes = await talking.changed(seen, seen, ThreadSeen(talking.bob, root, inside[0]))
    assert [getattr(outcome, "seq", 0) for outcome in outcomes] == [None, None, None]
    [bobs] = (await threads(talking, talking.bob)).threads
    [anns] = (await threads(talking, talking.ann)).threads
    assert (bobs.read_seq, bobs.unread) == (inside[1], 1)
    assert (anns.read_seq, anns.unread) == (1, 0), "nobody has before them what they said themselves"
    await talking.changed(ThreadSeen(talking.bob, root, inside[2]))
    [bobs] = (await threads(talking, talking.bob)).threads
    assert (bobs.read_seq, bobs.unread) == (inside[2], 0)


async def test_until_then_what_was_read_of_the_room_was_read_of_its_threads(desk: Desk) -> None:
    talking = await talk(desk)
    root = await talking.said("topic")
    first = await talking.said("one", thread=root)
    desk.writes.tell(SaveMarks(talking.room.room, (Mark(talking.bob, first, first),)))
    await talking.said("two", thread=root)
    [found] = (await threads(talking, talking.bob)).threads
    assert (found.read_seq, found.unread) == (first, 1)


async def test_who_has_read_more_of_the_room_has_read_as_much_of_its_threads(desk: Desk) -> None:
    talking = await talk(desk)
    root = await talking.said("topic")
    first = await talking.said("one", thread=root)
    desk.writes.tell(SaveMarks(talking.room.room, (Mark(talking.bob, first, first),)))
    await talking.changed(ThreadSeen(talking.bob, root, root, read=first))
    [found] = (await threads(talking, talking.bob)).threads
    assert (found.read_seq, found.unread) == (first, 0), "a mark never goes back"


async def test_a_mark_that_the_room_covers_is_kept_when_that_of_the_room_is_taken_back(desk: Desk) -> None:
    talking = await talk(desk)
    root = await talking.said("topic")
    first = await talking.said("one", thread=root)
    [outcome] = await talking.changed(ThreadSeen(talking.bob, root, first, read=first))
    assert isinstance(outcome, Landed)
    assert not outcome.is_new, "nobody has to be told"
    desk.writes.tell(SaveMarks(talking.room.room, (Mark(talking.bob, first, first, seen=1),)))
    await talking.said("two", thread=root)
    [found] = (await threads(talking, talking.bob)).threads
    assert (found.read_seq, found.unread) == (first, 1)


async def test_what_begins_no_thread_cannot_be_read_as_one(desk: Desk) -> None:
    talking = await talk(desk)
    root = await talking.said("topic")
    outcomes = await talking.changed(ThreadSeen(talking.bob, root, 3), ThreadSeen(talking.bob, 2**40, 3))
    assert codes(outcomes) == [ErrorCode.NO_SUCH_MESSAGE] * 2
