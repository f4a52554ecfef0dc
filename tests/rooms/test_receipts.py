"""Marks only grow; receipts reach the authors of what is newly covered."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from server.protocol.events import Receipt
from server.rooms.readers import Covered
from server.rooms.receipts import REMEMBERED_AUTHORS, Receipts, grouped
from server.store.marks import OwnMark, keep_known, seen_by
from server.store.room_messages import Mark, MemberRecord

ROOM = "r"


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50))))
def test_the_larger_mark_wins_and_who_has_read_has_received(marks: list[tuple[int, int]]) -> None:
    receipts, members = Receipts(ROOM, 0), {"bob": MemberRecord("member", 0, 0)}
    for received, read in marks:
        receipts.mark("bob", members, received, read)
    bob = members["bob"]
    assert bob.read == max([0, *(read for _, read in marks)])
    assert bob.received == max([bob.read, *(received for received, _ in marks)])
    expected = (Mark("bob", bob.received, bob.read),) if bob.received else ()
    assert receipts.unsaved(members) == expected
    assert receipts.unsaved(members) == ()


def test_what_was_told_is_not_told_again() -> None:
    receipts, members = Receipts(ROOM, 0), {"bob": MemberRecord("member", 2, 2)}
    receipts.mark("bob", members, 5, 0)
    receipts.mark("bob", members, 6, 0)
    assert receipts.untold(members) == [Covered(Receipt(room=ROOM, user="bob", received=6), 2, 6)]
    assert receipts.untold(members) == []
    receipts.mark("bob", members, 6, 0)
    assert not receipts.untold(members)


def test_what_is_marked_as_unread_is_so_until_it_is_read_and_others_never_know() -> None:
    receipts, members = Receipts(ROOM, 0), {"bob": MemberRecord("member", 6, 6)}
    receipts.mark_unread("bob", members, 3)
    assert (seen_by(members["bob"]), members["bob"].read) == (3, 6)
    assert receipts.own_marks(members) == {"bob": 3}
    assert receipts.unsaved(members) == (Mark("bob", 6, 6, 3),)
    receipts.mark_unread("bob", members, 5)
    assert not receipts.pending, "it never marks as read"
    receipts.mark("bob", members, 0, 2)
    assert not receipts.pending, "a `read` that comes late, of what is read anyway"
    receipts.mark("bob", members, 0, 4)
    assert receipts.own_marks(members) == {"bob": 4}
    receipts.mark("bob", members, 0, 6)
    assert members == {"bob": MemberRecord("member", 6, 6)}
    assert not isinstance(members["bob"], OwnMark)
    assert receipts.unsaved(members) == (Mark("bob", 6, 6),)
    assert receipts.untold(members) == []


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 9))))
def test_the_last_word_about_oneself_holds(said: list[tuple[bool, int]]) -> None:
    receipts, members = Receipts(ROOM, 0), {"bob": MemberRecord("member", 0, 0)}
    told = seen = 0
    for is_read, seq in said:
        if is_read:
            receipts.mark("bob", members, 0, seq)
            told, seen = max(told, seq), max(seen, seq)
        else:
            receipts.mark_unread("bob", members, seq)
            seen = min(seen, seq)
        assert (members["bob"].read, seen_by(members["bob"])) == (told, seen)
        assert isinstance(members["bob"], OwnMark) == (told != seen)


def test_what_the_store_was_not_told_is_kept_when_a_room_opens_again() -> None:
    known: dict[str, MemberRecord] = {"bob": OwnMark("member", 9, 9, 4), "eve": MemberRecord("member", 9, 9)}
    loaded: dict[str, MemberRecord] = {user: MemberRecord("member", 5, 5) for user in ("bob", "joe")}
    loaded["eve"] = OwnMark("member", 9, 9, 4)
    keep_known(known, loaded)
    assert {user: (member.read, seen_by(member)) for user, member in loaded.items()} == {
        "bob": (9, 4), "eve": (9, 9), "joe": (5, 5),
    }  # fmt: skip


def test_who_left_meanwhile_is_not_told_of() -> None:
    receipts, members = Receipts(ROOM, 0), {"bob": MemberRecord("member", 0, 0)}
    receipts.mark("bob", members, 5, 5)
    assert receipts.untold({}) == []
    receipts.mark("bob", members, 6, 6)
    assert receipts.unsaved({}) == ()


def test_authors_are_remembered_for_a_while() -> None:
    receipts = Receipts(ROOM, 10)
    for seq in range(11, 11 + REMEMBERED_AUTHORS + 5):
        receipts.wrote(f"author {seq % 2}", seq)
    receipt = Receipt(room=ROOM, user="bob")
    assert receipts.authors(Covered(receipt, 14, 15)) is None, "forgotten"
    assert receipts.authors(Covered(receipt, 15, 16)) == frozenset({"author 0"})
    assert receipts.authors(Covered(receipt, 15, 17)) == frozenset({"author 0", "author 1"})
    assert receipts.authors(Covered(receipt, 400, 400)) == frozenset()


def test_receipts_to_the_same_authors_travel_together() -> None:
    both, ann = frozenset({"ann", "eve"}), frozenset({"ann"})
    told = [
        (Receipt(room=ROOM, user="bob", received=5), both),
        (Receipt(room=ROOM, user="bob", read=5), both),
        (Receipt(room=ROOM, user="zoe", read=4), both),
        (Receipt(room=ROOM, user="zoe", received=4), ann),
        (Receipt(room=ROOM, user="ann", read=9), ann),
        (Receipt(room=ROOM, user="ann", read=9), frozenset()),
    ]
    assert grouped(told) == {
        both: [Receipt(room=ROOM, user="bob", received=5, read=5), Receipt(room=ROOM, user="zoe", read=4)],
        ann: [Receipt(room=ROOM, user="zoe", received=4)],
    }
