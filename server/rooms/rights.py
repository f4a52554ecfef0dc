"""Who may do what in a room: pure, one refusal for each no.

Rights come before everything else that is checked, because to someone who may not know of a room every command on it
must sound as if the room never was: the same code and the same text, whatever else is wrong with the command.

Left out: a conversation of two cannot be left. Its two people are what it is, and `create_room` must find it again.
"""

from __future__ import annotations

from server.protocol import limits
from server.protocol.commands import History, Log, Members
from server.protocol.errors import ErrorCode, Refusal, no_such_room
from server.protocol.objects import Role, RoomKind
from server.protocol.rules import check_user_name


def stranger(kind: RoomKind) -> Refusal:
    """What someone hears who is not a member."""
    if kind == "channel":
        return Refusal(ErrorCode.NOT_A_MEMBER, "you are not a member of this channel, join it first")
    return no_such_room()


def check_joinable(kind: RoomKind) -> None:
    """Whether a stranger may come in without being invited."""
    if kind != "channel":
        raise no_such_room()


def check_has_room(*, is_full: bool) -> None:
    """Whether anybody more may come in."""
    if is_full:
        raise Refusal(ErrorCode.LIMIT_REACHED, "this room has as many members as it may")


def check_may_leave(kind: RoomKind) -> None:
    if kind == "dm":
        raise Refusal(ErrorCode.FORBIDDEN, "a conversation of two cannot be left")


def check_may_invite(kind: RoomKind, role: Role) -> None:
    if kind == "dm":
        raise Refusal(ErrorCode.FORBIDDEN, "nobody can be invited into a conversation of two")
    if role == "guest":
        raise Refusal(ErrorCode.FORBIDDEN, "guests cannot invite")


def check_reply_to(reply_to: int | None, last_seq: int) -> None:
    """A reply names an entry that exists; that it is a message, and not somebody's coming or going, is not checked."""
    if reply_to is not None and not 1 <= reply_to <= last_seq:
        raise Refusal(ErrorCode.NO_SUCH_MESSAGE, "`reply_to` names no message of this room")


def check_target(target: int, last_seq: int) -> None:
    """What is to be changed is in the log. That it is a message, and whose, is looked up where the entry gets its
    place."""
    if not 1 <= target <= last_seq:
        raise Refusal(ErrorCode.NO_SUCH_MESSAGE, "there is no such message in this room")


def may_delete_of_others(role: Role) -> bool:
    return role in ("owner", "moderator")


def check_page(command: History | Log | Members) -> None:
    """The bounds of what is asked for at once."""
    most = {History: limits.HISTORY_LIMIT, Log: limits.LOG_LIMIT, Members: limits.MEMBERS_LIMIT}[type(command)]
    if command.limit > most:
        raise Refusal(ErrorCode.BAD_REQUEST, f"`limit` is {most} at the most")
    if isinstance(command, History) and command.before is not None and command.after is not None:
        raise Refusal(ErrorCode.BAD_REQUEST, "`before` and `after` exclude each other")
    if isinstance(command, Members) and command.next is not None and not _looks_like_cursor(command.next):
        raise Refusal(ErrorCode.BAD_REQUEST, "`next` is not what was given with the page before")


def _looks_like_cursor(cursor: str) -> bool:
    """The store continues after a name; anything else was never given out."""
    try:
        check_user_name(cursor)
    except Refusal:
        return False
    return True
