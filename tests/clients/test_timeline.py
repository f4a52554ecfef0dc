"""What messages have become, for somebody who reads entries and pages of history."""

from __future__ import annotations

from clients.happenings import UnknownEntry
from clients.timeline import Timeline
from server.protocol.entries import Deleted, Edited, MessageEntry, Reacted
from server.protocol.objects import Message, Reaction, User

ANN = User(user="u_ann", name="ann")
AT = "2026-11-22T18:00:00.000Z"
THUMB, HEART = "👍", "❤️"


def entry(seq: int = 1, text: str = "hello") -> MessageEntry:
    return MessageEntry(seq=seq, room="r", from_=ANN, text=text, at=AT, reactions=())


def message(*reactions: Reaction, seq: int = 1, text: str = "hello") -> Message:
    return Message(seq=seq, room="r", from_=ANN, text=text, at=AT, reactions=reactions)


def reacted(seq: int, by: str = "u_bob", emoji: str = THUMB, *, on: bool = True) -> Reacted:
    return Reacted(room="r", seq=seq, target=1, emoji=emoji, by=by, on=on, at=AT)


def edited(seq: int, text: str | None) -> Edited:
    return Edited(room="r", seq=seq, target=1, text=text, by="u_ann", at=f"at {seq}")


def count(timeline: Timeline) -> list[tuple[str, int, bool]]:
    found = timeline.find(1)
    assert found is not None
    return [(each.emoji, each.count, each.me) for each in found.reactions or ()]


def test_reactions_come_and_go_and_the_readers_own_are_marked() -> None:
    timeline = Timeline("u_bob")
    for each in (entry(), reacted(2, "u_ann", HEART), reacted(3), reacted(4, "u_ann")):
        timeline.take(each)
    assert count(timeline) == [(HEART, 1, False), (THUMB, 2, True)]
    timeline.take(reacted(5, on=False))
    timeline.take(reacted(6, "u_ann", HEART, on=False))
    assert count(timeline) == [(THUMB, 1, False)]


def test_an_edit_that_was_replaced_since_is_passed_over() -> None:
    timeline = Timeline("u_bob")
    for each in (entry(text="third"), edited(2, None), edited(3, "third")):
        timeline.take(each)
    assert timeline.find(1) == Message(seq=1, room="r", from_=ANN, text="third", at=AT, reactions=(), edited_at="at 3")


def test_a_deleted_message_stays_one() -> None:
    timeline = Timeline("u_bob")
    for each in (entry(), Deleted(room="r", seq=2, target=1, by="u_mod", at=AT), reacted(3), edited(4, "again")):
        timeline.take(each)
    assert timeline.find(1) == Message(seq=1, room="r", from_=ANN, at=AT, deleted=True, by="u_mod")


def test_what_a_page_of_history_has_counted_is_not_counted_again() -> None:
    timeline = Timeline("u_bob")
    timeline.take_page([message(Reaction(emoji=THUMB, count=2, me=True))], known=4)
    for seq in (2, 4):
        timeline.take(reacted(seq))
    assert count(timeline) == [(THUMB, 2, True)]
    timeline.take(reacted(5, "u_cat"))
    assert count(timeline) == [(THUMB, 3, True)]


def test_an_older_page_does_not_undo_what_came_since() -> None:
    timeline = Timeline("u_bob")
    timeline.take(entry())
    timeline.take(edited(6, "new"))
    timeline.take_page([message(text="old")], known=5)
    assert [each.text for each in timeline] == ["new"]
    timeline.take_page([message(text="newest")], known=7)
    assert [each.text for each in timeline] == ["newest"]


def test_what_was_not_loaded_is_passed_over() -> None:
    timeline = Timeline("u_bob")
    timeline.take(reacted(5))
    timeline.take(UnknownEntry("r", 6, "pinned"))
    assert list(timeline) == []
    timeline.take(entry(seq=8))
    timeline.take(entry(seq=7))
    assert [each.seq for each in timeline] == [7, 8]
