"""New rooms: who is in them, what makes two requests the same, and their first entries.

The rules: a retry gets the room of the first try, whatever happened to it since; the same two people always get the
same dm; nothing is written before every member was found. The members of a dm never change, so an existing one has
nobody to add. Nobody is put into more rooms than they may be in, not even by others.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import Final

import msgspec
from sqlalchemy import Connection, bindparam, insert, or_, select

from server.protocol.errors import ErrorCode, Refusal
from server.protocol.objects import Role
from server.store.appending import add_entries, add_members, rooms_of
from server.store.blocking import check_not_blocked
from server.store.channel_queries import list_channel
from server.store.ids import new_id
from server.store.quotas import Quotas, too_many_members, too_many_rooms
from server.store.room_messages import CreateRoom, RoomCreated
from server.store.rows import EntryRow, MemberRow
from server.store.tables import rooms, users

_find_by_nonce: Final = select(rooms.c.id, rooms.c.digest).where(
    rooms.c.creator == bindparam("creator"), rooms.c.nonce == bindparam("nonce")
)
_find_dm: Final = select(rooms.c.id).where(
    rooms.c.first_peer == bindparam("first"), rooms.c.second_peer == bindparam("second")
)
_find_channel: Final = select(rooms.c.id).where(rooms.c.kind == "channel", rooms.c.name == bindparam("name"))


def create_room(connection: Connection, wanted: CreateRoom, at: int, quotas: Quotas) -> RoomCreated:
    """The room that `wanted` asks for, made now or earlier.

    Raises
    ------
    Refusal
        `no_such_user`; `bad_request` for a dm that is not between two people; `conflict` for a channel's name that
        is taken, and for a nonce that was used for something else; `forbidden` where somebody has blocked somebody;
        `limit_reached`.
    """
    invited = _found_users(connection, wanted)
    digest = _digest(wanted, invited)
    earlier = connection.execute(_find_by_nonce, {"creator": wanted.creator, "nonce": wanted.nonce}).one_or_none()
    if earlier is not None and earlier.digest != digest:
        raise Refusal(ErrorCode.CONFLICT, "this nonce was used for another room")
    room = earlier.id if earlier is not None else _same_room(connection, wanted, invited)
    if room is not None:
        return RoomCreated(room, created=False, added=())
    check_not_blocked(connection, wanted.creator, invited, wanted.kind)
    _check_quotas(connection, (wanted.creator, *invited), quotas)
    return _made(connection, wanted, invited, digest, at, quotas)


def _found_users(connection: Connection, wanted: CreateRoom) -> tuple[str, ...]:
    """The ids of all others, in the order in which they were named, each once."""
    rows = connection.execute(
        select(users.c.id, users.c.name).where(
            users.c.name.is_not(None), or_(users.c.id.in_(wanted.members), users.c.name.in_(wanted.members))
        )
    ).all()
    ids = {row.name: row.id for row in rows} | {row.id: row.id for row in rows}
    missing = [who for who in wanted.members if who not in ids]
    if missing:
        raise Refusal(ErrorCode.NO_SUCH_USER, "no such user")
    invited = dict.fromkeys(ids[who] for who in wanted.members)
    if wanted.kind == "dm" and (wanted.creator in invited or len(invited) != 1):
        raise Refusal(ErrorCode.BAD_REQUEST, "a dm is between you and one other person")
    return tuple(user for user in invited if user != wanted.creator)


def _digest(wanted: CreateRoom, invited: tuple[str, ...]) -> bytes:
    said = msgspec.json.encode((wanted.kind, wanted.name, sorted(invited)))
    return blake2b(said, digest_size=16).digest()


def _same_room(connection: Connection, wanted: CreateRoom, invited: tuple[str, ...]) -> str | None:
    """The dm of these two, if there is one. A channel of that name is somebody else's."""
    if wanted.kind == "dm":
        first, second = sorted((wanted.creator, invited[0]))
        return connection.execute(_find_dm, {"first": first, "second": second}).scalar()
    if wanted.kind == "channel" and connection.execute(_find_channel, {"name": wanted.name}).scalar():
        raise Refusal(ErrorCode.CONFLICT, "a channel of this name exists")
    return None


def _check_quotas(connection: Connection, people: tuple[str, ...], quotas: Quotas) -> None:
    if len(people) > quotas.members:
        raise too_many_members()
    crowded = [user for user, count in rooms_of(connection, people).items() if count >= quotas.rooms]
    if crowded:
        raise too_many_rooms(who_asks=people[0] in crowded)


def _made(
    connection: Connection, wanted: CreateRoom, invited: tuple[str, ...], digest: bytes, at: int, quotas: Quotas
) -> RoomCreated:
    room, people = new_id("r", at), (wanted.creator, *invited)
    first, second = sorted(people) if wanted.kind == "dm" else (None, None)
    connection.execute(
        insert(rooms).values(
            id=room,
            log=new_id("l", at),
            kind=wanted.kind,
            name=None if wanted.kind == "dm" else wanted.name,
            last_seq=len(people),
            members=len(people),
            creator=wanted.creator,
            nonce=wanted.nonce,
            digest=digest,
            created_at=at,
            first_peer=first,
            second_peer=second,
        )
    )
    add_members(
        connection,
        [MemberRow(room, user, _role(wanted, user), at, seq) for seq, user in enumerate(people, 1)],
        quotas.rooms,
    )
    by = dict.fromkeys(invited, wanted.creator)
    add_entries(
        connection,
        [EntryRow(room, seq, "joined", at, user, by=by.get(user)) for seq, user in enumerate(people, 1)],
    )
    if wanted.kind == "channel":
        list_channel(connection, room)
    return RoomCreated(room, created=True, added=people)


def _role(wanted: CreateRoom, user: str) -> Role:
    return "owner" if user == wanted.creator and wanted.kind != "dm" else "member"
