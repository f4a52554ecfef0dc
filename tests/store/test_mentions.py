"""Whom messages mention, and how many of them each reader has before them."""

from __future__ import annotations

from server.protocol.mentions import EVERYBODY
from server.store.changes import MessageGone, NewText
from server.store.log_messages import Denied, Known, Landed, MemberGone, NewMember, NewMessage
from server.store.mentioning import Mentioned
from server.store.room_messages import ListRooms, Mark, SaveMarks
from tests.store.desk import Desk
from tests.store.talk import Talk, talk

BOB = Mentioned(("bob",))
ALL = Mentioned(everybody=True)


async def mentions(talking: Talk, user: str) -> int:
    return (await talking.seen_by(user)).mentions


async def read(talking: Talk, user: str, seq: int) -> None:
    """Marks are written behind: what is asked of the writer afterwards is answered behind them."""
    talking.desk.writes.tell(SaveMarks(talking.room.room, (Mark(user, seq, seq),)))
    await talking.said("and so on", talking.ann)


async def test_who_is_mentioned_is_said_wherever_the_message_is_read(desk: Desk) -> None:
    talking = await talk(desk)
    seq = await talking.said("@bob", mentioned=BOB)
    [landed] = talking.room.ear.outcomes
    assert isinstance(landed, Landed)
    assert landed.mentions == (talking.bob,)
    assert (await talking.history())[seq].mentions == (talking.bob,)
    assert [entry.mentions for entry in await talking.log()] == [(talking.bob,)]


async def test_only_members_of_the_room_are_mentioned(desk: Desk) -> None:
    talking = await talk(desk)
    eve = await desk.user("eve")
    await desk.created(eve, talking.bob, name="Others")
    seq = await talking.said("@eve @nobody @bob", mentioned=Mentioned(("eve", "nobody", "bob")))
    assert (await talking.history())[seq].mentions == (talking.bob,)
    assert [room.mentions for room in (await desk.read(ListRooms, user=eve)).rooms] == [0]


async def test_other_peoples_mentions_are_counted_behind_the_read_mark(desk: Desk) -> None:
    talking = await talk(desk)
    first = await talking.said("@bob", mentioned=BOB)
    await talking.said("@bob", talking.bob, mentioned=BOB)
    await talking.said("@ann", mentioned=Mentioned(("ann",)))
    await talking.said("hello")
    await talking.said("@bob", mentioned=BOB)
    assert await mentions(talking, talking.bob) == 2, "who mentions themselves knows it"
    assert await mentions(talking, talking.ann) == 0
    await read(talking, talking.bob, first)
    assert await mentions(talking, talking.bob) == 1


async def test_all_are_mentioned_but_the_author_and_nobody_twice(desk: Desk) -> None:
    talking = await talk(desk)
    seq = await talking.said("@all and @bob", mentioned=Mentioned(("bob",), here=(talking.bob,), everybody=True))
    assert (await talking.history())[seq].mentions == (EVERYBODY,)
    assert (await mentions(talking, talking.ann), await mentions(talking, talking.bob)) == (0, 1)


async def test_who_comes_later_was_not_mentioned(desk: Desk) -> None:
    talking = await talk(desk)
    cat = await desk.user("cat")
    await talking.said("@all @cat", mentioned=ALL)
    await talking.changed(NewMember(cat, "member"))
    assert await mentions(talking, cat) == 0
    await talking.said("@all", mentioned=ALL)
    await talking.said("@cat", mentioned=Mentioned(("cat",)))
    assert await mentions(talking, cat) == 2
    await talking.changed(MemberGone(cat), NewMember(cat, "member"))
    assert await mentions(talking, cat) == 0


async def test_who_has_left_ahead_of_it_in_the_same_commit_is_not_mentioned(desk: Desk) -> None:
    talking = await talk(desk)
    first = await talking.said("hello")
    gone, said, edited = await talking.changed(
        MemberGone(talking.bob), NewMessage(talking.ann, "n", "@bob", mentioned=BOB),
        NewText(talking.ann, first, "@bob", BOB),
    )  # fmt: skip
    assert isinstance(gone, Landed)
    assert [getattr(outcome, "mentions", None) for outcome in (said, edited)] == [(), ()]


async def test_who_came_ahead_of_it_in_the_same_commit_is_mentioned_and_who_came_behind_it_is_not(desk: Desk) -> None:
    talking = await talk(desk)
    cat, dan = await desk.user("cat"), await desk.user("dan")
    both = Mentioned(("cat", "dan"))
    _, said, _, _, again = await talking.changed(
        NewMember(cat, "member", by=talking.ann), NewMessage(talking.ann, "n", "@cat @dan", mentioned=both),
        NewMember(dan, "member", by=talking.ann), MemberGone(cat),
        NewMessage(talking.ann, "m", "@cat @dan", mentioned=both),
    )  # fmt: skip
    assert [getattr(outcome, "mentions", None) for outcome in (said, again)] == [(cat,), (dan,)]
    assert await mentions(talking, dan) == 1


async def test_who_came_is_mentioned_also_where_every_append_is_looked_at_by_itself(desk: Desk) -> None:
    talking = await talk(desk)
    cat = await desk.user("cat")
    await talking.said("hello", nonce="used")
    _, said, conflict = await talking.changed(
        NewMember(cat, "member"), NewMessage(talking.ann, "n", "@cat @bob", mentioned=Mentioned(("cat", "bob"))),
        NewMessage(talking.ann, "used", "something else"),
    )  # fmt: skip
    assert isinstance(conflict, Denied)
    assert isinstance(said, Landed)
    assert set(said.mentions) == {talking.bob, cat}


async def test_those_who_were_there_are_mentioned(desk: Desk) -> None:
    talking = await talk(desk)
    seq = await talking.said("@here", mentioned=Mentioned(here=(talking.ann, talking.bob)))
    assert (await talking.history())[seq].mentions == (talking.bob,), "but not who says it"


async def test_a_deleted_message_mentions_nobody(desk: Desk) -> None:
    talking = await talk(desk)
    first = await talking.said("@bob", mentioned=BOB)
    second = await talking.said("@all", mentioned=ALL)
    await talking.changed(MessageGone(talking.ann, first), MessageGone(talking.ann, second))
    assert await mentions(talking, talking.bob) == 0
    assert [entry.mentions for entry in (await talking.log())[:2]] == [(), ()]


async def test_an_edit_mentions_whom_it_says_and_nobody_besides(desk: Desk) -> None:
    talking = await talk(desk)
    cat = await desk.user("cat")
    await talking.changed(NewMember(cat, "member"))
    seq = await talking.said("@bob", mentioned=BOB)
    await talking.changed(NewText(talking.ann, seq, "@cat", Mentioned(("cat",))))
    assert [await mentions(talking, user) for user in (talking.bob, cat)] == [0, 1]
    assert (await talking.history())[seq].mentions == (cat,)
    told, edited = (await talking.log())[1:]
    assert (told.mentions, edited.mentions) == ((cat,), (cat,))
    await talking.changed(NewText(talking.ann, seq, "@all", ALL), NewText(talking.ann, seq, "nobody"))
    assert [await mentions(talking, user) for user in (talking.bob, cat)] == [0, 0]
    assert [entry.mentions for entry in (await talking.log())[1:]] == [()] * 4


async def test_an_edit_that_says_here_means_those_who_were_there(desk: Desk) -> None:
    talking = await talk(desk)
    cat = await desk.user("cat")
    await talking.changed(NewMember(cat, "member"))
    seq = await talking.said("@here", mentioned=Mentioned(here=(talking.bob,)))
    [landed] = await talking.changed(NewText(talking.ann, seq, "@here @cat", Mentioned(("cat",), again=True)))
    assert isinstance(landed, Landed)
    assert set(landed.mentions) == {talking.bob, cat}
    all_of_them = await talking.said("@all", mentioned=ALL)
    [landed] = await talking.changed(NewText(talking.ann, all_of_them, "@here", Mentioned(again=True)))
    assert isinstance(landed, Landed)
    assert landed.mentions == (EVERYBODY,)


async def test_a_retry_may_be_said_while_others_are_there(desk: Desk) -> None:
    talking = await talk(desk)
    first = await talking.said("@here", nonce="n", mentioned=Mentioned(here=(talking.bob,)))
    again = NewMessage(talking.ann, "n", "@here", mentioned=Mentioned(here=()))
    [known] = await talking.changed(again)
    assert isinstance(known, Known)
    assert known.seq == first
    assert await mentions(talking, talking.bob) == 1
