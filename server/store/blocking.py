"""Who has blocked whom, and what that closes. Each function is inside a transaction, or a snapshot, of its caller.

The rules:
- A block closes the conversation of the two for both, under the same words: whoever is refused does not learn which of
  them it was. And nobody is brought into a room by somebody they have blocked.
- What was lifted stays for a while, marked as such: open rooms are told of changes by who looks for new ones
  (`server/accounts/blocking.py`), and a row that is gone could not be found.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from sqlalchemy import ColumnElement, Connection, and_, bindparam, case, delete, exists, func, insert, or_, select

from server.protocol import limits
from server.protocol.errors import ErrorCode, Refusal, no_conversation, not_to_be_invited
from server.protocol.objects import RoomKind, User
from server.store.account_messages import BlockChange, BlockChanges, ListBlocked, ReadBlocks, SetBlock
from server.store.lately import Lately
from server.store.tables import blocks, rooms, users
from server.store.wire import user_from

KEPT_MS: Final = 3_600_000
"""A block that was lifted: longer than anybody looks back."""

_smaller: Final = case((blocks.c.user_id < blocks.c.blocked_id, blocks.c.user_id), else_=blocks.c.blocked_id)
_larger: Final = case((blocks.c.user_id < blocks.c.blocked_id, blocks.c.blocked_id), else_=blocks.c.user_id)
_changed_lately: Final = Lately(
    blocks.join(rooms, and_(rooms.c.first_peer == _smaller, rooms.c.second_peer == _larger)),
    blocks.c.changed_at,
    (blocks.c.user_id, blocks.c.blocked_id),
    blocks.c.holds,
    rooms.c.id,
)
_list_blocked: Final = (
    select(users.c.id, users.c.name, users.c.display_name)
    .join(blocks, blocks.c.blocked_id == users.c.id)
    .where(blocks.c.user_id == bindparam("user"), blocks.c.holds)
    .order_by(users.c.name, users.c.id)
)

_of_the_two: Final = or_(
    and_(blocks.c.user_id == rooms.c.first_peer, blocks.c.blocked_id == rooms.c.second_peer),
    and_(blocks.c.user_id == rooms.c.second_peer, blocks.c.blocked_id == rooms.c.first_peer),
)

is_closed: Final[ColumnElement[bool]] = and_(rooms.c.kind == "dm", exists().where(_of_the_two, blocks.c.holds))
"""Whether a room is the conversation of two of whom one has blocked the other."""

blocks_within: Final = (
    select(rooms.c.id, blocks.c.user_id)
    .join(blocks, _of_the_two)
    .where(rooms.c.id.in_(bindparam("rooms", expanding=True)), blocks.c.holds)
)
"""Of these rooms: whose people have blocked each other, by whom."""


def set_block(connection: Connection, wanted: SetBlock, at: int) -> BlockChange:
    """Raises `Refusal`: `no_such_user`, `bad_request` for oneself, `limit_reached`."""
    other = _found(connection, wanted)
    if other == wanted.user:
        raise Refusal(ErrorCode.BAD_REQUEST, "nobody blocks themselves")
    pair = and_(blocks.c.user_id == wanted.user, blocks.c.blocked_id == other)
    holds = connection.execute(select(blocks.c.holds).where(pair)).scalar()
    if bool(holds) != wanted.on:
        _forget_lifted(connection, wanted.user, at)
        if wanted.on:
            _check_limit(connection, wanted.user)
        connection.execute(delete(blocks).where(pair))
        connection.execute(insert(blocks).values(user_id=wanted.user, blocked_id=other, holds=wanted.on, changed_at=at))
    first, second = sorted((wanted.user, other))
    room = connection.execute(select(rooms.c.id).where(rooms.c.first_peer == first, rooms.c.second_peer == second))
    return BlockChange(wanted.user, wanted.on, room.scalar())


def _found(connection: Connection, wanted: SetBlock) -> str:
    """Whoever is blocked may have been deleted since."""
    is_named = or_(users.c.id == wanted.who, users.c.name == wanted.who)
    found = connection.execute(select(users.c.id, users.c.name).where(is_named)).one_or_none()
    if found is None or (found.name is None and wanted.on):
        raise Refusal(ErrorCode.NO_SUCH_USER, "no such user")
    return str(found.id)


def _check_limit(connection: Connection, user: str) -> None:
    counted = select(func.count()).select_from(blocks).where(blocks.c.user_id == user, blocks.c.holds)
    if connection.execute(counted).scalar_one() >= limits.BLOCKED:
        raise Refusal(ErrorCode.LIMIT_REACHED, "you have blocked as many people as you may")


def _forget_lifted(connection: Connection, user: str, at: int) -> None:
    is_over = and_(blocks.c.user_id == user, ~blocks.c.holds, blocks.c.changed_at < at - KEPT_MS)
    connection.execute(delete(blocks).where(is_over))


def check_not_blocked(connection: Connection, creator: str, invited: Collection[str], kind: RoomKind) -> None:
    """Whether somebody may make a room with these people. Raises `Refusal`: `forbidden`."""
    stands_between = and_(blocks.c.user_id.in_(invited), blocks.c.blocked_id == creator)
    if kind == "dm":
        stands_between = or_(stands_between, and_(blocks.c.user_id == creator, blocks.c.blocked_id.in_(invited)))
    found = select(blocks.c.user_id).where(stands_between, blocks.c.holds).limit(1)
    if invited and connection.execute(found).scalar() is not None:
        raise no_conversation() if kind == "dm" else not_to_be_invited()


def check_may_invite(connection: Connection, inviter: str, user: str) -> None:
    """Raises `Refusal`: `forbidden`."""
    check_not_blocked(connection, inviter, (user,), "group")


def list_blocked(connection: Connection, question: ListBlocked) -> tuple[User, ...]:
    return tuple(user_from(*row) for row in connection.execute(_list_blocked, {"user": question.user}))


def read_blocks(connection: Connection, question: ReadBlocks) -> BlockChanges:
    rows, left = _changed_lately.found(connection, question.spans)
    return BlockChanges(tuple(BlockChange(user, holds, room) for user, _, holds, room in rows), left)
