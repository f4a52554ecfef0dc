"""Messages whose time is up: found in the order of their times, and no more once they are gone."""

from __future__ import annotations

from server.protocol.entries import Deleted
from server.store.changes import MessageGone
from server.store.due import Due, ReadDue
from server.store.history_messages import ReadLog
from server.store.log_messages import Landed, NewMessage
from tests.store.desk import Desk, Room


async def posted(room: Room, author: str, nonce: str, ttl: int | None) -> int:
    before = len(room.ear.outcomes)
    room.append(NewMessage(author, nonce, f"text {nonce}", ttl=ttl))
    outcome = (await room.ear.outcomes_of(before + 1))[-1]
    assert isinstance(outcome, Landed)
    assert outcome.seq is not None
    return outcome.seq


async def due(desk: Desk, after_seconds: int, limit: int = 10) -> list[tuple[str, int]]:
    found, after = [], (0, "", 0)
    while True:
        page = await desk.read(ReadDue, now=desk.now + after_seconds * 1_000, limit=limit, after=after)
        assert all(isinstance(one, Due) for one in page)
        found += [(one.room, one.seq) for one in page]
        if len(page) < limit:
            return found
        after = (page[-1].at, page[-1].room, page[-1].seq)


async def test_they_are_due_when_their_own_time_is_up(desk: Desk) -> None:
    ann = await desk.user("ann")
    room, other = await desk.anchored(await desk.created(ann)), await desk.anchored(await desk.created(ann))
    late, _, soon = [await posted(room, ann, f"n{ttl}", ttl) for ttl in (60, None, 10)]
    same = await posted(other, ann, "n", 10)
    assert await due(desk, 9) == []
    first = sorted([(room.room, soon), (other.room, same)])
    assert await due(desk, 10) == first
    for limit in (1, 2, 3):
        assert await due(desk, 60, limit) == [*first, (room.room, late)]


async def test_one_that_has_expired_is_deleted_in_the_name_of_its_author_and_due_no_more(desk: Desk) -> None:
    ann = await desk.user("ann")
    room = await desk.anchored(await desk.created(ann))
    seq, by_hand = await posted(room, ann, "a", 10), await posted(room, ann, "b", 10)
    gone = MessageGone(ann, seq, of_others=True, expired=True)
    room.append(gone)
    room.append(gone)
    room.append(MessageGone(ann, by_hand))
    room.append(MessageGone(ann, by_hand, of_others=True, expired=True))
    outcomes = (await room.ear.outcomes_of(6))[2:]
    assert [isinstance(outcome, Landed) and outcome.seq for outcome in outcomes] == [4, None, 5, None]
    assert await due(desk, 60) == []
    page = await desk.read(ReadLog, room=room.room, after=3, upto=9, limit=9)
    assert [(type(e), e.target, e.by, e.reason) for e in page.entries] == [
        (Deleted, seq, ann, "expired"), (Deleted, by_hand, ann, None),
    ]  # fmt: skip
