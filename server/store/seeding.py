"""People put into a database in bulk, with tokens and rooms, for load tests and benchmarks.

The rules: nobody serves from the database meanwhile, because rooms and sessions know what they wrote themselves, and
nothing of this. Each transaction brings a few thousand people with everything that is theirs, in the order of their
numbers. So a seeding that was interrupted has left the first so many, whole, and the next one of the same people goes
on behind them: no record of it is kept, it can be seen. Other people may be there already; whoever has a name or an
id of these stops it before anything is written, or in the transaction that would have met them.

A million passwords would take nine hours to hash, so these people have none: they have tokens, and nobody can log in
as one of them. Limits that a server has for joins (members of a room) are not asked for.

References are not looked up again where the engine lets us (SQLite): every row refers to others of its transaction, or
of an earlier one.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from typing import Final

from msgspec import Struct
from sqlalchemy import BigInteger, Connection, Integer, Table, Text, bindparam, select, update
from sqlalchemy.exc import IntegrityError

from server.store.arrivals import Arrivals, Rows, rows_of
from server.store.bulk import Bulk, Row, RowsMissing, Together, together
from server.store.channel_terms import terms_of
from server.store.connections import DATABASE_ERRORS, Writing, complaint_of
from server.store.errors import Colliding, InUseByNodes, Unusable
from server.store.leases import Leases, Look
from server.store.opening import Store
from server.store.quotas import Quotas
from server.store.sqlite import Pragmas
from server.store.tables import channel_terms, entries, members, rooms, tokens, users

PRAGMAS: Final = Pragmas(cache_kib=64 * 1024, wal_pages=40_000)
"""For a database that is opened to be seeded: hashes of tokens land everywhere in their index, so more of it is kept,
and pages that are written again and again are copied back less often."""

SETTLED_MS: Final = 120_000
"""So long ago they came into their rooms. Nodes look who joined in the last half minute (`server/accounts/looks.py`),
and would read all of these."""

_AT_ONCE: Final = 2_000
"""People whose rows are made at once: more of them are slower, because they are in no cache of the processor."""

_IN_A_TRANSACTION: Final = 20_000
"""A page of the tokens' index that several of them land on is written once. A second's work."""


class Seeded(Struct, frozen=True):
    """What was written: nothing of what an earlier seeding had left."""

    people: int
    rooms: int
    memberships: int


def _into(table: Table, *columns: str) -> Bulk:
    return Bulk({name: table.c[name].type for name in columns}, lambda given: given.inserted_into(table))


_insert_users: Final = _into(users, "id", "name", "password_hash", "administrator", "created_at")
_insert_tokens: Final = _into(tokens, "id", "hash", "user_id", "created_at", "last_used")
_insert_rooms: Final = _into(
    rooms, "id", "log", "kind", "name", "last_seq", "members", "creator", "nonce", "digest", "created_at"
)
_insert_members: Final = _into(members, "room_id", "user_id", "name", "role", "joined_at", "received", "read")
_insert_entries: Final = _into(entries, "room_id", "seq", "kind", "at", "user_id")
_insert_terms: Final = _into(channel_terms, "room_id", "term")
_grow_rooms: Final = Bulk(
    {"people": Integer(), "entries": BigInteger(), "room": Text()},
    lambda given: (
        update(rooms)
        .where(rooms.c.id == given["room"])
        .values(members=rooms.c.members + given["people"], last_seq=rooms.c.last_seq + given["entries"])
    ),
)
_find_user: Final = select(users.c.id).where(users.c.id == bindparam("user"))
_find_name: Final = (
    select(users.c.name).where(users.c.name >= bindparam("first"), users.c.name <= bindparam("last")).limit(1)
)


def seed(
    store: Store,
    arrivals: Arrivals,
    hashed: Callable[[str], bytes],
    now: int,
    told: Callable[[int], None] = lambda number: None,
) -> Seeded:
    """Bring in all who are not there yet.

    Parameters
    ----------
    store
        Opened for this, best with `PRAGMAS`.
    hashed
        What the store knows a token by.
    now
        Milliseconds since the epoch.
    told
        How many of them are there: at first, and after each transaction.

    Raises
    ------
    StoreError
        `InUseByNodes`: nothing was written. `Colliding`, `Unusable`: only the people it told of are there.
    """
    _require_nobody_serves(store)
    writing = Writing(store.database.seeding(), Quotas())
    try:
        return _bring(writing, arrivals, hashed, now, told)
    except (IntegrityError, RowsMissing) as error:
        complaint = complaint_of(error) if isinstance(error, IntegrityError) else error
        raise Colliding(f"{store.database.name} has others of these names or ids: {complaint}") from None
    except DATABASE_ERRORS as error:
        raise Unusable(store.database.name, complaint_of(error)) from None
    finally:
        writing.throw_away()


def _bring(
    writing: Writing, arrivals: Arrivals, hashed: Callable[[str], bytes], now: int, told: Callable[[int], None]
) -> Seeded:
    with writing.begin() as connection:
        there = _first_missing(connection, arrivals)
        _require_names(connection, arrivals, there)
    told(there)
    people = rooms = memberships = 0
    for first in range(there, arrivals.count, _IN_A_TRANSACTION):
        some = range(first, min(first + _IN_A_TRANSACTION, arrivals.count))
        with writing.begin() as connection, together(connection) as statements:
            for few in (some[n : n + _AT_ONCE] for n in range(0, len(some), _AT_ONCE)):
                rows = rows_of(arrivals, few, hashed, now, now - SETTLED_MS)
                _write(statements, rows)
                people, rooms, memberships = (
                    people + len(rows.users), rooms + len(rows.rooms), memberships + len(rows.members)
                )  # fmt: skip
        told(some.stop)
    return Seeded(people, rooms, memberships)


def _write(statements: Together, rows: Rows) -> None:
    statements.execute(_insert_users, rows.users)
    statements.execute(_insert_tokens, rows.tokens)
    statements.execute(_insert_rooms, rows.rooms)
    statements.execute(_insert_terms, [(row[0], term) for row in rows.rooms for term in _terms_of(row)])
    statements.execute(_grow_rooms, rows.growth)
    statements.execute(_insert_members, rows.members)
    statements.execute(_insert_entries, rows.entries)


def _terms_of(room: Row) -> list[str]:
    """By which a room is found, if it is a channel."""
    _, _, kind, name, *_ = room
    return sorted(terms_of(name, None)) if kind == "channel" else []


def _first_missing(connection: Connection, arrivals: Arrivals) -> int:
    """By halves: whoever is there has all before them there, too."""
    low, high = 0, arrivals.count
    while low < high:
        middle = (low + high) // 2
        if connection.execute(_find_user, {"user": arrivals.user(middle)}).first() is None:
            high = middle
        else:
            low = middle + 1
    return low


def _require_names(connection: Connection, arrivals: Arrivals, there: int) -> None:
    """Raises `Colliding` where somebody has a name of those who are to come."""
    if there == arrivals.count:
        return
    wanted = {"first": arrivals.name(there), "last": arrivals.name(arrivals.count - 1)}
    taken = connection.execute(_find_name, wanted).scalar()
    if taken is not None:
        raise Colliding(f"there is somebody else of the name {taken}")


def _require_nobody_serves(store: Store) -> None:
    with closing(Leases(store.database.leasing())) as leases:
        try:
            reading = leases.perform(Look())
        except DATABASE_ERRORS as error:
            raise Unusable(store.database.name, complaint_of(error)) from None
    if any(node.left_ms > 0 for node in reading.nodes):
        raise InUseByNodes(store.database.name, "stop them first")
