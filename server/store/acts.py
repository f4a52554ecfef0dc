"""Which changes are acts of moderation, and what the audit log has of them: pure. `auditing.py` writes and reads it.

What everybody may do is none: to leave, to invite somebody by name, to delete what one has written oneself. The code of
an invite is in none of them: whoever knows it may come. Of what operators do it has what cannot be taken back: the end
of a room, and that of an account, which stands under the account's id.
"""

from __future__ import annotations

from typing import Literal, NamedTuple, assert_never

from server.protocol.objects import ActKind
from server.store.changes import MessageGone
from server.store.invite_changes import InviteChange, InviteMade, JoinRefused
from server.store.log_messages import MemberGone, NewMember
from server.store.room_changes import BanLifted, Muted, Renamed, RightsSet, RoleGiven, RoomChange, RoomDeleted


class ActRow(NamedTuple):
    """A row of `audit` but for its number; the fields are its columns. `by`: None, for an operator."""

    room_id: str
    at: int
    act: ActKind | Literal["delete_user"]
    by: str | None
    user_id: str | None = None
    reason: str | None = None
    target: int | None = None
    news: str | None = None


def of_removal(room: str, gone: MemberGone, at: int) -> list[ActRow]:
    """None if somebody has left."""
    if gone.by is None:
        return []
    return [ActRow(room, at, "ban" if gone.banned else "kick", gone.by, gone.user, gone.reason)]


def of_deletion(room: str, gone: MessageGone, author: str, at: int) -> list[ActRow]:
    """None if it was one's own message."""
    return [] if gone.by == author else [ActRow(room, at, "delete", gone.by, author, target=gone.target)]


def of_invite(room: str, change: InviteChange, at: int) -> list[ActRow]:
    act: ActKind = "create_invite" if isinstance(change, InviteMade) else "revoke_invite"
    return [ActRow(room, at, act, change.by)]


def of_approval(room: str, came: NewMember, at: int) -> list[ActRow]:
    """None if they have come on their own."""
    return [] if came.by is None else [ActRow(room, at, "approve", came.by, came.user)]


def of_refusal(room: str, refused: JoinRefused, at: int) -> list[ActRow]:
    return [ActRow(room, at, "refuse", refused.by, refused.user)]


def of_room(room: str, change: RoomChange | BanLifted | RoomDeleted, at: int, news: str | None = None) -> list[ActRow]:
    """`news`: what the room's log says of it."""
    match change:
        case Renamed(by=by):
            return [ActRow(room, at, "rename", by, news=news)]
        case RightsSet(by=by):
            return [ActRow(room, at, "set_rights", by, news=news)]
        case RoleGiven(by=by, user=user):
            return [ActRow(room, at, "set_role", by, user, news=news)]
        case Muted(by=by, user=muted):
            return [ActRow(room, at, "mute", by, muted, news=news)]
        case BanLifted(by=by, user=user):
            return [ActRow(room, at, "unban", by, user)]
        case RoomDeleted(by=by, reason=reason):
            return [ActRow(room, at, "delete_room", by, reason=reason)]
        case _:
            assert_never(change)


def of_account(user: str, at: int) -> list[ActRow]:
    """An operator has deleted it."""
    return [ActRow(user, at, "delete_user", None, user)]
