"""Something crashes under traffic: the process lives, nothing acknowledged is lost, nobody misses or doubles a thing.

What crashes are subclasses made here; the product has no switch for it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

import pytest
import trio
from pysqlite3 import dbapi2 as sqlite3  # the store's own: two libraries in a process do not see each other's locks

from server.protocol.attention_commands import Read
from server.protocol.entries import MessageEntry
from server.protocol.events import Receipt
from server.protocol.hello_commands import Cursor
from server.protocol.message_commands import Post
from server.protocol.replies import Error, Ok, Resumed
from server.protocol.room_commands import CreateRoom, Join, Rooms
from server.rooms import fan_out, telling
from server.rooms.actor import RoomActor
from server.rooms.messages import Delivery, Request
from server.sessions.actor import SessionActor
from server.store.log_messages import Landed, Outcomes
from server.store.opening import Store
from tests.sessions.stage import Guest, Stage, staged
from tests.store.desk import database_file


class Forced(Exception):
    """What a test makes happen."""


class Fuse:
    """Blows so many times, then lets everything pass."""

    def __init__(self) -> None:
        self.charges = 0
        self.blown = 0

    def blow(self) -> None:
        if self.charges:
            self.charges -= 1
            self.blown += 1
            raise Forced


class FragileRoom(RoomActor):
    """Crashes when it is told that something landed, before anybody hears of it; or after the first slice."""

    __slots__ = ()
    before_answers: ClassVar[Fuse]
    between_slices: ClassVar[Fuse]

    def receive(self, message: object) -> None:
        if isinstance(message, Outcomes) and any(isinstance(one, Landed) for one in message.outcomes):
            self.before_answers.blow()
        if message is telling.NEXT_SLICE:
            self.between_slices.blow()
        if isinstance(message, Request) and isinstance(message.command, Post) and message.command.text == "poison":
            raise Forced
        super().receive(message)


class FragileSession(SessionActor):
    """Crashes in the middle of passing something on."""

    __slots__ = ()
    fuse: ClassVar[Fuse]

    def receive(self, message: object) -> None:
        if isinstance(message, Delivery):
            self.fuse.blow()
        super().receive(message)


@pytest.fixture(autouse=True)
def fuses() -> None:
    FragileRoom.before_answers, FragileRoom.between_slices, FragileSession.fuse = Fuse(), Fuse(), Fuse()


@pytest.fixture
def stored(store: Store) -> Callable[[str], list[tuple[int, str]]]:
    """What the log of a room holds, read past the server."""

    def read(room: str) -> list[tuple[int, str]]:
        with sqlite3.connect(database_file(store)) as database:
            rows: list[tuple[int, str]] = database.execute(
                "SELECT seq, text FROM entries WHERE room_id = ? AND kind = 'message' ORDER BY seq", (room,)
            ).fetchall()
            return rows

    return read


async def in_a_channel(stage: Stage, count: int) -> tuple[str, list[Guest]]:
    guests = [await stage.guest(f"guest{n}") for n in range(count)]
    for guest in guests:
        await guest.come()
    made = await guests[0].ask(CreateRoom, kind="channel", name="hall", nonce="h")
    assert isinstance(made, Ok)
    assert made.room is not None
    for guest in guests[1:]:
        assert isinstance(await guest.ask(Join, room=made.room), Ok)
    return made.room, guests


def contiguous(guest: Guest, room: str) -> bool:
    seqs = [entry.seq for entry in guest.entries(room)]
    assert seqs == list(range(seqs[0] or 0, (seqs[0] or 0) + len(seqs))), "nothing missed, nothing twice"
    return True


async def test_a_room_that_crashes_between_commit_and_acknowledgement(
    store: Store, stored: Callable[[str], list[tuple[int, str]]]
) -> None:
    async with staged(store, room=FragileRoom) as stage:
        room, guests = await in_a_channel(stage, 3)
        FragileRoom.before_answers.charges = 1
        first = await guests[0].post(room, "on disk", nonce="n")
        assert isinstance(first, Error)
        assert first.code == "unavailable", "nobody knows yet"
        retried = await guests[0].post(room, "on disk", nonce="n")
        assert isinstance(retried, Ok)
        assert retried.duplicate
        await guests[0].post_until_taken(room, "next")
        for guest in guests:
            await guest.hears(room, "on disk", "next")
            assert contiguous(guest, room)
        assert [text for _, text in stored(room)] == ["on disk", "next"]
        assert FragileRoom.before_answers.blown == 1


async def test_a_room_that_crashes_between_two_slices(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fan_out, "SLICE", 2)
    monkeypatch.setattr(telling, "AT_ONCE", 2)
    async with staged(store, room=FragileRoom) as stage:
        room, guests = await in_a_channel(stage, 7)
        await guests[0].post_until_taken(room, "warm")
        for guest in guests:
            await guest.hears(room, "warm")
        FragileRoom.between_slices.charges = 1
        await guests[0].post_until_taken(room, "torn")
        await guests[0].post_until_taken(room, "whole")
        for guest in guests:
            await guest.hears(room, "warm", "torn", "whole")
            assert contiguous(guest, room)
        assert FragileRoom.between_slices.blown == 1


async def test_a_room_that_crashes_again_and_again_under_traffic(
    store: Store, stored: Callable[[str], list[tuple[int, str]]]
) -> None:
    async with staged(store, room=FragileRoom) as stage:
        room, guests = await in_a_channel(stage, 4)
        acknowledged: dict[str, int] = {}

        async def talk(guest: Guest) -> None:
            for n in range(25):
                answer = await guest.post_until_taken(room, f"{guest.user} {n}")
                acknowledged[f"{guest.user} {n}"] = answer.seq or 0

        async with trio.open_nursery() as nursery:
            for guest in guests:
                nursery.start_soon(talk, guest)
            for _ in range(2):
                FragileRoom.before_answers.charges = 1
                await stage.until(lambda: FragileRoom.before_answers.charges == 0)
        log = stored(room)
        assert {text: seq for seq, text in log} == acknowledged
        for guest in guests:
            await guest.hears(room, *(text for _, text in log))
            assert contiguous(guest, room)


async def test_a_poisonous_message_quarantines_its_room_and_nothing_else(store: Store) -> None:
    async with staged(store, room=FragileRoom) as stage:
        room, (ann, bob) = await in_a_channel(stage, 2)
        other = await ann.ask(CreateRoom, kind="group", name="Other", nonce="o")
        assert isinstance(other, Ok)
        assert other.room is not None
        answers = [await ann.post(room, "poison", nonce="p") for _ in range(4)]
        assert {a.code for a in answers if isinstance(a, Error)} == {"unavailable"}
        last = answers[-1]
        assert isinstance(last, Error)
        assert (last.retry_after or 0) > 100, "the client is told when to try again"
        assert stage.room(room) is None, "quarantined"
        assert isinstance(await ann.post(other.room, "all is well here"), Ok)
        assert isinstance(await bob.ask(Rooms), Ok)
        healed = await bob.post_until_taken(room, "back again")
        assert healed.seq == 3
        await ann.hears(room, "back again")
        assert contiguous(ann, room)


async def test_a_session_that_crashes_is_resumed_by_its_client(store: Store) -> None:
    async with staged(store, session=FragileSession) as stage:
        room, (ann, bob) = await in_a_channel(stage, 2)
        log = (await bob.ask(Rooms)).rooms[0].log  # type: ignore[union-attr,index]
        await ann.post_until_taken(room, "heard")
        await bob.hears(room, "heard")
        await ann.hears(room, "heard")
        FragileSession.fuse.charges = 2
        await ann.stage.until(lambda: ann.line.alive)
        ann.say(Post, room=room, nonce="during", text="during")
        assert [await guest.until_closed() for guest in (ann, bob)] == [4000, 4000]
        seen = [entry.seq or 0 for entry in bob.entries(room)]
        await bob.come(resume={room: Cursor(log, seen[-1])})
        await bob.until(lambda: bob.found(Resumed))
        assert bob.texts(room) == ["during"]
        await ann.come(resume={room: Cursor(log, seen[-1])})
        retried = await ann.post(room, "during", nonce="during")
        assert isinstance(retried, Ok)
        assert retried.duplicate
        await ann.post_until_taken(room, "after")
        await bob.hears(room, "during", "after")


async def test_the_writer_crashes_under_traffic(store: Store, stored: Callable[[str], list[tuple[int, str]]]) -> None:
    async with staged(store) as stage:
        room, (ann, bob) = await in_a_channel(stage, 2)
        for n in range(10):
            stage.desk.crashing = n % 3 == 1
            await ann.post_until_taken(room, str(n))
        await bob.hears(room, *map(str, range(10)))
        assert contiguous(ann, room)
        assert [text for _, text in stored(room)] == [str(n) for n in range(10)]


async def test_what_was_read_stays_read_when_the_room_crashes(store: Store) -> None:
    async with staged(store, room=FragileRoom) as stage:
        room, (ann, bob) = await in_a_channel(stage, 2)
        last = await ann.post_until_taken(room, "hello")
        await bob.hears(room, "hello")
        assert (await bob.ask(Read, room=room, seq=last.seq)).read_seq == last.seq  # type: ignore[union-attr]
        assert (await ann.post(room, "poison")).code == "unavailable"  # type: ignore[union-attr]
        await ann.post_until_taken(room, "and on")
        await bob.hears(room, "and on")

        async def unread() -> tuple[int, int]:
            [known] = (await bob.ask(Rooms)).rooms  # type: ignore[union-attr,misc]
            return known.read_seq, known.unread

        with trio.fail_after(20):
            while await unread() != (last.seq, 1):  # noqa: ASYNC110 - nobody is told when it is on disk
                await trio.sleep(0.05)
        receipt = await ann.until(lambda: ann.found(Receipt))
        assert (receipt.user, receipt.read) == (bob.user, last.seq)


async def test_what_was_read_stays_read_when_the_writer_crashes(store: Store) -> None:
    async with staged(store) as stage:
        room, (ann, bob) = await in_a_channel(stage, 2)
        last = await ann.post_until_taken(room, "hello")
        assert isinstance(await bob.ask(Read, room=room, seq=last.seq), Ok)
        stage.desk.crashing = True
        await stage.until(lambda: not stage.desk.crashing)
        await bob.go()
        await bob.come()

        async def unread() -> int:
            [known] = (await bob.ask(Rooms)).rooms  # type: ignore[union-attr,misc]
            return int(known.unread)

        with trio.fail_after(20):
            while await unread():  # noqa: ASYNC110 - nobody is told when it is on disk
                await trio.sleep(0.05)


async def test_while_the_database_is_locked_nobody_hears_of_a_post(
    store: Store, stored: Callable[[str], list[tuple[int, str]]]
) -> None:
    async with staged(store) as stage:
        room, (ann, bob) = await in_a_channel(stage, 2)
        lock = sqlite3.connect(database_file(store), isolation_level=None)
        lock.execute("BEGIN IMMEDIATE")
        refused = await ann.post(room, "not yet", nonce="n")
        assert isinstance(refused, Error)
        assert refused.code == "unavailable", "the busy time-out of the store has passed"
        behind = await ann.post(room, "behind it", nonce="m")
        assert isinstance(behind, Error), "and nothing overtakes it"
        lock.execute("ROLLBACK")
        lock.close()
        with trio.fail_after(20):
            while not isinstance(await ann.post(room, "not yet", nonce="n"), Ok):
                assert bob.texts(room) == []
        assert isinstance(await ann.post(room, "behind it", nonce="m"), Ok)
        await bob.hears(room, "not yet", "behind it")
        assert [text for _, text in stored(room)] == ["not yet", "behind it"]


async def test_what_landed_without_anybody_knowing_is_delivered(stage: Stage) -> None:
    """Another hand writes to the log behind the room's back: the room finds out when its lineage has ended."""
    room, (ann, bob) = await in_a_channel(stage, 2)
    desk = await stage.desk.anchored(room)
    assert isinstance(await desk.said(ann.user, "behind", "behind its back"), Landed)
    answer = await ann.post_until_taken(room, "in the open")
    assert answer.seq == 4
    for guest in (ann, bob):
        await guest.hears(room, "behind its back", "in the open")
        assert contiguous(guest, room)
    assert [e.seq for e in bob.entries(room) if isinstance(e, MessageEntry)] == [3, 4]
