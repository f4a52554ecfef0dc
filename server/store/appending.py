"""Appends in a transaction: in bulk, and where the database refuses a row, each guilty one alone.

The rules: `last_seq` moves in the same transaction from exactly the value that the plan counted on, and every
statement's row count is checked; what does not add up is `RowsMissing` and treated like a refused row.

`append_trusting` is the common path: two statements in one journey to the database, no look-ups but of messages that
are to be changed or answered, people who are mentioned, and levels, and nothing to fall back on but rolling the
transaction back. `append_careful` reads what is known first and then bisects inside savepoints, which costs log2(n)
attempts a guilty row, and nothing where there is none.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from sqlalchemy import (
    BigInteger,
    Connection,
    Integer,
    Text,
    bindparam,
    delete,
    func,
    insert,
    literal,
    select,
    tuple_,
    update,
)

from server.protocol.errors import ErrorCode, Refusal
from server.protocol.objects import Level
from server.store import target_writes, targets
from server.store.auditing import write_acts
from server.store.bulk import Bulk, RowsMissing, together
from server.store.connections import ROW_ERRORS
from server.store.erasing import delete_rooms
from server.store.fencing import LOCK_FENCES
from server.store.in_lists import portions
from server.store.invite_changes import InviteMade, InviteRevoked, JoinAsked, JoinRefused
from server.store.invites import change_invites, made_before, uses_left
from server.store.join_requests import change_requests, who_waits
from server.store.log_messages import Append, Denied, Draft, MemberGone, NewMember, NewMessage, Outcome
from server.store.planning import plan
from server.store.plans import Knowledge, NonceKey, Place, Plan
from server.store.room_changes import LevelSet, Renamed, RoleGiven
from server.store.room_writes import govern
from server.store.rows import EntryRow, ExpiringRow, FullMessageRow, MemberRow, MessageRow
from server.store.search_index import reindex
from server.store.tables import entries, expiring, members, rooms, users
from server.store.waiting import Pair

REFUSED: Final = (*ROW_ERRORS, RowsMissing)

_insert_messages: Final = Bulk(
    {name: entries.c[name].type for name in MessageRow._fields}, lambda given: given.inserted_into(entries)
)
_insert_full_messages: Final = Bulk(
    {name: entries.c[name].type for name in FullMessageRow._fields}, lambda given: given.inserted_into(entries)
)
_insert_expiring: Final = Bulk(
    {name: expiring.c[name].type for name in ExpiringRow._fields}, lambda given: given.inserted_into(expiring)
)
_forget_expired: Final = Bulk(
    {name: expiring.c[name].type for name in ("room_id", "seq")},
    lambda given: delete(expiring).where(expiring.c.room_id == given["room_id"], expiring.c.seq == given["seq"]),
)
_insert_entries: Final = Bulk(
    {name: entries.c[name].type for name in EntryRow._fields}, lambda given: given.inserted_into(entries)
)
_some_rooms: Final = (
    select(literal(1)).where(members.c.user_id == bindparam("user")).limit(bindparam("most_rooms")).subquery()
)
_insert_members: Final = (
    insert(members)
    .from_select(
        ["room_id", "user_id", "name", "role", "joined_at", "received", "read"],
        select(
            bindparam("room", type_=Text),
            users.c.id,
            users.c.name,
            bindparam("role", type_=Text),
            bindparam("joined_at", type_=BigInteger),
            bindparam("head", type_=BigInteger),
            bindparam("head", type_=BigInteger),
        ).where(
            users.c.id == bindparam("user"),
            users.c.name.is_not(None),
            select(func.count()).select_from(_some_rooms).scalar_subquery() < bindparam("most_rooms"),
        ),
    )
    .execution_options(preserve_rowcount=True)
)
_delete_members: Final = delete(members).where(
    members.c.room_id == bindparam("room"), members.c.user_id == bindparam("user")
)
_move_rooms: Final = Bulk(
    {"head": BigInteger(), "growth": Integer(), "room": Text(), "expected": BigInteger()},
    lambda given: (
        update(rooms)
        .where(rooms.c.id == given["room"], rooms.c.last_seq == given["expected"])
        .values(last_seq=given["head"], members=rooms.c.members + given["growth"])
    ),
)
_select_heads: Final = select(rooms.c.id, rooms.c.last_seq).where(rooms.c.id.in_(bindparam("rooms", expanding=True)))


def append_trusting(connection: Connection, appends: Sequence[Append], known: Knowledge, at: int) -> list[Outcome]:
    """All appends, on the assumption that nothing speaks against any of them.

    Raises
    ------
    REFUSED
        Something does: roll the transaction back, nothing is known.
    """
    targets.look_up(connection, appends, known.messages)
    known.levels.update(_levels(connection, appends))
    planned = plan(appends, known, at)
    if planned.in_doubt:
        raise RowsMissing("what a message answers is gone: it may be a retry, so its nonce is to be looked up")
    _write(connection, planned, known, at)
    known.learn(planned)
    return planned.outcomes


def append_careful(connection: Connection, appends: Sequence[Append], known: Knowledge, at: int) -> list[Outcome]:
    """All appends that the database takes; the others are denied one by one.

    `known.heads` loses the rooms whose log does not stand where the lineage believes: their appends are lost.
    """
    known.heads = _confirmed_heads(connection, known.heads)
    known.places.update(_places(connection, appends))
    known.memberships.update(_memberships(connection, appends))
    targets.look_up(connection, appends, known.messages)
    known.levels.update(_levels(connection, appends))
    arriving = {append.draft.user for append in appends if isinstance(append.draft, NewMember)}
    known.rooms_of.update(rooms_of(connection, arriving))
    coming = [(append.room, append.draft) for append in appends if isinstance(append.draft, NewMember | JoinAsked)]
    links = {(room, draft.invite) for room, draft in coming if draft.invite is not None}
    links |= {(append.room, append.draft.invite) for append in appends if isinstance(append.draft, InviteRevoked)}
    made = {(append.room, append.draft.invite) for append in appends if isinstance(append.draft, InviteMade)}
    known.links.uses_left.update(uses_left(connection, links, at))
    known.links.made |= made_before(connection, made)
    known.waits.update(who_waits(connection, _asking(appends)))
    return _bisect(connection, appends, known, at)


def _asking(appends: Sequence[Append]) -> set[Pair]:
    """Whose requests to come in these may begin or end."""
    return {
        (append.room, append.draft.user)
        for append in appends
        if isinstance(append.draft, NewMember | JoinAsked | JoinRefused) and _encodable(append.draft.user)
    }


def _bisect(connection: Connection, appends: Sequence[Append], known: Knowledge, at: int) -> list[Outcome]:
    planned = plan(appends, known, at)
    try:
        with connection.begin_nested():
            _write(connection, planned, known, at)
    except REFUSED:
        if len(appends) == 1:
            return [Denied(appends[0].ref, _why(appends[0].draft))]
        middle = len(appends) // 2
        return [
            *_bisect(connection, appends[:middle], known, at),
            *_bisect(connection, appends[middle:], known, at),
        ]
    known.learn(planned)
    return planned.outcomes


def _why(draft: Draft) -> Refusal:
    """What the database has against a single append: the name of a channel must be unique, and invites are counted."""
    if isinstance(draft, Renamed):
        return Refusal(ErrorCode.CONFLICT, "a channel of this name exists")
    if isinstance(draft, InviteMade):
        return Refusal(ErrorCode.LIMIT_REACHED, "this room has as many invites as it may: revoke one first")
    if isinstance(draft, JoinAsked):
        return Refusal(ErrorCode.LIMIT_REACHED, "as many requests to come in wait as may")
    return Refusal(ErrorCode.BAD_REQUEST, "the database does not take this")


def _write(connection: Connection, planned: Plan, known: Knowledge, at: int) -> None:
    """The fences first: while they are held nobody else comes to own the rooms. Then the heads: whoever moves one holds
    its room until the commit."""
    moves = [(head, planned.growth.get(room, 0), room, known.heads[room]) for room, head in planned.heads.items()]
    with together(connection) as statements:
        statements.execute(LOCK_FENCES, known.fences)
        statements.execute(_move_rooms, moves)
        statements.execute(_insert_messages, planned.messages)
        statements.execute(_insert_full_messages, planned.full_messages)
        statements.execute(target_writes.MENTION, planned.mentions)
        statements.execute(_insert_expiring, planned.expiring)
        if planned.is_of_new_messages:
            return
        statements.execute(_forget_expired, planned.expired, each=False)
        statements.execute(_insert_entries, planned.entries)
        if planned.amended:
            target_writes.write(statements, planned.amended, known.messages)
    if planned.amended.targets:
        reindex(connection, known.messages.targets, planned.amended.targets)
    if planned.leaves:
        gone = [{"room": room, "user": user} for room, user in planned.leaves]
        _expect(len(gone), connection.execute(_delete_members, gone).rowcount)
    if planned.joins:
        add_members(connection, planned.joins.values(), known.most_rooms)
    if planned.governed:
        govern(connection, planned.governed, at)
    if planned.links:
        change_invites(connection, planned.links, at)
    if planned.waiting:
        change_requests(connection, planned.waiting, at)
    if planned.acts:
        write_acts(connection, planned.acts, at)
    if planned.deleted:
        delete_rooms(connection, planned.deleted, at)


def add_entries(connection: Connection, rows: Sequence[EntryRow]) -> None:
    """Insert rows whose places were given by whoever moves the room's head in the same transaction."""
    with together(connection) as statements:
        statements.execute(_insert_entries, rows)


def add_members(connection: Connection, rows: Iterable[MemberRow], most_rooms: int) -> None:
    """Insert `rows`, each with its user's name.

    Raises
    ------
    RowsMissing
        One of the users does not exist, or was deleted, or is in `most_rooms` rooms already.
    """
    named = [row._asdict() | {"most_rooms": most_rooms} for row in rows]
    _expect(len(named), connection.execute(_insert_members, named).rowcount)


def _expect(wanted: int, found: int) -> None:
    if wanted != found:
        raise RowsMissing(f"{found} rows instead of {wanted}")


def _confirmed_heads(connection: Connection, heads: dict[str, int]) -> dict[str, int]:
    found = connection.execute(_select_heads, {"rooms": list(heads)})
    return {room: head for room, head in found if heads[room] == head}


def _places(connection: Connection, appends: Sequence[Append]) -> dict[NonceKey, Place]:
    """Which nonces of these appends were used before, in one query for every few hundred."""
    keys = list({(a.room, a.draft.author, a.draft.nonce) for a in appends if isinstance(a.draft, NewMessage)})
    columns = entries.c.room_id, entries.c.user_id, entries.c.nonce
    found: dict[NonceKey, Place] = {}
    for some in portions([key for key in keys if _encodable(*key)]):
        rows = connection.execute(
            select(*columns, entries.c.seq, entries.c.at, entries.c.digest).where(
                tuple_(*columns).in_(some), entries.c.nonce.is_not(None)
            )
        )
        found |= {(room, user, nonce): Place(seq, at, digest) for room, user, nonce, seq, at, digest in rows}
    return found


def _memberships(connection: Connection, appends: Sequence[Append]) -> dict[Pair, bool]:
    pairs = list({(a.room, a.draft.user) for a in appends if isinstance(a.draft, NewMember | MemberGone | RoleGiven)})
    columns = members.c.room_id, members.c.user_id
    found = dict.fromkeys(pairs, False)
    for some in portions([pair for pair in pairs if _encodable(*pair)]):
        rows = connection.execute(select(*columns).where(tuple_(*columns).in_(some)))
        found |= dict.fromkeys(((room, user) for room, user in rows), True)
    return found


def _levels(connection: Connection, appends: Sequence[Append]) -> dict[Pair, Level]:
    """What those want to be called for who are about to say so; nothing is asked where nobody is."""
    pairs = list({(append.room, append.draft.user) for append in appends if type(append.draft) is LevelSet})
    if not pairs:
        return {}
    columns = members.c.room_id, members.c.user_id
    found: dict[Pair, Level] = {}
    for some in portions(pairs):
        rows = connection.execute(select(*columns, members.c.level).where(tuple_(*columns).in_(some)))
        found |= {(room, user): level or "all" for room, user, level in rows}
    return found


def rooms_of(connection: Connection, people: Iterable[str]) -> dict[str, int]:
    """In how many rooms each of them is."""
    asked = [user for user in people if _encodable(user)]
    found: dict[str, int] = {}
    for some in portions(asked):
        rows = connection.execute(
            select(members.c.user_id, func.count()).where(members.c.user_id.in_(some)).group_by(members.c.user_id)
        )
        found.update((user, count) for user, count in rows)
    return found


def _encodable(*texts: str) -> bool:
    """Whether every database can be asked about these: a lone surrogate cannot be sent to any, NUL not to PostgreSQL.

    Neither comes over the wire.
    """
    return not any("\ud800" <= character <= "\udfff" or character == "\0" for text in texts for character in text)
