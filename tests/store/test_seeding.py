"""People put into a database in bulk: what stands there afterwards, and when it was interrupted."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pysqlite3.dbapi2 as driver
import pytest
from sqlalchemy import Connection, insert, select

from loadtest.people import People
from server.accounts.looks import spans
from server.store import seeding
from server.store.arrivals import rows_of
from server.store.direct import NOBODY, DirectStore
from server.store.errors import Colliding, InUseByNodes, Unusable
from server.store.leases import Leases, Renew, SignOff
from server.store.log_messages import Landed
from server.store.opening import Store, open_store
from server.store.people_queries import find_identities
from server.store.room_messages import ReadMemberships
from server.store.room_queries import list_rooms, read_memberships
from server.store.seeding import Seeded, seed
from server.store.sqlite import Pragmas
from server.store.tables import entries, members, metadata, rooms, tokens, users
from server.store.user_messages import AddUser, Identity
from tests.harness.postgres import PostgresProcess, PostgresServer
from tests.store.desk import Desk

NOW = 1_790_000_000_000
PLANS = ["all,each:10", "each:7", "rooms:40x9", "zipf:30:1:3", "all,rooms:2x257"]


def hashed(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def put(store: Store, people: People, told: Callable[[int], None] = lambda number: None) -> Seeded:
    return seed(store, people, hashed, NOW, told)


@pytest.fixture
def small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """A transaction for every twenty people, in steps of eight."""
    monkeypatch.setattr(seeding, "_IN_A_TRANSACTION", 20)
    monkeypatch.setattr(seeding, "_AT_ONCE", 8)


def require_whole(store: Store, people: People, there: int) -> None:
    """The first `there` people stand in the tables with all that is theirs, and nothing else does."""
    with store.reading.begin() as connection:
        names = {row.id: row.name for row in connection.execute(select(users))}
        assert names == {people.user(n): people.name(n) for n in range(there)}
        sessions = {row.hash: row.user_id for row in connection.execute(select(tokens))}
        assert sessions == {hashed(people.token(n)): people.user(n) for n in range(there)}
        found = {row.id: row for row in connection.execute(select(rooms))}
        for number in range(people.room_count):
            come = [n for n in people.members_of(number) if n < there]
            room = found.pop(people.room(number), None)
            assert (room is not None) == bool(come)
            if room is not None:
                require_room(connection, people, room, number, [people.user(n) for n in come])
        assert not found


def require_room(connection: Connection, people: People, room: Any, number: int, come: list[str]) -> None:
    small = people.size_of(number) <= 256
    assert (room.members, room.kind, room.creator) == (len(come), people.kind_of(number), come[0])
    rows = connection.execute(select(members).where(members.c.room_id == room.id).order_by(members.c.user_id)).all()
    assert [row.user_id for row in rows] == come
    assert [row.role for row in rows] == ["owner"] + ["member"] * (len(come) - 1)
    assert all(row.read == row.received <= room.last_seq for row in rows)
    log = connection.execute(select(entries).where(entries.c.room_id == room.id).order_by(entries.c.seq)).all()
    assert [(row.seq, row.kind, row.user_id) for row in log] == [
        (seq, "joined", user) for seq, user in enumerate(come if small else [], 1)
    ]
    assert room.last_seq == len(log)


@pytest.mark.parametrize("plan", PLANS)
def test_everybody_is_there_with_a_token_and_all_their_rooms(store: Store, plan: str) -> None:
    people = People.made(300, plan)
    memberships = sum(map(people.size_of, range(people.room_count)))
    assert put(store, people) == Seeded(300, people.room_count, memberships)
    require_whole(store, people, 300)


@pytest.mark.usefixtures("small_steps")
@pytest.mark.parametrize("plan", ["all,each:7", "zipf:30:1:3", "all,rooms:2x257"])
def test_who_is_interrupted_leaves_whole_people_and_goes_on_behind_them(store: Store, plan: str) -> None:
    people = People.made(300, plan)

    def interrupt(there: int) -> None:
        if there == 120:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        put(store, people, interrupt)
    require_whole(store, people, 120)
    heard: list[int] = []
    assert put(store, people, heard.append).people == 180
    assert heard == [120, *range(140, 301, 20)]
    require_whole(store, people, 300)
    assert put(store, people) == Seeded(0, 0, 0)


@pytest.mark.usefixtures("small_steps")
def test_an_error_in_a_transaction_leaves_nothing_of_it(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    people = People.made(100, "all,each:10")

    def fails(arrivals: People, numbers: range, *rest: Any) -> Any:
        if 50 in numbers:
            raise MemoryError
        return rows_of(arrivals, numbers, *rest)

    monkeypatch.setattr(seeding, "rows_of", fails)
    with pytest.raises(MemoryError):
        put(store, people)
    require_whole(store, people, 40)


def test_other_people_may_be_there_already(store: Store) -> None:
    one, other = People.made(30, "all,each:10"), People.made(40, "all,each:10")
    put(store, one)
    assert put(store, other).people == 40
    with store.reading.begin() as connection:
        assert len(connection.execute(select(users)).all()) == 70


@pytest.mark.parametrize("number", [0, 25, 49])
def test_somebody_with_one_of_the_names_stops_it_before_anything_is_written(store: Store, number: int) -> None:
    people = People.made(50, "all")
    with DirectStore(store.database) as direct:
        direct.change(AddUser(reply_to=NOBODY, name=people.name(number), display_name=None, password_hash="hash"))
    with pytest.raises(Colliding, match=people.name(number)):
        put(store, people)
    with store.reading.begin() as connection:
        assert len(connection.execute(select(users)).all()) == 1


@pytest.mark.usefixtures("small_steps")
def test_whoever_has_a_channels_name_stops_it_where_they_meet(store: Store) -> None:
    people, others = People.made(600, "all,rooms:2x257"), People.made(1, "all")
    put(store, others)
    taken = {"id": "r_TAKEN", "log": "l_1", "kind": "channel", "name": people.room_name(2), "last_seq": 0}
    by = {"members": 0, "creator": others.user(0), "nonce": "n", "digest": b"", "created_at": 1}
    with store.writing.begin() as connection:
        connection.execute(insert(rooms), [taken | by])
    with pytest.raises(Colliding) as refused:
        put(store, people)
    assert "\n" not in str(refused.value)
    with store.reading.begin() as connection:
        assert len(connection.execute(select(users)).all()) == 1 + 240


def test_nodes_that_live_are_in_the_way(store: Store) -> None:
    people = People.made(5, "all")
    with closing(Leases(store.database.leasing())) as leases:
        leases.perform(Renew(node="a", weight=1, linked=True, lease_ms=60_000))
        with pytest.raises(InUseByNodes, match="stop them first"):
            put(store, people)
        leases.perform(SignOff(node="a"))
    assert put(store, people).people == 5


def test_what_else_a_database_holds_is_left_alone(store: Store) -> None:
    kept = [table for table in metadata.sorted_tables if table.name in ("settings", "nodes", "shards")]

    def looked() -> list[Any]:
        with store.reading.begin() as connection:
            return [connection.execute(select(table)).all() for table in kept]

    before = looked()
    put(store, People.made(20, "all"))
    assert looked() == before


def test_a_database_that_somebody_else_writes_to_is_one_line(data: Path) -> None:
    held, people = data / "hubbub.sqlite3", People.made(3, "all")
    with (
        open_store(data, Pragmas(busy_seconds=0.05)) as store,
        closing(driver.connect(held, isolation_level=None)) as other,
    ):
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(Unusable, match="locked"):
            put(store, people)
        other.execute("ROLLBACK")
        assert put(store, people).people == 3


async def test_a_seeded_room_is_one_to_post_in(desk: Desk) -> None:
    people = People.made(300, "all,each:10")
    put(desk.store, people)
    small, large = await desk.anchored(people.room(1)), await desk.anchored(people.room(0))
    for room, before in ((small, 10), (large, 0)):
        landed = await room.said(people.user(3), "nonce")
        assert isinstance(landed, Landed)
        assert landed.seq == before + 1


def test_a_token_lets_its_person_in_and_nothing_is_unread(store: Store) -> None:
    people = People.made(30, "all,each:10")
    put(store, people)
    token = hashed(people.token(12))
    with store.reading.begin() as connection:
        identity = find_identities(connection, [token], used_since=NOW)[token]
        assert isinstance(identity, Identity)
        assert (identity.user.user, identity.user.name) == (people.user(12), people.name(12))
        listed = list_rooms(connection, [people.user(12)])[people.user(12)]
    assert [room.room for room in listed] == [people.room(0), people.room(2)]
    assert [room.unread for room in listed] == [0, 0]


def test_nobody_is_news_to_a_node_that_starts_at_once(store: Store) -> None:
    put(store, People.made(30, "all,each:10"))
    question = ReadMemberships(reply_to=NOBODY, spans=spans(NOW, NOW + 60_000))
    with store.reading.begin() as connection:
        assert read_memberships(connection, question).begun == ()


def test_a_role_that_may_not_leave_references_unchecked_seeds_all_the_same(own_postgres: PostgresProcess) -> None:
    url = PostgresServer(own_postgres.url).database()
    with closing(psycopg.connect(url, autocommit=True)) as superuser:
        superuser.execute("CREATE ROLE plain LOGIN")
        superuser.execute("GRANT ALL ON ALL TABLES IN SCHEMA public TO plain")
    people = People.made(30, "all,each:10")
    with open_store(Path("unused"), database=url.replace("hubbub@", "plain@", 1)) as store:
        assert put(store, people).people == 30
        require_whole(store, people, 30)
