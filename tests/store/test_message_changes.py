"""Edits, deletions and reactions in a real database: what the log and history tell then, and what is refused."""

from __future__ import annotations

import pytest

from server.protocol.entries import Deleted, Edited, MessageEntry, Reacted
from server.protocol.objects import Reaction
from server.store.batches import Committed
from server.store.changes import MessageChange, MessageGone, NewText, Reacting
from server.store.log_messages import Denied, Known, Landed, Lost, NewMessage
from server.store.unanswered import Unanswered
from tests.store.desk import Desk, poison_refused
from tests.store.talk import talk

THUMB, HEART = "👍", "❤️"


async def test_an_edit_replaces_the_text_wherever_it_is_read(desk: Desk) -> None:
    talking = await talk(desk)
    seq = await talking.said("first")
    for text in ("second", "third"):
        desk.now += 1_000
        await talking.changed(NewText(talking.ann, seq, text))
    message = (await talking.history())[seq]
    assert (message.text, message.edited_at) == ("third", "2025-06-15T15:06:42.000Z")
    told, once, twice = await talking.log()
    assert isinstance(told, MessageEntry)
    assert (told.text, told.edited_at, told.reactions) == ("third", message.edited_at, ())
    assert [(type(e), e.target, e.text, e.by) for e in (once, twice)] == [
        (Edited, seq, None, talking.ann), (Edited, seq, "third", talking.ann),
    ]  # fmt: skip


async def test_a_deleted_message_is_a_tombstone_wherever_it_is_read(desk: Desk) -> None:
    talking = await talk(desk)
    seq = await talking.said("secret", nonce="mine")
    await talking.changed(
        Reacting(talking.bob, seq, THUMB, on=True), NewText(talking.ann, seq, "still secret"),
        MessageGone(talking.bob, seq, of_others=True),
    )  # fmt: skip
    message = (await talking.history(talking.bob))[seq]
    assert (message.deleted, message.by, message.text, message.reactions, message.nonce, message.edited_at) == (
        True, talking.bob, None, None, None, None,
    )  # fmt: skip
    told, reacted, edited, deleted = await talking.log()
    assert (told.deleted, told.by, told.text, told.nonce) == (True, talking.bob, None, None)
    assert (reacted.emoji, edited.text) == (THUMB, None)
    assert isinstance(deleted, Deleted)
    assert (deleted.target, deleted.by) == (seq, talking.bob)
    known = await talking.room.said(talking.ann, "mine", "secret")
    assert isinstance(known, Known), "the nonce is not free for another message"


async def test_who_reacted_is_counted_and_the_reader_finds_their_own(desk: Desk) -> None:
    talking = await talk(desk)
    ann, bob = talking.ann, talking.bob
    seq, other = await talking.said("hello"), await talking.said("again")
    outcomes = await talking.changed(
        Reacting(bob, seq, HEART, on=True), Reacting(bob, seq, THUMB, on=True), Reacting(ann, seq, THUMB, on=True),
        Reacting(bob, seq, HEART, on=False), Reacting(bob, seq, HEART, on=False), Reacting(ann, other, HEART, on=True),
    )  # fmt: skip
    assert [getattr(outcome, "seq", 0) for outcome in outcomes] == [5, 6, 7, 8, None, 9]
    thumbs = Reaction(emoji=THUMB, count=2, me=True)
    assert (await talking.history(bob))[seq].reactions == (thumbs,)
    assert (await talking.history(bob))[other].reactions == (Reaction(emoji=HEART, count=1, me=False),)
    assert (await talking.history())[seq].reactions == (Reaction(emoji=THUMB, count=2, me=False),)
    again = [(e.emoji, e.by, e.on) for e in await talking.log() if isinstance(e, Reacted)]
    assert again == [
        (HEART, bob, True),
        (THUMB, bob, True),
        (THUMB, ann, True),
        (HEART, bob, False),
        (HEART, ann, True),
    ]


async def test_reactions_are_the_same_one_commit_at_a_time(desk: Desk) -> None:
    talking = await talk(desk)
    seq = await talking.said("hello")
    for on in (True, True, False, False, True):
        await talking.changed(Reacting(talking.bob, seq, THUMB, on=on))
    assert (await talking.history(talking.bob))[seq].reactions == (Reaction(emoji=THUMB, count=1, me=True),)
    assert [entry.on for entry in await talking.log(seq)] == [True, False, True]


async def test_a_deleted_message_is_not_unread(desk: Desk) -> None:
    talking = await talk(desk)
    first, _ = await talking.said("one"), await talking.said("two")
    assert await talking.unread(talking.bob) == 2
    await talking.changed(MessageGone(talking.ann, first), Reacting(talking.ann, first + 1, THUMB, on=True))
    assert await talking.unread(talking.bob) == 1, "and neither is the entry that says so, nor a reaction"


async def test_what_is_no_message_of_this_room_cannot_be_changed(desk: Desk) -> None:
    talking = await talk(desk)
    elsewhere = await desk.anchored(await desk.created(talking.ann, talking.bob, name="Others"))
    for number in range(3):
        await elsewhere.said(talking.ann, f"e{number}")
    outcomes = await talking.changed(
        NewText(talking.ann, 1, "joined"), MessageGone(talking.ann, 3, of_others=True),
        Reacting(talking.ann, 2**40, THUMB, on=True),
    )  # fmt: skip
    assert all(isinstance(outcome, Denied) for outcome in outcomes)
    assert (await talking.log()) == []


async def test_changes_beside_a_row_that_the_database_refuses(desk: Desk) -> None:
    """The careful way plans again, and finds the same."""
    talking = await talk(desk)
    seq = await talking.said("hello", nonce="again")
    with poison_refused(desk.store):
        outcomes = await talking.changed(
            Reacting(talking.bob, seq, THUMB, on=True), NewText(talking.ann, seq, "poison"),
            NewText(talking.ann, seq, "hallo"),
        )  # fmt: skip
        assert [type(outcome) for outcome in outcomes] == [Landed, Denied, Landed]
    talking.room.append(NewMessage(talking.ann, "again", "hello"))
    outcomes = await talking.changed(
        Reacting(talking.bob, seq, THUMB, on=True), MessageGone(talking.ann, seq), MessageGone(talking.ann, seq)
    )
    assert [getattr(outcome, "seq", 0) for outcome in talking.room.ear.outcomes[-3:]] == [None, 6, None]
    assert (await talking.history(talking.bob))[seq].deleted


async def test_a_change_that_the_writer_took_along_when_it_crashed_can_be_asked_for_again(desk: Desk) -> None:
    talking = await talk(desk)
    seq = await talking.said("hello")
    changes: tuple[MessageChange, ...] = (
        Reacting(talking.bob, seq, THUMB, on=True), NewText(talking.ann, seq, "hallo"), MessageGone(talking.ann, seq)
    )  # fmt: skip
    for place, change in enumerate(changes, seq + 1):
        desk.crashing = True
        assert [type(outcome) for outcome in await talking.changed(change)] == [Lost]
        talking.room = await desk.anchored(talking.room.room)
        again = await talking.changed(change, change)
        assert [getattr(outcome, "seq", 0) for outcome in again] == [place, None]


async def test_a_change_that_landed_without_anybody_hearing_of_it_is_not_done_again(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The writer crashes between the commit and telling of it."""
    talking = await talk(desk)
    seq = await talking.said("hello")
    settle = Unanswered.settle

    def crash(unanswered: Unanswered, committed: Committed) -> None:
        monkeypatch.setattr(Unanswered, "settle", settle)
        raise RuntimeError("forced by the test")

    for change in (Reacting(talking.bob, seq, THUMB, on=True), MessageGone(talking.ann, seq)):
        monkeypatch.setattr(Unanswered, "settle", crash)
        assert [type(outcome) for outcome in await talking.changed(change)] == [Lost]
        talking.room = await desk.anchored(talking.room.room)
        assert [getattr(outcome, "seq", 0) for outcome in await talking.changed(change)] == [None]
    assert [type(entry) for entry in await talking.log(seq)] == [Reacted, Deleted]
