"""What is unread, counted for all members from one reading of the newest messages."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from server.store.mentioning import Mentioned
from server.store.room_messages import ListRooms
from server.store.tally import COUNTED_AMONG, UNREAD_COUNTED, ReadTally, tally_of
from tests.store.desk import Desk
from tests.store.talk import talk
from tests.store.test_reader import talking


@given(st.lists(st.sampled_from("abc"), max_size=30), st.integers(0, 31))
def test_it_counts_what_others_have_written_since(authors: list[str], read: int) -> None:
    log = [(seq, f"u_{author}", ()) for seq, author in enumerate(authors, 1)]
    tally = tally_of("r_1", len(log), reversed(log))
    for user in ("u_a", "u_b", "u_nobody"):
        assert tally.unread(user, read) == sum(seq > read and author != user for seq, author, _ in log)


def test_nobody_is_told_of_more_than_a_thousand() -> None:
    tally = tally_of("r_1", COUNTED_AMONG, ((seq, "u_a", ()) for seq in range(COUNTED_AMONG, 0, -1)))
    assert (tally.unread("u_b", 0), tally.unread("u_a", 0)) == (UNREAD_COUNTED, 0)


async def test_the_reader_counts_as_it_does_for_a_list_of_rooms(desk: Desk) -> None:
    _, bob, place = await talking(desk, messages=5)
    tally = await desk.read(ReadTally, room=place.room)
    (listed,) = (await desk.read(ListRooms, user=bob)).rooms
    assert (tally.head, tally.unread(bob, listed.read_seq)) == (listed.last_seq, listed.unread)
    assert tally.unread(bob, listed.last_seq) == 0


async def test_mentions_are_counted_as_the_store_does(desk: Desk) -> None:
    talking = await talk(desk)
    await talking.said("@bob", mentioned=Mentioned(("bob",)))
    await talking.said("@all", mentioned=Mentioned(everybody=True))
    await talking.said("@all", talking.bob, mentioned=Mentioned(everybody=True))
    await talking.said("@bob", mentioned=Mentioned(("bob",)))
    tally = await desk.read(ReadTally, room=talking.room.room)
    for user in (talking.ann, talking.bob):
        assert tally.mentions(user, 0) == (await talking.seen_by(user)).mentions
    assert tally.reaches_back_to(0)
