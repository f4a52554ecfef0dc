"""Clients that do not look at a large room: what they hear of it, and that nothing is missing when they look. And what
their users want to be called for."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import trio

from server.protocol.attention_commands import Attend, Focus, Read
from server.protocol.entries import Entry, Joined, Left
from server.protocol.events import Activity, Attention
from server.protocol.governing_commands import Kick
from server.protocol.hello_commands import Cursor
from server.protocol.invite_commands import Invite
from server.protocol.message_commands import Delete, Post
from server.protocol.page_commands import History
from server.protocol.replies import Ok, Resumed
from server.protocol.room_commands import CreateRoom, Rooms
from server.sessions.attention import Rules
from server.sessions.messages import Congested, Drained
from server.store.opening import Store
from tests.sessions.stage import Guest, Stage, staged

LARGE = Rules(above=2, every=1.0)


@pytest.fixture
async def stage(store: Store) -> AsyncIterator[Stage]:
    async with staged(store, attention=LARGE) as running:
        yield running


async def a_large_room(stage: Stage, *names: str) -> tuple[str, list[Guest]]:
    """The first one has made it, and is there, with everything; the others are members, and not there."""
    guests = [await stage.guest(name) for name in names]
    host, *others = guests
    await host.come()
    made = await host.ask(CreateRoom, kind="group", name="Hall", members=[g.user for g in others], nonce="make")
    assert isinstance(made, Ok)
    assert made.room is not None
    return made.room, guests


def activity(guest: Guest, room: str) -> Activity | None:
    """The newest one."""
    told = [event for event in guest.heard if isinstance(event, Activity) and event.room == room]
    return told[-1] if told else None


async def is_told(guest: Guest, room: str, last_seq: int, unread: int, mentions: int = 0) -> None:
    wanted = Activity(room=room, last_seq=last_seq, unread=unread, mentions=mentions)
    await guest.until(lambda: activity(guest, room) == wanted)


def seqs(guest: Guest, room: str) -> list[int | None]:
    return [entry.seq for entry in guest.entries(room)]


async def looks(guest: Guest, room: str | None) -> Ok:
    answer = await guest.ask(Focus, room=room)
    assert isinstance(answer, Ok)
    return answer


# --- not looking -------------------------------------------------------------------------------------------------


async def test_who_is_not_looking_hears_how_far_it_went_and_nothing_else(stage: Stage) -> None:
    room, (ann, bob, eve) = await a_large_room(stage, "ann", "bob", "eve")
    await bob.come(passive=True)
    await eve.come()
    for number in range(5):
        await ann.post(room, f"{number}")
    await is_told(bob, room, 8, 5)
    assert seqs(bob, room) == []
    await eve.has_entries(room, 5)


async def test_a_room_that_is_not_large_is_told_to_everybody(stage: Stage) -> None:
    room, (ann, bob) = await a_large_room(stage, "ann", "bob")
    await bob.come(passive=True)
    await ann.post(room, "hello")
    await bob.hears(room, "hello")
    await looks(bob, None)
    await ann.post(room, "still there?")
    await bob.hears(room, "hello", "still there?")
    assert activity(bob, room) is None


async def test_what_was_deleted_is_not_unread_and_neither_is_ones_own(stage: Stage) -> None:
    room, (ann, bob, _) = await a_large_room(stage, "ann", "bob", "eve")
    await bob.come(passive=True)
    await ann.post(room, "one")
    await ann.post(room, "two")
    await bob.post(room, "mine")
    await is_told(bob, room, 6, 2)
    await ann.ask(Delete, room=room, target=4)
    await is_told(bob, room, 7, 1)
    assert seqs(bob, room) == [], "not even what it said itself"


async def test_what_was_read_is_not_unread(stage: Stage) -> None:
    room, (ann, bob, _) = await a_large_room(stage, "ann", "bob", "eve")
    await bob.come(passive=True)
    for number in range(3):
        await ann.post(room, f"{number}")
    await is_told(bob, room, 6, 3)
    await bob.ask(Read, room=room, seq=5)
    await is_told(bob, room, 6, 1)


async def test_who_is_mentioned_hears_of_it_at_once(store: Store) -> None:
    async with staged(store, attention=Rules(above=2, every=1_000.0)) as stage:
        room, (ann, bob, eve) = await a_large_room(stage, "ann", "bob", "eve")
        await bob.come(passive=True)
        await eve.come(passive=True)
        await ann.post(room, "hello")
        await is_told(bob, room, 4, 1)
        await ann.post(room, "@bob")
        await is_told(bob, room, 5, 2, mentions=1)
        await ann.post(room, "@all")
        await is_told(bob, room, 6, 3, mentions=2)
        await is_told(eve, room, 6, 3, mentions=1)
        await bob.ask(Read, room=room, seq=5)
        await is_told(bob, room, 6, 1, mentions=1)


async def test_all_of_many_are_told_in_the_end(stage: Stage) -> None:
    names = ["ann", *(f"p{number}" for number in range(20))]
    room, (ann, *others) = await a_large_room(stage, *names)
    for guest in others:
        await guest.come(passive=True)
    for number in range(3):
        await ann.post(room, f"{number}")
    for guest in others:
        await is_told(guest, room, len(names) + 3, 3)


# --- looking -----------------------------------------------------------------------------------------------------


async def test_live_entries_begin_exactly_behind_the_answer_and_end_with_the_focus(stage: Stage) -> None:
    room, (ann, bob, _) = await a_large_room(stage, "ann", "bob", "eve")
    await bob.come(passive=True)
    await ann.post(room, "before")
    focused = await looks(bob, room)
    assert focused.last_seq == 4
    await ann.post(room, "now")
    await bob.hears(room, "now")
    await looks(bob, None)
    await ann.post(room, "after")
    await is_told(bob, room, 6, 3)
    assert bob.texts(room) == ["now"]


async def test_who_looks_again_and_again_while_people_post_misses_nothing(stage: Stage) -> None:
    room, (ann, bob, _) = await a_large_room(stage, "ann", "bob", "eve")
    await bob.come(passive=True)
    wanted = 40

    async def talk() -> None:
        for number in range(wanted):
            await ann.post(room, f"{number}")

    async with trio.open_nursery() as nursery:
        nursery.start_soon(talk)
        for _ in range(12):
            focused = await looks(bob, room)
            assert focused.last_seq is not None
            await ann.has_entries(room, min(wanted, len(ann.entries(room)) + 2))
            blurred = await looks(bob, None)
            first = bob.heard.index(focused)
            between = bob.heard[first : bob.heard.index(blurred)]
            seen = [event.seq for event in between if isinstance(event, Entry)]
            assert seen == list(range(focused.last_seq + 1, focused.last_seq + 1 + len(seen)))
    await is_told(bob, room, 3 + wanted, wanted)
    page = await bob.ask(History, room=room, limit=200)
    assert isinstance(page, Ok)
    assert page.messages is not None
    assert len(page.messages) == wanted


async def test_the_focus_of_the_beginning(stage: Stage) -> None:
    room, (ann, bob, _) = await a_large_room(stage, "ann", "bob", "eve")
    welcome = await bob.come(passive=True, focus=room)
    await ann.post(room, "hello")
    await bob.hears(room, "hello")
    assert seqs(bob, room) == [welcome.rooms[0].last_seq + 1]


async def test_what_a_client_names_in_resume_comes_and_no_more(stage: Stage) -> None:
    room, (ann, bob, _) = await a_large_room(stage, "ann", "bob", "eve")
    await ann.post(room, "missed")
    log = (await bob.come()).rooms[0].log
    await bob.go()
    await bob.come({room: Cursor(log, 2)}, passive=True)
    await bob.until(lambda: bob.found(Resumed))
    assert seqs(bob, room) == [3, 4]
    await ann.post(room, "unseen")
    await is_told(bob, room, 5, 2)
    assert seqs(bob, room) == [3, 4]


async def test_to_look_at_a_room_that_is_none_is_refused_like_everything_there(stage: Stage) -> None:
    room, (_, bob, _) = await a_large_room(stage, "ann", "bob", "eve")
    await bob.come(passive=True)
    stranger = await stage.guest("mallory")
    await stranger.come(passive=True)
    refused = await stranger.ask(Focus, room=room)
    unknown = await stranger.ask(Focus, room="r_0123456789ABCDEFGHJKMNPQRS")
    assert not isinstance(refused, Ok)
    assert not isinstance(unknown, Ok)
    assert (refused.code, refused.message) == (unknown.code, unknown.message)


async def test_whoever_is_removed_hears_of_it_without_looking(stage: Stage) -> None:
    room, (ann, bob, _) = await a_large_room(stage, "ann", "bob", "eve")
    await bob.come(passive=True)
    await ann.post(room, "unseen")
    await ann.ask(Kick, room=room, user="bob")
    left = await bob.until(lambda: bob.found(Left))
    assert (left.room, left.user, left.seq) == (room, bob.user, None)
    assert seqs(bob, room) == [None]


# --- several connections, and trouble ----------------------------------------------------------------------------


async def test_each_connection_of_a_session_has_a_focus_of_its_own(stage: Stage) -> None:
    room, (ann, bob, _) = await a_large_room(stage, "ann", "bob", "eve")
    other = Guest(stage, bob.identity)
    await bob.come(passive=True)
    await other.come(passive=True)
    await looks(bob, room)
    await ann.post(room, "one")
    await bob.hears(room, "one")
    await is_told(other, room, 4, 1)
    assert seqs(other, room) == []
    assert activity(bob, room) is None


async def test_a_connection_that_wants_everything_gets_it_beside_one_that_does_not(stage: Stage) -> None:
    room, (ann, bob, _) = await a_large_room(stage, "ann", "bob", "eve")
    other = Guest(stage, bob.identity)
    await bob.come(passive=True)
    await ann.post(room, "one")
    welcome = await other.come()
    for number in range(3):
        await ann.post(room, f"{number}")
    await other.hears(room, "0", "1", "2")
    first = welcome.rooms[0].last_seq + 1
    assert seqs(other, room) == list(range(first, 8))
    await is_told(bob, room, 7, 4)
    other.line.tell("hang up")
    await stage.until(lambda: not other.line.alive)
    await ann.post(room, "alone again")
    await is_told(bob, room, 8, 5)
    assert seqs(bob, room) == []


async def test_numbers_are_right_after_the_room_has_crashed(stage: Stage) -> None:
    room, (ann, bob, _) = await a_large_room(stage, "ann", "bob", "eve")
    await bob.come(passive=True)
    for number in range(2):
        await ann.post_until_taken(room, f"{number}")
        address = stage.room(room)
        assert address is not None
        before = address.incarnation
        address.tell("nobody tells a room this")
        await stage.until(lambda address=address, before=before: address.incarnation != before)  # type: ignore[misc]
    await ann.post_until_taken(room, "last")
    await is_told(bob, room, 6, 3)
    assert seqs(bob, room) == []


async def test_a_slow_connection_is_told_when_it_has_drained(stage: Stage) -> None:
    room, (ann, bob, _) = await a_large_room(stage, "ann", "bob", "eve")
    await bob.come(passive=True)
    bob.slow = True
    bob.session.tell(Congested(bob.line))
    await bob.until(lambda: bob.wants_drained)
    other = Guest(stage, bob.identity)
    await other.come(passive=True)
    await ann.ask(Post, room=room, nonce="n", text="hello")
    await is_told(other, room, 4, 1)
    assert activity(bob, room) is None
    bob.session.answer(Drained(bob.line))
    await is_told(bob, room, 4, 1)


# --- what one wants to be called for -----------------------------------------------------------------------------


async def test_a_level_is_told_to_all_devices_and_is_there_when_one_comes_again(stage: Stage) -> None:
    room, (ann, bob, _) = await a_large_room(stage, "ann", "bob", "eve")
    phone = await stage.device_of(bob.user)
    assert (await bob.come()).rooms[0].level == "all"
    await phone.come(passive=True)
    assert isinstance(await bob.ask(Attend, room=room, level="mentions"), Ok)
    for device in (bob, phone):
        await device.until(lambda device=device: device.found(Attention))  # type: ignore[misc]
        assert device.found(Attention) == Attention(room=room, level="mentions")
    assert (await ann.ask(Rooms)).rooms[0].level == "all"  # type: ignore[union-attr, index]
    await phone.go()
    assert (await phone.come()).rooms[0].level == "mentions"
    await bob.ask(Attend, room=room, level="all")
    assert (await bob.ask(Rooms)).rooms[0].level == "all"  # type: ignore[union-attr, index]


async def test_a_level_ends_with_the_membership(stage: Stage) -> None:
    room, (ann, bob, _) = await a_large_room(stage, "ann", "bob", "eve")
    await bob.come()
    await bob.ask(Attend, room=room, level="none")
    await ann.ask(Kick, room=room, user="bob")
    refused = await bob.ask(Attend, room=room, level="all")
    assert not isinstance(refused, Ok)
    assert refused.code == "no_such_room"
    await ann.ask(Invite, room=room, user="bob")
    await bob.until(lambda: [e for e in bob.heard if isinstance(e, Joined)])
    assert (await bob.ask(Rooms)).rooms[0].level == "all"  # type: ignore[union-attr, index]
