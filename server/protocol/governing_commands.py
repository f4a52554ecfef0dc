"""What those say who govern a room: of people in it, of who may do what, of the room itself, and of who has done so."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from server.protocol.bases import Command, Person
from server.protocol.fields import Icon, Reason, RoomId, Topic
from server.protocol.limits import AUDIT_LIMIT, MUTE_SECONDS, SLOW_SECONDS, TTL_SECONDS
from server.protocol.objects import Role, Trusted

MuteSeconds = Annotated[int, Meta(ge=0, extra_json_schema={"maximum": MUTE_SECONDS})]
SlowSeconds = Annotated[int, Meta(ge=0, extra_json_schema={"maximum": SLOW_SECONDS})]
TtlSeconds = Annotated[int, Meta(ge=0, extra_json_schema={"maximum": TTL_SECONDS[1]})]

AuditSize = Annotated[int, Meta(ge=1, description="Acts.", extra_json_schema={"maximum": AUDIT_LIMIT})]


class Kick(Command, frozen=True, kw_only=True, tag="kick"):
    """Ends somebody's membership; nothing of them is logged after it, and nothing after it is delivered to them.

    They may come again, as anybody may. `ok` carries no `seq` where they are no member.
    """

    room: RoomId
    user: Person
    reason: Reason | None = None


class Ban(Command, frozen=True, kw_only=True, tag="ban"):
    """Ends somebody's membership, if they have one, and keeps them out: for them there is no such room any more.

    `ok` carries no `seq` where they are no member.
    """

    room: RoomId
    user: Person
    reason: Reason | None = None


class Unban(Command, frozen=True, kw_only=True, tag="unban"):
    """Lets somebody come again. It is in no log."""

    room: RoomId
    user: Person


class Mute(Command, frozen=True, kw_only=True, tag="mute"):
    """Keeps somebody from posting for a while; without `user` everybody but moderators and owners.

    It outlasts a membership: nobody gets rid of it by leaving.
    """

    room: RoomId
    user: Person | None = None
    seconds: Annotated[MuteSeconds | None, Meta(description="Absent: until it is lifted. 0: it is lifted.")] = None


class SetRole(Command, frozen=True, kw_only=True, tag="set_role"):
    """Gives a member another role. `ok` carries no `seq` where they have it already.

    A room is handed over by making somebody else an owner, and then oneself something else.
    """

    room: RoomId
    user: Person
    role: Role


class Rename(Command, frozen=True, kw_only=True, tag="rename"):
    """Gives a channel or group another name, topic or icon. `ok` carries no `seq` where that is so already."""

    room: RoomId
    name: Annotated[str | None, Meta(description="Of a channel: 1-64 of a-z 0-9 _ -. Of a group: 1-64 characters.")] = (
        None
    )
    topic: Annotated[Topic | None, Meta(description="Empty: none.")] = None
    icon: Annotated[Icon | None, Meta(description="Empty: none.")] = None


class SetRights(Command, frozen=True, kw_only=True, tag="set_rights"):
    """Says who may do what in a channel or group: the lowest role that may. What is not named stays.

    `ok` carries no `seq` where all of that is so already. Nobody gets a right that their role has in no room: guests
    neither invite nor pin nor call everybody.
    """

    room: RoomId
    post: Annotated[Role | None, Meta(description="And edit. `guest`: everybody, as in a new room.")] = None
    invite: Annotated[Trusted | None, Meta(description="In a new room: `member`.")] = None
    mention_all: Annotated[
        Trusted | None, Meta(description="By `@all`. In a new group: `member`; in a new channel: `moderator`.")
    ] = None
    pin: Annotated[Trusted | None, Meta(description="In a new group: `member`; in a new channel: `moderator`.")] = None
    slow: Annotated[
        SlowSeconds | None,
        Meta(description="Seconds between two posts of one member or guest. 0: as fast as they like."),
    ] = None
    ttl: Annotated[
        TtlSeconds | None,
        Meta(description="Seconds, 5 at least, until what is posted from now on disappears. 0: it stays."),
    ] = None
    approval: Annotated[bool | None, Meta(description="Of a group: by an invite's code one only asks to come in.")] = (
        None
    )


class DeleteRoom(Command, frozen=True, kw_only=True, tag="delete_room"):
    """Ends a channel or group for everybody, with its log. They hear `left`, with `by` and `reason`; then, for all of
    them, there is no such room.
    """

    room: RoomId
    reason: Reason | None = None


class Audit(Command, frozen=True, kw_only=True, tag="audit"):
    """Who has moderated a room, how, whom and why, the newest first. Kept for 90 days."""

    room: RoomId
    limit: AuditSize = 50
    next: Annotated[str | None, Meta(description="As the page before gave it.")] = None


class EndRoom(Command, frozen=True, kw_only=True, tag="end_room"):
    """What no client says: an operator wants the room to be deleted."""

    room: RoomId
    reason: str | None = None
