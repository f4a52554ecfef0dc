"""What the table of rights leaves to each room: who may post, invite, call everybody and pin there; pure.

The rule: a room says the lowest role that may, and both must agree, the room and the table (`rights.py`). So a room
gives nobody what their role has in no room. What a room does not say is as in every room of its kind: in a group, and
in a conversation of two, members do it all; in a channel only moderators call everybody and pin, because there anybody
may come in.

Most rooms say nothing, and keep nothing for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal, TypeVar

from server.protocol.commands import RoomCommand
from server.protocol.errors import ErrorCode, Refusal
from server.protocol.governing_commands import SetRights
from server.protocol.invite_commands import Approve, CreateInvite, Invite
from server.protocol.limits import SLOW_SECONDS, TTL_SECONDS
from server.protocol.message_commands import Edit, Pin, Post
from server.protocol.objects import Role, RoomKind, RoomRights

Act = Literal["post", "invite", "mention_all", "pin"]
_R = TypeVar("_R", bound=Role)

RANK: Final[Mapping[Role, int]] = {"owner": 3, "moderator": 2, "member": 1, "guest": 0}

ACTS: Final[Mapping[type[RoomCommand], Act]] = {
    Post: "post", Edit: "post", Invite: "invite", CreateInvite: "invite", Approve: "invite", Pin: "pin",
}  # fmt: skip
"""Commands that a room can keep for some. To react is everybody's also where few post."""

USUAL: Final[Mapping[RoomKind, Mapping[Act, Role]]] = {
    "channel": {"post": "guest", "invite": "member", "mention_all": "moderator", "pin": "moderator"},
    "group": {"post": "guest", "invite": "member", "mention_all": "member", "pin": "member"},
    "dm": {"post": "guest", "invite": "member", "mention_all": "member", "pin": "member"},
}
"""The lowest role that may, where a room does not say."""

_PEOPLE: Final[Mapping[Role, str]] = {
    "owner": "owners", "moderator": "moderators and owners", "member": "members, moderators and owners",
    "guest": "everybody",
}  # fmt: skip


def lowest(act: Act, rights: RoomRights | None, kind: RoomKind) -> Role:
    """Who may just do it. `rights`: what the room says, if anything."""
    said: Role | None = None if rights is None else getattr(rights, act)
    return said or USUAL[kind][act]


def may(act: Act, role: Role, rights: RoomRights | None, kind: RoomKind) -> bool:
    return RANK[role] >= RANK[lowest(act, rights, kind)]


def check_kept_for(command: RoomCommand, role: Role, rights: RoomRights | None, kind: RoomKind) -> None:
    """Raises `forbidden` where the room keeps such a command for others."""
    act = ACTS.get(command.__class__)
    if act is not None and not may(act, role, rights, kind):
        raise Refusal(ErrorCode.FORBIDDEN, f"only for {_PEOPLE[lowest(act, rights, kind)]} here")


def check_wanted(wanted: SetRights, kind: RoomKind) -> None:
    said = wanted.post, wanted.invite, wanted.mention_all, wanted.pin, wanted.slow, wanted.approval, wanted.ttl
    if all(each is None for each in said):
        raise Refusal(
            ErrorCode.BAD_REQUEST, "`post`, `invite`, `mention_all`, `pin`, `slow`, `approval` or `ttl` must be there"
        )
    if wanted.approval is not None and kind != "group":
        raise Refusal(ErrorCode.BAD_REQUEST, "`approval` is for groups")
    shortest, longest = TTL_SECONDS
    if wanted.ttl and not shortest <= wanted.ttl <= longest:
        raise Refusal(ErrorCode.BAD_REQUEST, f"`ttl` is 0, or {shortest} to {longest}")
    if wanted.slow is not None and wanted.slow > SLOW_SECONDS:
        raise Refusal(ErrorCode.BAD_REQUEST, f"`slow` is {SLOW_SECONDS} at the most")


def changed(rights: RoomRights | None, wanted: SetRights, kind: RoomKind) -> RoomRights | None:
    """What the room says then: only what is not as usual; None if that is nothing."""
    before, usual = rights or RoomRights(), USUAL[kind]
    slow = before.slow if wanted.slow is None else wanted.slow
    then = RoomRights(
        post=_unusual(wanted.post or before.post, usual["post"]),
        invite=_unusual(wanted.invite or before.invite, usual["invite"]),
        mention_all=_unusual(wanted.mention_all or before.mention_all, usual["mention_all"]),
        pin=_unusual(wanted.pin or before.pin, usual["pin"]),
        slow=slow or None,
        ttl=(before.ttl if wanted.ttl is None else wanted.ttl) or None,
        approval=before.approval if wanted.approval is None else wanted.approval,
    )
    return None if then == RoomRights() else then


def _unusual(said: _R | None, usual: Role) -> _R | None:
    return None if said == usual else said
