"""Two processes over one database, of which one does not know yet that it owns nothing any more."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from server.placement.ownership import Held, LeasedOwnership
from server.placement.shards import shard_of
from server.protocol.errors import ErrorCode, Refusal
from server.store.appending import append_trusting
from server.store.batches import Batch, commit
from server.store.bulk import RowsMissing
from server.store.connections import Disconnected, snapshot
from server.store.fencing import Fence
from server.store.leases import Leases, Look, Reading, Renew, Take, TakeAll
from server.store.log_messages import Anchor, Append, Landed, Lost, NewMember, NewMessage
from server.store.opening import Store, open_store
from server.store.plans import Knowledge
from server.store.postgres import PostgresDatabase
from server.store.quotas import Quotas
from server.store.room_messages import CreateRoom
from tests.harness.postgres import PostgresServer
from tests.store.beside import another
from tests.store.desk import PATIENCE, Desk, Ear, serving

AT = 1_750_000_000_000


@pytest.fixture
def leases(store: Store) -> Iterator[Leases]:
    made = Leases(store.database.writing(Quotas()))
    yield made
    made.close()


@pytest.fixture
def ownership(leases: Leases) -> LeasedOwnership:
    """Of this process, which owns everything and believes so for ever: nobody tells it otherwise but the test."""
    made = LeasedOwnership("me", float("inf"))
    made.renewed(0.0)
    made.learn(table(leases.perform(TakeAll("me"))))
    return made


@pytest.fixture
async def desk(store: Store, ownership: LeasedOwnership) -> AsyncIterator[Desk]:
    async with serving(store, ownership) as running:
        yield running


def table(reading: Reading) -> list[Held]:
    assert reading.table is not None
    return [Held(*row) for row in reading.table]


def taken(store: Store, leases: Leases, *rooms: str, by: str = "successor") -> set[str]:
    """Which of these rooms a successor gets; nobody has told their owner."""
    wanted = tuple({shard_of(room) for room in rooms})
    with another(store) as connection:
        free(connection, wanted)
    leases.perform(Renew(by, 1, True, 60_000))
    reading = leases.perform(Take(by, wanted))
    return {room for room in rooms if table(reading)[shard_of(room)].owner == by}


def free(connection: Connection, shards: tuple[int, ...]) -> None:
    """As a burial leaves it, of those that no commit holds."""
    rows = ", ".join(map(str, shards))
    skip = " FOR UPDATE SKIP LOCKED" if connection.dialect.name == "postgresql" else ""
    free = f"SELECT id FROM shards WHERE id IN ({rows}){skip}"
    connection.execute(text(f"UPDATE shards SET owner = NULL, epoch = epoch + 1 WHERE id IN ({free})"))


# --- what the writer does ------------------------------------------------------------------------------------


async def test_who_owns_a_room_appends_to_it(desk: Desk) -> None:
    ann = await desk.user("ann")
    room = await desk.anchored(await desk.created(ann))
    assert isinstance(await room.said(ann, "n1"), Landed)


async def test_what_was_taken_is_lost_and_the_others_in_the_commit_land(
    desk: Desk, store: Store, leases: Leases
) -> None:
    ann = await desk.user("ann")
    rooms = [await desk.anchored(await desk.created(ann)) for _ in range(3)]
    assert taken(store, leases, rooms[1].room) == {rooms[1].room}
    for room in rooms:
        room.say(ann, "n1")
        room.say(ann, "n2")
    landed = [await room.ear.outcomes_of(2) for room in rooms]
    lost = shard_of(rooms[1].room)
    for room, outcomes in zip(rooms, landed, strict=True):
        kind = Lost if shard_of(room.room) == lost else Landed
        assert [type(outcome) for outcome in outcomes] == [kind, kind]


async def test_a_refused_row_beside_a_lost_room_harms_nobody_else(desk: Desk, store: Store, leases: Leases) -> None:
    ann = await desk.user("ann")
    rooms = [await desk.anchored(await desk.created(ann)) for _ in range(2)]
    assert shard_of(rooms[0].room) != shard_of(rooms[1].room)
    taken(store, leases, rooms[1].room)
    rooms[0].append(NewMember("u_NOBODY", "member"))
    rooms[0].say(ann, "n1")
    rooms[1].say(ann, "n1")
    refused, landed = await rooms[0].ear.outcomes_of(2)
    assert type(refused).__name__ == "Denied"
    assert isinstance(landed, Landed)
    assert isinstance((await rooms[1].ear.outcomes_of(1))[0], Lost)


async def test_the_lineage_of_a_room_that_was_taken_is_over(
    desk: Desk, store: Store, leases: Leases, ownership: LeasedOwnership
) -> None:
    ann = await desk.user("ann")
    room = await desk.anchored(await desk.created(ann))
    taken(store, leases, room.room)
    assert isinstance(await room.said(ann, "n1"), Lost)
    ownership.learn(table(leases.perform(TakeAll("me"))))
    assert isinstance(await room.said(ann, "n2"), Lost), "it is this process's again, and somebody was there meanwhile"
    again = await desk.anchored(room.room)
    assert isinstance(await again.said(ann, "n1"), Landed)


async def test_nothing_begins_in_a_room_of_another(
    desk: Desk, store: Store, leases: Leases, ownership: LeasedOwnership
) -> None:
    room = await desk.created(await desk.user("ann"))
    taken(store, leases, room)
    ownership.learn(table(leases.perform(Look())))
    with pytest.raises(Refusal) as refused:
        await desk.write(Anchor, room=room)
    assert refused.value.code is ErrorCode.UNAVAILABLE


async def test_what_this_process_knows_it_has_lost_does_not_come_to_the_database(
    desk: Desk, ownership: LeasedOwnership
) -> None:
    ann = await desk.user("ann")
    room = await desk.anchored(await desk.created(ann))
    commits = sum(desk.counts.commit_changes.counts)
    ownership.learn([Held("successor", 9)] * len(ownership.table))
    assert isinstance(await room.said(ann, "n1"), Lost)
    assert sum(desk.counts.commit_changes.counts) == commits


async def test_a_room_that_is_handed_over_lands_what_it_has_begun(desk: Desk, ownership: LeasedOwnership) -> None:
    ann = await desk.user("ann")
    room = await desk.anchored(await desk.created(ann))
    ownership.leave([shard_of(room.room)])
    assert isinstance(await room.said(ann, "n1"), Landed)
    with pytest.raises(Refusal):
        await desk.write(Anchor, room=room.room)


async def test_an_append_lands_that_shares_its_commit_with_the_next_anchor_of_the_room(desk: Desk) -> None:
    ann = await desk.user("ann")
    room = await desk.anchored(await desk.created(ann))
    room.say(ann, "n1")  # nobody waits: the writer takes it together with the anchor that follows
    again = await desk.anchored(room.room)
    assert [type(outcome) for outcome in await room.ear.outcomes_of(1)] == [Landed]
    assert isinstance(await again.said(ann, "n2"), Landed)


async def test_people_and_rooms_are_made_by_whoever_is_asked(
    desk: Desk, store: Store, ownership: LeasedOwnership
) -> None:
    """Nobody can be in a room that is not made yet, so there is nobody to be kept out."""
    ownership.learn([Held("other", 9)] * len(ownership.table))
    ann = await desk.user("ann")
    made = await desk.write(CreateRoom, creator=ann, kind="group", name="Us", members=(), nonce="n1")
    assert made.created


# --- at the same time ----------------------------------------------------------------------------------------


class TestAPausedOwner:
    """On PostgreSQL: its transaction has begun, and it is not heard of for a while."""

    @pytest.fixture
    def url(self, postgres: PostgresServer) -> str:
        return postgres.database()

    @pytest.fixture
    def store(self, url: str, tmp_path: Path) -> Iterator[Store]:
        with open_store(tmp_path, database=url) as opened:
            yield opened

    @pytest.fixture
    async def room(self, desk: Desk) -> str:
        return await desk.created(await desk.user("ann"))

    async def test_its_successor_gets_the_shard_when_the_commit_has_ended_and_sees_what_landed(
        self, store: Store, leases: Leases, ownership: LeasedOwnership, room: str
    ) -> None:
        """Without the lock (`FOR SHARE`) the successor has it at once, reads a log that is about to grow, and tells
        everybody of it."""
        with another(store) as paused:
            append(paused, room, ownership)
            assert taken(store, leases, room) == set()
        assert head_of(store, room) == 2
        assert taken(store, leases, room) == {room}

    async def test_of_several_shards_in_a_commit_all_are_kept(
        self, store: Store, leases: Leases, ownership: LeasedOwnership, desk: Desk
    ) -> None:
        ben = await desk.user("ben")
        rooms = [await desk.created(ben) for _ in range(5)]
        fences = {each: fence_of(ownership, each) for each in rooms}
        with another(store) as connection:
            known = Knowledge(dict.fromkeys(rooms, 1), 500, sorted(set(fences.values())))
            append_trusting(connection, [said(each, ben, "n1") for each in rooms], known, AT)
            assert taken(store, leases, *rooms) == set()
            connection.rollback()

    async def test_it_is_ended_by_the_database_and_lands_nothing_behind_its_successor(
        self, store: Store, url: str, leases: Leases, ownership: LeasedOwnership, room: str
    ) -> None:
        impatient = PostgresDatabase(f"{url}?options=-c%20idle_in_transaction_session_timeout%3D200")
        paused = impatient.writing(Quotas())

        def commit_late() -> None:
            with paused.begin() as connection:
                append(connection, room, ownership)
                self.succeed(store, leases, room)

        with pytest.raises((DBAPIError, Disconnected)):
            commit_late()
        paused.throw_away()
        assert head_of(store, room) == 2

    def succeed(self, store: Store, leases: Leases, room: str) -> None:
        """Take the shard, as soon as that is possible, and append."""
        end = time.monotonic() + PATIENCE
        while taken(store, leases, room) != {room}:
            assert time.monotonic() < end
        new = Fence(shard_of(room), table(leases.perform(Look()))[shard_of(room)].epoch)
        assert commit(store.writing, batch(store, room, new), AT).heads == {room: 2}

    async def test_a_commit_that_begins_behind_its_successor_is_lost(
        self, store: Store, leases: Leases, ownership: LeasedOwnership, room: str
    ) -> None:
        stale = batch(store, room, fence_of(ownership, room))
        with another(store) as connection:
            connection.execute(text("SELECT 1"))  # its transaction has begun
            assert taken(store, leases, room) == {room}
            with pytest.raises(RowsMissing):
                append_trusting(connection, stale.appends, Knowledge({room: 1}, 500, [*stale.fences.values()]), AT)
            connection.rollback()
        committed = commit(store.writing, stale, AT)
        assert [type(outcome) for outcome in committed.outcomes] == [Lost]
        assert committed.heads == {}
        assert head_of(store, room) == 1


def fence_of(ownership: LeasedOwnership, room: str) -> Fence:
    fence = ownership.fence_of(room)
    assert fence is not None
    return fence


def creator_of(store: Store, room: str) -> str:
    with snapshot(store.reading) as connection:
        return str(connection.execute(text("SELECT creator FROM rooms WHERE id = :room"), {"room": room}).scalar())


def head_of(store: Store, room: str) -> int:
    with snapshot(store.reading) as connection:
        return int(connection.execute(text("SELECT last_seq FROM rooms WHERE id = :r"), {"r": room}).scalar_one())


def said(room: str, author: str, nonce: str) -> Append:
    return Append(room, 1, 1, 1, NewMessage(author, nonce, "hello"), Ear())


def batch(store: Store, room: str, fence: Fence) -> Batch:
    return Batch([said(room, creator_of(store, room), "n1")], {room: 1}, (), (), (), {room: fence})


def append(connection: Connection, room: str, ownership: LeasedOwnership) -> None:
    creator = str(connection.execute(text("SELECT creator FROM rooms WHERE id = :r"), {"r": room}).scalar())
    known = Knowledge({room: 1}, 500, [fence_of(ownership, room)])
    append_trusting(connection, [said(room, creator, "n0")], known, AT)
