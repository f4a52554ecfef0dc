"""What the store is asked by who looks for a room to come into, and what it answers."""

from __future__ import annotations

from msgspec import Struct

from server.protocol.objects import Channel, InviteLink, JoinRequest, RoomKind
from server.store.questions import Question


class ReadChannels(Question, frozen=True, kw_only=True):
    """Channels that `reader` may know of, `limit` at most, behind the cursor `next`. Answered `ChannelsPage`.

    By name; with a `query`, those that have a term which begins so (`channel_terms.py`), the best first.
    """

    reader: str
    query: str | None
    limit: int
    next: str | None


class ChannelsPage(Struct, frozen=True):
    """`next`: to ask for the page behind this one; None: there is none."""

    channels: tuple[Channel, ...]
    next: str | None


class FindInvite(Question, frozen=True, kw_only=True):
    """Where an invite's code leads `user`. Answered `Leading`, or None; fails with `no_such_invite` for no code."""

    code: str
    user: str


class Leading(Struct, frozen=True):
    """A room, by an invite that is good, or, where `user` is a member or has asked to be one, was (`is_good`)."""

    room: str
    kind: RoomKind
    name: str | None
    members: int
    is_good: bool
    icon: str | None = None


class ReadInvites(Question, frozen=True, kw_only=True):
    """Those of a room that are good, or the one `invite`, whatever it is. Answered `InvitesPage`."""

    room: str
    invite: str | None = None


class InvitesPage(Struct, frozen=True):
    """The oldest first."""

    room: str
    invites: tuple[InviteLink, ...]


class ReadJoinRequests(Question, frozen=True, kw_only=True):
    """Who asks to come into a room. Answered `JoinRequestsPage`."""

    room: str


class JoinRequestsPage(Struct, frozen=True):
    """The longest waiting first."""

    room: str
    requests: tuple[JoinRequest, ...]


FindingRead = ReadChannels | FindInvite | ReadInvites | ReadJoinRequests
