"""Rooms and sessions over a real store: what people can do, and what each of them hears."""

from __future__ import annotations

from msgspec import structs

from server.protocol.attention_commands import MarkUnread, Read, Typing
from server.protocol.entries import Joined, Left, MessageEntry
from server.protocol.errors import ErrorCode
from server.protocol.events import Presence, ReadMark, Receipt, RoomStats, TypingEvent
from server.protocol.hello_commands import Cursor
from server.protocol.invite_commands import Invite
from server.protocol.limits import REPLAY_PER_ROOM
from server.protocol.message_commands import Post
from server.protocol.page_commands import History, Log
from server.protocol.replies import Error, Ok, Resumed, Welcome
from server.protocol.room_commands import CreateRoom, Join, Leave, Members, Rooms
from server.sessions.messages import Congested, Drained, Revoked
from server.store.opening import Store
from tests.sessions.stage import Guest, Stage, staged


async def in_a_group(stage: Stage, *names: str) -> tuple[str, list[Guest]]:
    """So many people in one group, all there."""
    guests = [await stage.guest(name) for name in names]
    for guest in guests:
        await guest.come()
    host, *others = guests
    made = await host.ask(CreateRoom, kind="group", name="Friends", members=[g.user for g in others], nonce="make")
    assert isinstance(made, Ok)
    assert made.room is not None
    for guest in others:
        await guest.has_entries(made.room, len(guests))
    return made.room, guests


def code(answer: Ok | Error) -> ErrorCode | None:
    return answer.code if isinstance(answer, Error) else None


# --- posts -------------------------------------------------------------------------------------------------------


async def test_a_post_is_answered_and_then_heard_by_all(stage: Stage) -> None:
    room, (ann, bob) = await in_a_group(stage, "ann", "bob")
    answer = await ann.post(room, "hello")
    assert isinstance(answer, Ok)
    assert (answer.seq, answer.duplicate) == (3, False)
    await ann.hears(room, "hello")
    await bob.hears(room, "hello")
    assert ann.entries(room)[-1] is bob.entries(room)[-1], "one object for all, so that it is encoded once"
    assert ann.heard.index(answer) < ann.heard.index(ann.entries(room)[-1])


async def test_pipelined_posts_are_answered_in_their_order(stage: Stage) -> None:
    room, (ann, bob) = await in_a_group(stage, "ann", "bob")
    numbers = [ann.say(Post, room=room, nonce=f"n{n}", text=str(n)) for n in range(30)]
    history = ann.say(History, room=room, limit=200)
    page = await ann.answer_to(history)
    assert isinstance(page, Ok)
    assert page.messages is not None
    assert [m.text for m in page.messages] == [str(n) for n in range(30)], "what comes after a post sees it"
    assert [e.id for e in ann.heard if isinstance(e, Ok)][-31:] == [*numbers, history]
    await bob.hears(room, *(str(n) for n in range(30)))


async def test_a_nonce_is_good_for_one_message(stage: Stage) -> None:
    room, (ann, bob) = await in_a_group(stage, "ann", "bob")
    first, again, other = [
        await ann.answer_to(number)
        for number in [
            ann.say(Post, room=room, nonce="same", text="once"),
            ann.say(Post, room=room, nonce="same", text="once"),
            ann.say(Post, room=room, nonce="same", text="another"),
        ]
    ]
    assert isinstance(first, Ok)
    assert isinstance(again, Ok)
    assert (again.seq, again.at, again.duplicate) == (first.seq, first.at, True)
    assert code(other) == "conflict"
    later = await ann.post(room, "once", nonce="same")
    assert isinstance(later, Ok)
    assert (later.seq, later.duplicate) == (first.seq, True)
    assert isinstance(await bob.post(room, "my own", nonce="same"), Ok)


async def test_what_a_post_must_look_like(stage: Stage) -> None:
    room, (ann,) = await in_a_group(stage, "ann")
    assert code(await ann.post(room, " ")) == "bad_request"
    assert code(await ann.post(room, "x" * 4_001)) == "too_long"
    assert code(await ann.ask(Post, room=room, nonce="", text="x")) == "bad_request"
    assert code(await ann.ask(Post, room=room, nonce="r", text="x", reply_to=99)) == "no_such_message"
    assert code(await ann.ask(Post, room="r_NOWHERE", nonce="n", text="x")) == "no_such_room"
    assert code(await ann.ask(Post, room="nowhere", nonce="n", text="x")) == "no_such_room"


# --- rooms -------------------------------------------------------------------------------------------------------


async def test_the_creator_is_answered_with_the_room_and_hears_what_follows(stage: Stage) -> None:
    ann = await stage.guest("ann")
    await ann.come()
    made = await ann.ask(CreateRoom, kind="channel", name="garden", nonce="g")
    assert isinstance(made, Ok)
    assert made.info is not None
    assert (made.info.last_seq, made.info.role, made.info.members) == (1, "owner", 1)
    assert ann.entries(made.info.room) == [], "its own joining is counted in `last_seq`"
    again = await ann.ask(CreateRoom, kind="channel", name="garden", nonce="g")
    assert isinstance(again, Ok)
    assert again.room == made.room
    assert code(await ann.ask(CreateRoom, kind="channel", name="garden", nonce="other")) == "conflict"


async def test_joining_a_channel(stage: Stage) -> None:
    ann, bob = await stage.guest("ann"), await stage.guest("bob")
    await ann.come()
    await bob.come()
    room = (await ann.ask(CreateRoom, kind="channel", name="garden", nonce="g")).room  # type: ignore[union-attr]
    assert room is not None
    assert code(await bob.post(room, "may I?")) == "not_a_member"
    await ann.post(room, "before")
    joined = await bob.ask(Join, name="garden")
    assert isinstance(joined, Ok)
    assert joined.info is not None
    assert (joined.info.last_seq, joined.info.read_seq, joined.info.unread) == (3, 3, 0)
    await ann.until(lambda: [e for e in ann.entries(room) if isinstance(e, Joined)])
    await ann.post(room, "after")
    await bob.hears(room, "after")
    assert [entry.seq for entry in bob.entries(room)] == [4], "the next entry is `last_seq` + 1"
    again = await bob.ask(Join, room=room)
    assert isinstance(again, Ok)
    assert again.info is not None
    assert again.info.last_seq == 4
    assert code(await bob.ask(Join, name="nowhere")) == "no_such_room"
    assert code(await bob.ask(Join)) == "bad_request"


async def test_leaving_ends_what_is_heard(stage: Stage) -> None:
    room, (ann, bob) = await in_a_group(stage, "ann", "bob")
    phone = await stage.device_of(bob.user)
    await phone.come()
    assert isinstance(await bob.ask(Leave, room=room), Ok)
    assert isinstance(bob.heard[-1], Ok), "nothing of the room follows the answer"
    await ann.until(lambda: [e for e in ann.entries(room) if isinstance(e, Left)])
    await phone.until(lambda: phone.found(Left))
    await ann.post(room, "still here?")
    await ann.hears(room, "still here?")
    assert code(await bob.post(room, "yes")) == "no_such_room"
    assert code(await bob.ask(Leave, room=room)) == "no_such_room"
    assert bob.texts(room) == phone.texts(room) == []


async def test_an_invited_one_hears_everything_from_the_invitation_on(stage: Stage) -> None:
    room, (ann,) = await in_a_group(stage, "ann")
    bob = await stage.guest("bob")
    await bob.come()
    assert code(await bob.ask(History, room=room)) == "no_such_room"
    answer = await ann.ask(Invite, room=room, user="bob")
    assert isinstance(answer, Ok)
    assert answer.seq == 2
    await ann.post(room, "welcome")
    await bob.hears(room, "welcome")
    assert [entry.seq for entry in bob.entries(room)] == [2, 3]
    again = await ann.ask(Invite, room=room, user=bob.user)
    assert isinstance(again, Ok)
    assert again.seq is None
    assert code(await ann.ask(Invite, room=room, user="nobody")) == "no_such_user"


async def test_a_conversation_of_two_stays_one(stage: Stage) -> None:
    ann, bob, eve = [await stage.guest(name) for name in ("ann", "bob", "eve")]
    for guest in (ann, bob, eve):
        await guest.come()
    made = await ann.ask(CreateRoom, kind="dm", members=["bob"], nonce="1")
    assert isinstance(made, Ok)
    assert made.info is not None
    assert made.info.peer is not None
    assert (made.info.peer.user, made.info.peer.status) == (bob.user, "online")
    room = made.info.room
    await bob.until(lambda: len(bob.entries(room)) == 2)
    same = await bob.ask(CreateRoom, kind="dm", members=[ann.user], nonce="2")
    assert isinstance(same, Ok)
    assert same.room == room
    assert code(await ann.ask(Invite, room=room, user="eve")) == "forbidden"
    assert code(await ann.ask(Leave, room=room)) == "forbidden"
    assert code(await eve.ask(Join, room=room)) == "no_such_room"
    assert code(await ann.ask(CreateRoom, kind="dm", members=["ann"], nonce="3")) == "bad_request"


async def test_a_user_is_welcomed_and_written_under_all_names(stage: Stage) -> None:
    room, (ann, bob) = await in_a_group(stage, "ann", "bob")
    for display_name in (None, "Ann Ångström"):
        me = structs.replace(ann.identity.user, display_name=display_name)
        ann.identity = structs.replace(ann.identity, session=f"as {display_name}", user=me)
        assert (await ann.come()).me == me
        await ann.post(room, f"I am {display_name}")
        await bob.hears(room, f"I am {display_name}")
        entry = bob.entries(room)[-1]
        assert isinstance(entry, MessageEntry)
        assert entry.from_.name == "ann"


async def test_a_second_tab_learns_of_the_room_that_the_first_one_made(stage: Stage) -> None:
    ann = await stage.guest("ann")
    tab = Guest(stage, ann.identity)
    await ann.come()
    await tab.come()
    assert tab.session is ann.session
    made = await ann.ask(CreateRoom, kind="group", name="Mine", nonce="m")
    assert isinstance(made, Ok)
    assert made.room is not None
    room = made.room
    await tab.until(lambda: [entry.seq for entry in tab.entries(room)] == [1])
    await ann.post(room, "one")
    await tab.hears(room, "one")


# --- coming back -------------------------------------------------------------------------------------------------


async def test_who_was_away_resumes(stage: Stage) -> None:
    room, (ann, bob) = await in_a_group(stage, "ann", "bob")
    log = (await ann.ask(Rooms)).rooms[0].log  # type: ignore[union-attr,index]
    await bob.go()
    for n in range(250):
        ann.say(Post, room=room, nonce=f"n{n}", text=str(n))
    await ann.hears(room, "249")
    welcome = await bob.come(resume={room: Cursor(log, 2)})
    assert welcome.rooms[0].unread == 250
    resumed = await bob.until(lambda: bob.found(Resumed))
    assert (resumed.recovered, resumed.from_, resumed.to, resumed.last_seq) == (True, 3, 252, 252)
    await ann.post(room, "live")
    await bob.hears(room, "live")
    assert [entry.seq for entry in bob.entries(room)] == list(range(3, 254))
    assert bob.heard.index(resumed) == len(bob.heard) - 2 - len(
        [e for e in bob.heard[bob.heard.index(resumed) :] if isinstance(e, Presence)]
    )


async def test_what_cannot_be_recovered_is_said(stage: Stage) -> None:
    room, (ann, bob) = await in_a_group(stage, "ann", "bob")
    log = (await ann.ask(Rooms)).rooms[0].log  # type: ignore[union-attr,index]
    await bob.go()
    for n in range(REPLAY_PER_ROOM + 1):
        ann.say(Post, room=room, nonce=f"n{n}", text=str(n))
    await ann.hears(room, str(REPLAY_PER_ROOM))
    for cursor in (Cursor(log, 2), Cursor("l_other", 2), Cursor(log, 99_999)):
        await bob.come(resume={room: cursor})
        resumed = await bob.until(lambda: bob.found(Resumed))
        assert (resumed.recovered, resumed.last_seq) == (False, REPLAY_PER_ROOM + 3)
        assert resumed.reason
        assert bob.entries(room) == []
        await bob.go()
    await bob.come(resume={"r_LOST": Cursor(log, 1)})
    left = await bob.until(lambda: bob.found(Left))
    assert (left.room, left.user, left.seq) == ("r_LOST", bob.user, None)


async def test_a_slow_socket_is_fed_from_the_log_at_its_pace(stage: Stage) -> None:
    room, (ann, bob) = await in_a_group(stage, "ann", "bob")
    bob.slow = True
    bob.session.answer(Congested(bob.line))
    await bob.until(lambda: bob.wants_drained)
    for n in range(300):
        ann.say(Post, room=room, nonce=f"n{n}", text=str(n))
    await ann.hears(room, "299")
    assert bob.texts(room) == [], "nothing more is queued for it"
    while len(bob.texts(room)) < 300:
        seen = len(bob.texts(room))
        bob.wants_drained = False
        bob.session.answer(Drained(bob.line))
        await bob.until(lambda: bob.wants_drained or len(bob.texts(room)) == 300)
        assert len(bob.texts(room)) - seen <= 107, "one page at a time"
    assert [entry.seq for entry in bob.entries(room)] == list(range(1, 303))


async def test_a_revoked_session_is_closed(stage: Stage) -> None:
    _, (ann,) = await in_a_group(stage, "ann")
    ann.session.answer(Revoked())
    assert await ann.until_closed() == 4500


# --- what passes -------------------------------------------------------------------------------------------------


async def test_receipts_go_to_the_authors_only(stage: Stage) -> None:
    room, (ann, bob, eve) = await in_a_group(stage, "ann", "bob", "eve")
    posted = await ann.post(room, "read this")
    assert isinstance(posted, Ok)
    assert isinstance(await bob.ask(Read, room=room, seq=9_999), Ok)
    receipt = await ann.until(lambda: ann.found(Receipt))
    assert (receipt.user, receipt.read, receipt.received) == (bob.user, posted.seq, posted.seq)
    assert (bob.found(Receipt), eve.found(Receipt)) == (None, None)
    rooms = await bob.ask(Rooms)
    assert isinstance(rooms, Ok)
    assert rooms.rooms is not None
    assert (rooms.rooms[0].read_seq, rooms.rooms[0].unread) == (posted.seq, 0)


async def test_what_was_read_on_one_device_is_read_on_all(stage: Stage) -> None:
    room, (ann, bob) = await in_a_group(stage, "ann", "bob")
    phone, tab = await stage.device_of(bob.user), Guest(stage, bob.identity)
    await phone.come()
    await tab.come()
    posted = [await ann.post(room, text) for text in ("one", "two")]
    last = posted[-1].seq if isinstance(posted[-1], Ok) else None
    assert isinstance(last, int)
    assert await bob.ask(Read, room=room, seq=last) == Ok(id=1, read_seq=last)
    for device in (phone, tab):
        await hears_of(device, ReadMark(room=room, read_seq=last))
        assert await unread_on(device) == (last, 0)
    answer = await phone.ask(MarkUnread, room=room, seq=last)
    assert isinstance(answer, Ok)
    assert answer.read_seq == last - 1
    for device in (bob, tab):
        await hears_of(device, ReadMark(room=room, read_seq=last - 1))
    assert ReadMark(room=room, read_seq=last - 1) not in phone.heard, "whoever said it is answered"
    for device in (bob, tab, phone, await stage.device_of(bob.user)):
        await device.come()
        assert await unread_on(device) == (last - 1, 1)
    await phone.ask(Read, room=room, seq=last)
    assert not [event for event in ann.heard if isinstance(event, ReadMark)]


async def test_who_connects_while_a_mark_is_on_its_way_is_told_of_it(stage: Stage) -> None:
    room, (ann, bob) = await in_a_group(stage, "ann", "bob")
    await ann.post(room, "one")
    await bob.ask(Read, room=room, seq=3)
    later = await stage.device_of(bob.user)
    welcome = await later.come()
    if welcome.rooms[0].read_seq != 3:
        await hears_of(later, ReadMark(room=room, read_seq=3))
    assert await unread_on(later) == (3, 0)


async def hears_of(device: Guest, mark: ReadMark) -> None:
    await device.until(lambda: mark in device.heard)


async def unread_on(device: Guest) -> tuple[int, int]:
    answer = await device.ask(Rooms)
    assert isinstance(answer, Ok)
    assert answer.rooms is not None
    return answer.rooms[0].read_seq, answer.rooms[0].unread


async def test_typing_is_passed_on_once_in_a_while(stage: Stage) -> None:
    room, (ann, bob) = await in_a_group(stage, "ann", "bob")
    for _ in range(5):
        bob.say(Typing, room=room)
    assert isinstance(await bob.ask(Typing, room=room), Ok)
    await ann.until(lambda: ann.found(TypingEvent))
    await bob.post(room, "done")
    await ann.hears(room, "done")
    assert len([event for event in ann.heard if isinstance(event, TypingEvent)]) == 1
    assert bob.found(TypingEvent) is None


async def test_people_are_there_by_their_sessions(stage: Stage) -> None:
    room, (ann, bob) = await in_a_group(stage, "ann", "bob")
    page = await ann.ask(Members, room=room)
    assert isinstance(page, Ok)
    assert page.members is not None
    assert {m.user.name: m.user.status for m in page.members} == {"ann": "online", "bob": "online"}
    await bob.go()
    await ann.until(lambda: [e for e in ann.heard if e == Presence(user=bob.user, status="offline")])
    page = await ann.ask(Members, room=room)
    assert isinstance(page, Ok)
    assert page.members is not None
    assert {m.user.name: m.user.status for m in page.members} == {"ann": "online", "bob": "offline"}
    assert code(await ann.ask(Members, room=room, limit=201)) == "bad_request"
    assert code(await ann.ask(Members, room=room, next="\0")) == "bad_request"


async def test_in_a_large_channel_membership_is_a_table(store: Store) -> None:
    async with staged(store, small_room=2) as stage:
        guests = [await stage.guest(f"guest{n}") for n in range(4)]
        for guest in guests:
            await guest.come()
        made = await guests[0].ask(CreateRoom, kind="channel", name="hall", nonce="h")
        assert isinstance(made, Ok)
        assert made.room is not None
        room = made.room
        answers = [await guest.ask(Join, room=room) for guest in guests[1:]]
        joined = answers[-1]
        assert isinstance(joined, Ok)
        assert joined.info is not None
        assert (joined.info.members, joined.info.last_seq) == (4, 3), "the last one came in without an entry"
        await guests[0].until(lambda: [e for e in guests[0].heard if e == RoomStats(room=room, members=4, online=4)])
        assert isinstance(await guests[3].ask(Leave, room=room), Ok)
        await guests[0].post(room, "hello")
        await guests[2].hears(room, "hello")
        log = await guests[0].ask(Log, room=room, after=0, limit=500)
        assert isinstance(log, Ok)
        assert log.entries is not None
        assert [type(entry) for entry in log.entries] == [Joined, Joined, Joined, MessageEntry]
        assert (log.from_, log.to, log.more) == (1, 4, False)


async def test_a_session_ends_with_its_last_connection(stage: Stage) -> None:
    ann = await stage.guest("ann")
    tab = Guest(stage, ann.identity)
    await ann.come()
    welcome = await tab.come()
    assert isinstance(welcome, Welcome)
    session = ann.session
    tab.line.tell("hang up")
    await stage.until(lambda: not tab.line.alive)
    assert isinstance(await ann.ask(Rooms), Ok)
    assert session.alive
    await ann.go()
    assert not session.alive
