"""What the reader asks of rooms and their members. Every function reads within the caller's snapshot.

A database gives a new string for every row, and the ids of rooms and of their members are what open rooms and sessions
keep by the thousands: so these are interned, and everybody who keeps one keeps the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from sys import intern
from typing import Final, TypeVar, cast

from sqlalchemy import Connection, and_, bindparam, case, exists, func, literal, or_, select

from server.protocol.mentions import EVERYBODY
from server.protocol.objects import Room, User
from server.protocol.times import rfc3339
from server.store.blocking import blocks_within, is_closed
from server.store.in_lists import padded
from server.store.lately import Lately
from server.store.marks import member_record, with_seen
from server.store.room_changes import Particulars, read_rights, remaining
from server.store.room_messages import (
    FindChannel,
    Membership,
    Memberships,
    MembersPage,
    ReadMembers,
    ReadMemberships,
    RoomRecord,
)
from server.store.tables import bans, entries, members, mentions, mutes, rooms, users
from server.store.tally import UNREAD_COUNTED
from server.store.wire import AnyRow, member_from, user_from

Text = TypeVar("Text", bound=str)

_peer: Final = users.alias("peer")
_seen: Final = func.coalesce(members.c.seen, members.c.read)
_unread: Final = (
    select(literal(1))
    .where(
        entries.c.room_id == rooms.c.id,
        entries.c.seq > _seen,
        entries.c.kind == "message",
        entries.c.text.is_not(None),
        entries.c.user_id != members.c.user_id,
    )
    .limit(UNREAD_COUNTED)
    .correlate(rooms, members)
    .subquery()
)
_count_unread: Final = select(func.count()).select_from(_unread).correlate(rooms, members).scalar_subquery()
GATHERED_MOST: Final = 50
"""Members of a room for whose sake people are brought to one worker: over six, a relay then stands for eight anyhow."""

_mentions: Final = (
    select(literal(1))
    .where(
        mentions.c.room_id == rooms.c.id,
        mentions.c.user_id.in_((members.c.user_id, EVERYBODY)),
        mentions.c.seq > _seen,
        mentions.c.author != members.c.user_id,
    )
    .limit(UNREAD_COUNTED)
    .correlate(rooms, members)
    .subquery()
)
_count_mentions: Final = select(func.count()).select_from(_mentions).correlate(rooms, members).scalar_subquery()
_list_rooms: Final = (
    select(
        members.c.user_id,
        rooms.c.id,
        rooms.c.log,
        rooms.c.kind,
        rooms.c.name,
        rooms.c.topic,
        rooms.c.members,
        rooms.c.last_seq,
        members.c.role,
        _seen.label("read"),
        case((_seen >= rooms.c.last_seq, 0), else_=_count_unread).label("unread"),
        case((_seen >= rooms.c.last_seq, 0), else_=_count_mentions).label("mentions"),
        _peer.c.id.label("peer"),
        _peer.c.name.label("peer_name"),
        _peer.c.display_name,
        _peer.c.last_seen,
        rooms.c.quiet_until,
        rooms.c.rights,
        rooms.c.icon,
        is_closed.label("is_closed"),
        members.c.level,
    )
    .join(members, members.c.room_id == rooms.c.id)
    .outerjoin(
        _peer,
        _peer.c.id == case((rooms.c.first_peer == members.c.user_id, rooms.c.second_peer), else_=rooms.c.first_peer),
    )
    .where(members.c.user_id.in_(bindparam("readers", expanding=True)))
    .order_by(rooms.c.id)
)
_gathering_rooms: Final = (
    select(members.c.user_id, rooms.c.members, rooms.c.id)
    .join(rooms, rooms.c.id == members.c.room_id)
    .where(
        members.c.user_id.in_(bindparam("users", expanding=True)),
        rooms.c.members.between(2, GATHERED_MOST),
        rooms.c.deleted_at.is_(None),
    )
)
_find_channel: Final = select(rooms.c.id).where(rooms.c.kind == "channel", rooms.c.name == bindparam("name"))
_find_rooms: Final = select(
    rooms.c.id,
    rooms.c.log,
    rooms.c.kind,
    rooms.c.name,
    rooms.c.topic,
    rooms.c.last_seq,
    rooms.c.quiet_until,
    rooms.c.rights,
    rooms.c.icon,
    or_(exists().where(bans.c.room_id == rooms.c.id), exists().where(mutes.c.room_id == rooms.c.id), is_closed),
).where(rooms.c.id.in_(bindparam("rooms", expanding=True)), rooms.c.deleted_at.is_(None))
_find_bans: Final = select(bans.c.room_id, bans.c.user_id).where(bans.c.room_id.in_(bindparam("rooms", expanding=True)))
_find_mutes: Final = select(mutes.c.room_id, mutes.c.user_id, mutes.c.until).where(
    mutes.c.room_id.in_(bindparam("rooms", expanding=True)), mutes.c.until > bindparam("now")
)
_all_members: Final = select(
    members.c.room_id, members.c.user_id, members.c.role, members.c.received, members.c.read, members.c.seen
).where(members.c.room_id.in_(bindparam("rooms", expanding=True)))
_page_of_members: Final = (
    select(
        members,
        users.c.name.label("user_name"),
        users.c.display_name,
        users.c.last_seen,
        mutes.c.until.label("muted_until"),
    )
    .join(users, users.c.id == members.c.user_id)
    .outerjoin(mutes, and_(mutes.c.room_id == members.c.room_id, mutes.c.user_id == members.c.user_id))
    .where(members.c.room_id == bindparam("room"), members.c.name > bindparam("after"))
    .order_by(members.c.name)
    .limit(bindparam("most"))
)

_page_among: Final = _page_of_members.where(members.c.user_id.in_(bindparam("among", expanding=True)))

_begun_lately: Final = Lately(members, members.c.joined_at, (members.c.room_id, members.c.user_id), members.c.read)


def find_gathering_rooms(connection: Connection, users: Iterable[str]) -> dict[str, str]:
    """For each of these users the largest of their rooms that has few members, and of equal ones the same for all."""
    largest: dict[str, tuple[int, str]] = {}
    for user, size, room in connection.execute(_gathering_rooms, {"users": padded(users)}).all():
        largest[user] = max(largest.get(user, (0, "")), (size, room))
    return {user: room for user, (_, room) in largest.items()}


def list_rooms(connection: Connection, readers: Iterable[str]) -> dict[str, list[Room]]:
    """The rooms of all these users, in one query: counters and heads are of one snapshot."""
    found: dict[str, list[Room]] = {reader: [] for reader in readers}
    for row in connection.execute(_list_rooms, {"readers": padded(found)}).all():
        found[row[0]].append(_room_from(row))
    return found


def find_channel(connection: Connection, question: FindChannel) -> str | None:
    return connection.execute(_find_channel, {"name": question.name}).scalar()


def load_rooms(connection: Connection, wanted: Iterable[str], now: int) -> dict[str, RoomRecord]:
    """All these rooms with their members, in two queries, and another three where anybody is kept from something; one
    that is not there is missing.
    """
    names = {"rooms": padded(wanted)}
    rows = connection.execute(_find_rooms, names).all()
    particulars = _particulars(connection, rows, now)
    found: dict[str, RoomRecord] = {}
    for room, log, kind, name, topic, last_seq, *_ in rows:
        found[room] = RoomRecord(_shared(room), log, _shared(kind), name, topic, last_seq, {}, particulars.get(room))
    for room, user, role, received, read, seen in connection.execute(_all_members, names):
        member = member_record(_shared(role), received, read)
        found[room].members[_shared(user)] = member if seen is None else with_seen(member, seen)
    return found


def _particulars(connection: Connection, rows: Sequence[AnyRow], now: int) -> dict[str, Particulars]:
    """Of the rooms that have any. `rows`: those of `_find_rooms`."""
    found: dict[str, Particulars] = {}
    for room, *_, quiet_until, rights, icon, _ in rows:
        if quiet_until is not None and quiet_until > now:
            found[room] = Particulars(quiet_until=remaining(quiet_until, now), quiet_told=rfc3339(quiet_until))
        if rights is not None:
            found.setdefault(room, Particulars()).rights = read_rights(rights)
        if icon is not None:
            found.setdefault(room, Particulars()).icon = icon
    restricted = {"rooms": padded(room for room, *_, is_restricted in rows if is_restricted)}
    if restricted["rooms"]:
        for room, user in connection.execute(_find_bans, restricted):
            found.setdefault(room, Particulars()).banned.add(user)
        for room, user, until in connection.execute(_find_mutes, restricted | {"now": now}):
            found.setdefault(room, Particulars()).muted[user] = remaining(until, now)
        for room, user in connection.execute(blocks_within, restricted):
            found.setdefault(room, Particulars()).blocked_by |= {user}
    return found


def read_members(connection: Connection, question: ReadMembers) -> MembersPage:
    """Members by name. The cursor is the last name of a page: people who come and go between two pages shift none."""
    wanted = {"room": question.room, "after": question.next or "", "most": question.limit + 1}
    if question.among is None:
        rows = connection.execute(_page_of_members, wanted).all()
    else:
        rows = connection.execute(_page_among, wanted | {"among": padded(question.among)}).all()
    page = rows[: question.limit]
    return MembersPage(
        question.room,
        tuple(member_from(row) for row in page),
        page[-1].name if len(rows) > len(page) else None,
    )


def _shared(text: Text) -> Text:
    """The one string that everybody keeps who keeps this text."""
    return cast("Text", intern(text))


def read_memberships(connection: Connection, question: ReadMemberships) -> Memberships:
    rows, left = _begun_lately.found(connection, question.spans)
    return Memberships(tuple(Membership(user, room, read) for room, user, read in rows), left)


def _room_from(row: AnyRow) -> Room:
    """From a row of `_list_rooms`, taken apart in one go: to look each column up by its name takes twice as long, and
    a crowd that signs in asks for thousands.
    """
    (
        _reader, room, log, kind, name, topic, people, last_seq, role, read, unread, mentioned,
        peer, peer_name, peer_display_name, peer_last_seen, quiet_until, rights, icon, is_closed_now, level,
    ) = row  # fmt: skip
    return Room(
        room=_shared(room),
        log=log,
        kind=kind,
        name=name,
        topic=topic,
        members=people,
        last_seq=last_seq,
        read_seq=read,
        role=role,
        unread=unread,
        mentions=mentioned,
        peer=_peer_from(peer, peer_name, peer_display_name, peer_last_seen, is_closed_now) if peer else None,
        quiet_until=None if quiet_until is None else rfc3339(quiet_until),
        rights=read_rights(rights),
        icon=icon,
        level=level or "all",
    )


def _peer_from(peer: str, name: str | None, display_name: str | None, last_seen: int | None, is_closed: bool) -> User:
    """Where one of two has blocked the other, neither sees whether the other is there, or was."""
    if is_closed and name is not None:
        return User(user=peer, name=name, display_name=display_name, status="offline")
    return user_from(peer, name, display_name, last_seen)
