"""Who may do what in a room: pure, one refusal for each no.

Rights come before everything else that is checked, because to someone who may not know of a room every command on it
must sound as if the room never was: the same code and the same text, whatever else is wrong with the command.

`RIGHTS` is the table of it, by command and role. Rooms read it, docs/protocol.md shows it, and a test tries all of it.
What a table cannot say stands beside it: who may come in, who is muted, and that a room keeps an owner. What is each
room's own to say is in `room_rights.py`.

Left out: a conversation of two cannot be left, and nobody has a say over the other there. Its two people are what it
is, and `create_room` must find it again.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from math import inf
from typing import Final, NamedTuple, get_args

from server.protocol import limits
from server.protocol.attention_commands import Attend, Focus, MarkUnread, Read, Received, Typing
from server.protocol.commands import RoomCommand
from server.protocol.errors import ErrorCode, Refusal, no_conversation, no_such_invite, no_such_message, no_such_room
from server.protocol.governing_commands import Audit, Ban, DeleteRoom, Kick, Mute, Rename, SetRights, SetRole, Unban
from server.protocol.invite_commands import Approve, CreateInvite, Invite, Invites, JoinRequests, Refuse, RevokeInvite
from server.protocol.message_commands import Delete, Edit, Pin, Post, React
from server.protocol.objects import Role, RoomKind
from server.protocol.page_commands import History, Log, Pins, Search, Threads
from server.protocol.room_commands import Leave, Members
from server.protocol.rules import check_user_name
from server.rooms.room_rights import RANK
from server.store.room_changes import Particulars


class Reach(StrEnum):
    """How far a right reaches."""

    YES = "yes"
    BELOW = "those below"
    OWN = "their own"
    NO = "no"


class Right(NamedTuple):
    """Of one command.

    Attributes
    ----------
    in_dm
        Whether it is for conversations of two as well, where everybody is a member.
    speaks
        Whether it is not for who is muted.
    """

    owner: Reach
    moderator: Reach
    member: Reach
    guest: Reach
    in_dm: bool = True
    speaks: bool = False


_YES, _BELOW, _OWN, _NO = Reach.YES, Reach.BELOW, Reach.OWN, Reach.NO
_EVERYBODY: Final = Right(_YES, _YES, _YES, _YES)

RIGHTS: Final[Mapping[type[RoomCommand], Right]] = {
    Post: Right(_YES, _YES, _YES, _YES, speaks=True),
    Edit: Right(_OWN, _OWN, _OWN, _OWN, speaks=True),
    Delete: Right(_YES, _YES, _OWN, _OWN),
    React: Right(_YES, _YES, _YES, _YES, speaks=True),
    Pin: Right(_YES, _YES, _YES, _NO),
    History: _EVERYBODY,
    Threads: _EVERYBODY,
    Pins: _EVERYBODY,
    Log: _EVERYBODY,
    Members: _EVERYBODY,
    Search: _EVERYBODY,
    Received: _EVERYBODY,
    Read: _EVERYBODY,
    MarkUnread: _EVERYBODY,
    Typing: _EVERYBODY,
    Focus: _EVERYBODY,
    Attend: _EVERYBODY,
    Leave: Right(_YES, _YES, _YES, _YES, in_dm=False),
    Invite: Right(_YES, _YES, _YES, _NO, in_dm=False),
    CreateInvite: Right(_YES, _YES, _NO, _NO, in_dm=False),
    Invites: Right(_YES, _YES, _NO, _NO, in_dm=False),
    RevokeInvite: Right(_YES, _YES, _NO, _NO, in_dm=False),
    JoinRequests: Right(_YES, _YES, _NO, _NO, in_dm=False),
    Approve: Right(_YES, _YES, _NO, _NO, in_dm=False),
    Refuse: Right(_YES, _YES, _NO, _NO, in_dm=False),
    Kick: Right(_BELOW, _BELOW, _NO, _NO, in_dm=False),
    Ban: Right(_BELOW, _BELOW, _NO, _NO, in_dm=False),
    Unban: Right(_YES, _YES, _NO, _NO, in_dm=False),
    Mute: Right(_BELOW, _BELOW, _NO, _NO, in_dm=False),
    Rename: Right(_YES, _YES, _NO, _NO, in_dm=False),
    SetRole: Right(_BELOW, _NO, _NO, _NO, in_dm=False),
    SetRights: Right(_YES, _NO, _NO, _NO, in_dm=False),
    Audit: Right(_YES, _YES, _NO, _NO, in_dm=False),
    DeleteRoom: Right(_YES, _NO, _NO, _NO, in_dm=False),
}
"""What a member may do. `join` is for those who are none."""

SPEAKING: Final = frozenset(command for command, right in RIGHTS.items() if right.speaks)
ROLES: Final[tuple[Role, ...]] = get_args(Role)

_NOT_ALLOWED: Final = frozenset(
    (command, role, kind)
    for command, right in RIGHTS.items()
    for role in ROLES
    for kind in get_args(RoomKind)
    if getattr(right, role) is _NO or (kind == "dm" and not right.in_dm)
)
"""The table once more, so that to look into it is one step on the way of every post."""


def check_right(command: RoomCommand, role: Role, kind: RoomKind) -> None:
    """Whether a member of this role may give such a command here at all."""
    if (command.__class__, role, kind) in _NOT_ALLOWED:
        if kind == "dm":
            raise _forbidden("not in a conversation of two")
        raise _forbidden(f"not for a {role}")


def check_below(role: Role, other: Role) -> None:
    """Whether somebody has a say over somebody else. Over equals nobody has; over guests and members, moderators."""
    if RANK[role] <= RANK[other]:
        raise _forbidden(f"not over a {other}")


def check_not_oneself(user: str, other: str) -> None:
    if user == other:
        raise _forbidden("not to yourself")


def check_owner_stays(*, others: int) -> None:
    """A room that has people in it has an owner. `others`: owners beside the one who is to be none any more."""
    if not others:
        raise _forbidden("the room must keep an owner: make somebody else one first")


def check_may_speak(particulars: Particulars, user: str, role: Role, now: float) -> None:
    """Whether a member is muted, or the room is, or its two people are parted. `now`: in seconds of its clock."""
    if particulars.blocked_by:
        raise no_conversation()
    until = particulars.muted.get(user, 0.0)
    if RANK[role] <= RANK["member"]:
        until = max(until, particulars.quiet_until)
    if until > now:
        retry_after = None if until == inf else int((until - now) * 1000) + 1
        raise Refusal(ErrorCode.FORBIDDEN, "you are muted here", retry_after)


def stranger(kind: RoomKind, *, is_banned: bool = False) -> Refusal:
    """What someone hears who is not a member. To somebody who is banned the room is none."""
    if kind == "channel" and not is_banned:
        return Refusal(ErrorCode.NOT_A_MEMBER, "you are not a member of this channel, join it first")
    return no_such_room()


def check_joinable(kind: RoomKind, *, is_banned: bool) -> None:
    """Whether a stranger may come in without being invited."""
    if kind != "channel" or is_banned:
        raise no_such_room()


def check_invited(*, is_banned: bool) -> None:
    """Whether a stranger may come in by an invite, if it is good."""
    if is_banned:
        raise no_such_invite()


def check_not_banned(*, is_banned: bool) -> None:
    """Whether somebody may be brought in."""
    if is_banned:
        raise _forbidden("they are banned here")


def check_has_room(*, is_full: bool) -> None:
    """Whether anybody more may come in."""
    if is_full:
        raise Refusal(ErrorCode.LIMIT_REACHED, "this room has as many members as it may")


def check_reply_to(reply_to: int | None, last_seq: int) -> None:
    """What is answered is in the log. That it is a message is looked up where the reply gets its place."""
    if reply_to is not None and not 1 <= reply_to <= last_seq:
        raise Refusal(ErrorCode.NO_SUCH_MESSAGE, "`reply_to` names no message of this room")


def check_target(target: int, last_seq: int) -> None:
    """What is to be changed is in the log. That it is a message, and whose, is looked up where the entry gets its
    place."""
    if not 1 <= target <= last_seq:
        raise no_such_message()


def may_delete_of_others(role: Role) -> bool:
    return getattr(RIGHTS[Delete], role) is _YES


def may_let_in(role: Role) -> bool:
    return getattr(RIGHTS[Approve], role) is _YES


def check_page(command: History | Log | Members) -> None:
    """The bounds of what is asked for at once."""
    most = {History: limits.HISTORY_LIMIT, Log: limits.LOG_LIMIT, Members: limits.MEMBERS_LIMIT}[type(command)]
    if command.limit > most:
        raise Refusal(ErrorCode.BAD_REQUEST, f"`limit` is {most} at the most")
    if isinstance(command, History) and command.before is not None and command.after is not None:
        raise Refusal(ErrorCode.BAD_REQUEST, "`before` and `after` exclude each other")
    if isinstance(command, Members) and command.next is not None and not _looks_like_cursor(command.next):
        raise Refusal(ErrorCode.BAD_REQUEST, "`next` is not what was given with the page before")


def _forbidden(message: str) -> Refusal:
    return Refusal(ErrorCode.FORBIDDEN, message)


def _looks_like_cursor(cursor: str) -> bool:
    """The store continues after a name; anything else was never given out."""
    try:
        check_user_name(cursor)
    except Refusal:
        return False
    return True
