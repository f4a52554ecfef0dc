"""Whatever comes, in whatever batches, with failing commits between them: every log stays a log.

Random batches over several rooms, with duplicates, conflicts, rows that the database refuses, commits that fail and
commits whose success nobody hears of, against a real database. Rooms behave as rooms do: when an append is lost they
anchor again.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from enum import Enum
from itertools import count
from pathlib import Path

import pysqlite3.dbapi2 as driver
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, insert, select

from server.store.batches import Batch, Committed, commit
from server.store.connections import DATABASE_ERRORS
from server.store.lineages import Lineages
from server.store.log_messages import Append, Draft, Known, Landed, Lost, MemberGone, NewMember, NewMessage, Outcome
from server.store.opening import Store, open_store
from server.store.sqlite import Pragmas
from server.store.sqlite_database import SqliteDatabase
from server.store.tables import entries, members, rooms, users
from server.store.unanswered import Unanswered
from tests.harness.postgres import PostgresServer
from tests.store.desk import Ear, database_file, poison_refused

ROOMS = ["r_1", "r_2", "r_3"]
PEOPLE = ["u_1", "u_2", "u_3"]
AT = 1_750_000_000_000


class Fate(Enum):
    """What becomes of a commit."""

    GOOD = "good"
    LOCKED = "locked"
    UNKNOWN = "unknown"


PEOPLE_OR_NOBODY = st.sampled_from([*PEOPLE, "u_nobody"])
MESSAGES = st.builds(
    NewMessage,
    author=st.sampled_from(PEOPLE),
    nonce=st.sampled_from([*"abcdef", "\udfff"]),
    text=st.sampled_from(["one", "one", "two", "poison", "\ud800"]),
    reply_to=st.sampled_from([None, None, 1, 2**70]),
)
JOINS = st.builds(NewMember, user=PEOPLE_OR_NOBODY, role=st.just("member"), logged=st.booleans())
LEAVES = st.builds(MemberGone, user=PEOPLE_OR_NOBODY, logged=st.booleans())
DRAFTS: st.SearchStrategy[Draft] = st.one_of(MESSAGES, MESSAGES, MESSAGES, JOINS, LEAVES)
BATCHES = st.tuples(
    st.sampled_from([Fate.GOOD, Fate.GOOD, Fate.GOOD, Fate.LOCKED, Fate.UNKNOWN]),
    st.lists(st.tuples(st.sampled_from(ROOMS), DRAFTS), max_size=25),
)
Batches = list[tuple[Fate, list[tuple[str, Draft]]]]


class World:
    """A writer without its task, and the rooms it writes for."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.lineages = Lineages(count(1))
        self.anchors: dict[str, tuple[int, int]] = {}
        self.ear = Ear()
        self.refs = count(1)
        self.told: dict[int, tuple[str, Draft]] = {}

    def batch(self, fate: Fate, drafts: list[tuple[str, Draft]]) -> None:
        unanswered = Unanswered(self.lineages)
        for room, draft in drafts:
            ref = next(self.refs)
            self.told[ref] = (room, draft)
            lineage, base = self._anchored(room)
            unanswered.take(Append(room, lineage, base, ref, draft, self.ear))
        batch = unanswered.batch()
        committed = self._commit(fate, batch) if batch is not None else Committed((), (), {})
        if committed is None:
            unanswered.lose()
        else:
            unanswered.settle(committed)
        for ref, outcome in self.outcomes.items():
            if isinstance(outcome, Lost):
                room = self.told[ref][0]
                if not self.lineages.is_live(room, self._anchored(room)[0]):
                    del self.anchors[room]

    @property
    def outcomes(self) -> dict[int, Outcome]:
        return {outcome.ref: outcome for outcome in self.ear.outcomes}

    def _anchored(self, room: str) -> tuple[int, int]:
        if room not in self.anchors:
            with self.store.reading.connect() as connection:
                base = connection.execute(select(rooms.c.last_seq).where(rooms.c.id == room)).scalar_one()
            self.anchors[room] = (self.lineages.begin(room), base)
        return self.anchors[room]

    def _commit(self, fate: Fate, batch: Batch) -> Committed | None:
        try:
            match fate:
                case Fate.GOOD:
                    return commit(self.store.writing, batch, AT)
                case Fate.LOCKED:
                    with locked(self.store):
                        return commit(self.store.writing, batch, AT)
                case Fate.UNKNOWN:
                    commit(self.store.writing, batch, AT)
                    return None
        except DATABASE_ERRORS:
            return None


@contextmanager
def locked(store: Store) -> Iterator[None]:
    """By somebody else, for longer than a commit waits."""
    if isinstance(store.database, SqliteDatabase):
        with closing(driver.connect(database_file(store), isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            yield
            other.execute("ROLLBACK")
    else:
        engine = store.database.migrating()
        try:
            with engine.begin() as other:
                other.exec_driver_sql("LOCK TABLE rooms IN EXCLUSIVE MODE")
                yield
        finally:
            engine.dispose()


def peopled(store: Store) -> None:
    person = {"password_hash": "hash", "administrator": False, "created_at": AT}
    room = {"log": "l", "kind": "group", "last_seq": 0, "members": 0, "creator": "u_1", "digest": b"", "created_at": AT}
    with store.writing.begin() as connection:
        connection.execute(insert(users), [person | {"id": user, "name": user[2:]} for user in PEOPLE])
        connection.execute(insert(rooms), [room | {"id": name, "nonce": name} for name in ROOMS])


def emptied(store: Store) -> None:
    with store.writing.begin() as connection:
        for table in (entries, members, rooms, users):
            connection.execute(delete(table))


@pytest.fixture(scope="module")
def on_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with open_store(tmp_path_factory.mktemp("batches"), Pragmas(busy_seconds=0.0)) as opened, poison_refused(opened):
        yield opened


@pytest.fixture(scope="module")
def on_postgres(postgres: PostgresServer) -> Iterator[Store]:
    url = postgres.database() + "?options=-c%20lock_timeout%3D1"
    with open_store(Path("unused"), database=url) as opened, poison_refused(opened):
        yield opened


@settings(max_examples=150, deadline=None)
@given(batches=st.lists(BATCHES, max_size=8))
def test_logs_stay_contiguous_and_a_nonce_has_one_place(on_sqlite: Store, batches: Batches) -> None:
    assert_that_all_holds(on_sqlite, batches)


@settings(max_examples=40, deadline=None)
@given(batches=st.lists(BATCHES, max_size=8))
def test_the_same_on_postgresql(on_postgres: Store, batches: Batches) -> None:
    assert_that_all_holds(on_postgres, batches)


def assert_that_all_holds(store: Store, batches: Batches) -> None:
    emptied(store)
    peopled(store)
    world = World(store)
    for fate, drafts in batches:
        world.batch(fate, drafts)
    assert set(world.outcomes) == set(world.told), "everything told is answered"
    check_logs(store)
    check_outcomes(world)


def check_logs(store: Store) -> None:
    with store.reading.connect() as connection:
        for room, last_seq, size in connection.execute(select(rooms.c.id, rooms.c.last_seq, rooms.c.members)):
            seqs = connection.execute(select(entries.c.seq).where(entries.c.room_id == room).order_by("seq"))
            assert list(seqs.scalars()) == list(range(1, last_seq + 1))
            there = connection.execute(select(members.c.user_id).where(members.c.room_id == room)).all()
            assert len(there) == size


def check_outcomes(world: World) -> None:
    with world.store.reading.connect() as connection:
        rows = {(row.room_id, row.seq): row for row in connection.execute(select(entries))}
    places: set[tuple[str, int]] = set()
    nonces: dict[tuple[str, str, str], int] = {}
    for ref, outcome in world.outcomes.items():
        room, draft = world.told[ref]
        if not isinstance(outcome, Landed | Known) or outcome.seq is None:
            continue
        row = rows[room, outcome.seq]
        if isinstance(outcome, Landed):
            assert (room, outcome.seq) not in places, "one place, one entry"
            places.add((room, outcome.seq))
        if isinstance(draft, NewMessage):
            assert (row.user_id, row.nonce, row.text) == (draft.author, draft.nonce, draft.text)
            key = (room, draft.author, draft.nonce)
            assert nonces.setdefault(key, outcome.seq) == outcome.seq
        else:
            assert isinstance(draft, NewMember | MemberGone)
            assert row.user_id == draft.user


@pytest.fixture
def engine() -> str:
    """What follows counts what SQLite is asked to do; `test_postgres.py` counts journeys."""
    return "sqlite"


@pytest.fixture
def world(store: Store) -> Iterator[World]:
    peopled(store)
    with poison_refused(store):
        yield World(store)


def statements(store: Store) -> list[str]:
    """What SQLite itself is asked to do from now on; the rows of one statement count as one."""
    seen: list[str] = []

    def note(statement: str) -> None:
        verb = statement.split()[0]
        if not seen or seen[-1] != verb:
            seen.append(verb)

    store.writing.driver_connection().set_trace_callback(note)
    return seen


def test_a_batch_without_surprises_takes_one_look_at_nothing(world: World) -> None:
    seen = statements(world.store)
    world.batch(Fate.GOOD, [(room, NewMessage("u_1", "a", "one")) for room in ROOMS])
    assert seen == ["BEGIN", "UPDATE", "INSERT", "COMMIT"]


def test_one_guilty_row_of_many_costs_a_logarithm(world: World) -> None:
    drafts: list[tuple[str, Draft]] = [("r_1", NewMessage("u_1", str(n), "one")) for n in range(512)]
    drafts[300] = ("r_1", NewMessage("u_1", "300", "poison"))
    seen = statements(world.store)
    world.batch(Fate.GOOD, drafts)
    assert seen.count("INSERT") <= 2 + 2 * 9
    assert sum(isinstance(outcome, Landed) for outcome in world.outcomes.values()) == 511


def test_looking_up_nonces_reads_the_index_and_not_the_log(store: Store) -> None:
    query = (
        "EXPLAIN QUERY PLAN SELECT seq FROM entries WHERE (room_id, user_id, nonce) "
        "IN (VALUES ('r', 'u', 'n'), ('r', 'u', 'm')) AND nonce IS NOT NULL"
    )
    with store.reading.connect() as connection:
        found = " ".join(row[3] for row in connection.exec_driver_sql(query))
    assert "uq_entries_nonce (room_id=? AND user_id=? AND nonce=?)" in found
