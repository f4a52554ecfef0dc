"""Which rooms there are and who is in them: made, found, joined and left, each by whoever says so."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from server.protocol.bases import Command
from server.protocol.fields import InviteCode, Nonce, Query, RoomId
from server.protocol.limits import CHANNELS_LIMIT, MEMBERS_LIMIT, ROOM_MEMBERS_AT_CREATION
from server.protocol.objects import RoomKind

MembersSize = Annotated[int, Meta(ge=1, description="Members.", extra_json_schema={"maximum": MEMBERS_LIMIT})]
ChannelsSize = Annotated[int, Meta(ge=1, description="Channels.", extra_json_schema={"maximum": CHANNELS_LIMIT})]


class CreateRoom(Command, frozen=True, kw_only=True, tag="create_room"):
    """Makes a room: a `channel` that anyone may join, a `group` by invitation, or a `dm` of two people.

    The same two people get the same `dm` every time. A channel has a unique name; a group may go without one.
    """

    kind: RoomKind
    nonce: Nonce
    name: Annotated[str | None, Meta(description="Of a channel: 1-64 of a-z 0-9 _ -. Of a group: 1-64 characters.")] = (
        None
    )
    members: Annotated[
        list[str],
        Meta(
            description="Other people, by name or id: exactly one for a `dm`.",
            extra_json_schema={"maxItems": ROOM_MEMBERS_AT_CREATION},
        ),
    ] = []


class Join(Command, frozen=True, kw_only=True, tag="join"):
    """Becomes a member of a channel, given by `room` or by `name`, or of the room that an `invite` leads to.

    The next entry delivered is `last_seq` + 1. Where a group wants to be asked, `ok` carries `asked` instead.
    """

    room: RoomId | None = None
    name: Annotated[str | None, Meta(description="Of a channel.")] = None
    invite: InviteCode | None = None


class Leave(Command, frozen=True, kw_only=True, tag="leave"):
    """Ends a membership. None of the room's entries follow the reply."""

    room: RoomId


class Rooms(Command, frozen=True, kw_only=True, tag="rooms"):
    """The rooms this user is a member of."""


class Channels(Command, frozen=True, kw_only=True, tag="channels"):
    """Channels that one may join, page by page: by name, or those that a `query` finds, the best first.

    It finds what is a part of a name, or begins as a word of the topic does, in upper or lower case.
    """

    query: Query | None = None
    limit: ChannelsSize = 50
    next: Annotated[str | None, Meta(description="As the page before gave it.")] = None


class Members(Command, frozen=True, kw_only=True, tag="members"):
    """Who is in a room, by name, page by page; or, with `online`, only those who are online at the moment.

    A page of these may be short, or empty, and have one behind it.
    """

    room: RoomId
    limit: MembersSize = 100
    next: Annotated[str | None, Meta(description="As the page before gave it.")] = None
    online: Annotated[bool, Meta(description="Large rooms are shown with these first, then with everybody.")] = False
