"""How others come into a room: invited themselves, by a code, or let in because they asked."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from server.protocol.bases import Command, Person
from server.protocol.fields import InviteCode, Nonce, RoomId
from server.protocol.limits import INVITE_SECONDS, INVITE_USES

InviteUses = Annotated[int, Meta(ge=1, extra_json_schema={"maximum": INVITE_USES})]
InviteSeconds = Annotated[int, Meta(ge=1, extra_json_schema={"maximum": INVITE_SECONDS})]


class Invite(Command, frozen=True, kw_only=True, tag="invite"):
    """Makes somebody a member of a channel or group. `ok` carries no `seq` where they are one already."""

    room: RoomId
    user: Person


class CreateInvite(Command, frozen=True, kw_only=True, tag="create_invite"):
    """Makes a code by which people come into a channel or group: by `join`, as many and as long as it says.

    Said again with the same `nonce` and the same content, it is answered with the same code.
    """

    room: RoomId
    nonce: Nonce
    uses: Annotated[InviteUses | None, Meta(description="How many may come. Absent: any number.")] = None
    seconds: Annotated[InviteSeconds | None, Meta(description="For how long. Absent: until it is revoked.")] = None


class Invites(Command, frozen=True, kw_only=True, tag="invites"):
    """The invites of a room that are good, the oldest first."""

    room: RoomId


class RevokeInvite(Command, frozen=True, kw_only=True, tag="revoke_invite"):
    """Ends an invite. `ok` also where it has ended, or the room has none of this code."""

    room: RoomId
    invite: InviteCode


class InviteInfo(Command, frozen=True, kw_only=True, tag="invite_info"):
    """Where an invite leads to, as long as it is good."""

    invite: InviteCode


class JoinRequests(Command, frozen=True, kw_only=True, tag="join_requests"):
    """Who asks to come into a group, the longest waiting first."""

    room: RoomId


class Approve(Command, frozen=True, kw_only=True, tag="approve"):
    """Lets in somebody who asks. `ok` carries no `seq` where they are a member already."""

    room: RoomId
    user: Person


class Refuse(Command, frozen=True, kw_only=True, tag="refuse"):
    """Does not let in somebody who asks; nobody is told. `ok` also where they do not ask."""

    room: RoomId
    user: Person
