"""What the store is told and asked about rooms and who is in them, and what it answers."""

from __future__ import annotations

from msgspec import Struct

from server.protocol.objects import Member, Role, Room, RoomKind
from server.store.lately import Span
from server.store.questions import Asker, Question
from server.store.room_changes import Particulars


class CreateRoom(Question, frozen=True, kw_only=True):
    """Answered `RoomCreated`. The same creator and nonce, or the same two people for a `dm`, get the same room.

    `members` are names or ids; an unknown one fails with `no_such_user`. The creator is `owner` of a channel or
    group, both people of a dm are `member`. Every member takes a `joined` entry, the creator first.
    Fails with `conflict` for a channel's name that is taken, or a nonce used for something else, and with
    `bad_request` for a dm that is not between two people. Who is in a dm never changes: rooms refuse it.
    """

    creator: str
    kind: RoomKind
    name: str | None
    members: tuple[str, ...]
    nonce: str


class RoomCreated(Struct, frozen=True):
    """`added`: the ids of all members, the creator included, whose membership began now."""

    room: str
    created: bool
    added: tuple[str, ...]


class Mark(Struct, frozen=True):
    """How far `user` has received and read; the larger wins. `seen`: how far for themselves, where that is not `read`;
    of several the last wins."""

    user: str
    received: int
    read: int
    seen: int | None = None


class SaveMarks(Struct, frozen=True):
    """Answered `MarksSaved`, where somebody wants to know."""

    room: str
    marks: tuple[Mark, ...]
    reply_to: Asker | None = None


class MarksSaved(Struct, frozen=True):
    """These are on disk; or nobody knows, if not `are_saved`."""

    marks: tuple[Mark, ...]
    are_saved: bool


class ListRooms(Question, frozen=True, kw_only=True):
    """All rooms of a user with `last_seq` and `unread` of one and the same snapshot. Answered `RoomList`.

    `unread` is counted up to `tally.UNREAD_COUNTED`.
    """

    user: str


class RoomList(Struct, frozen=True):
    user: str
    rooms: tuple[Room, ...]


class LoadRoom(Question, frozen=True, kw_only=True):
    """Answered `RoomRecord`, or `NoRoom`."""

    room: str


class MemberRecord(Struct, frozen=True, gc=False):
    """Whoever has read as far in the same role is one record (`marks.py`), so it is never changed."""

    role: Role
    received: int
    read: int


class RoomRecord(Struct, frozen=True, gc=False):
    """A room as its owner keeps it. `members` maps user ids. `particulars`: None where there are none."""

    room: str
    log: str
    kind: RoomKind
    name: str | None
    topic: str | None
    last_seq: int
    members: dict[str, MemberRecord]
    particulars: Particulars | None = None


class NoRoom(Struct, frozen=True):
    room: str


class FindChannel(Question, frozen=True, kw_only=True):
    """Answered with the channel's id, or None."""

    name: str


class ReadMembers(Question, frozen=True, kw_only=True):
    """Members by name, `limit` at most, those behind the opaque cursor `next`. Answered `MembersPage`.

    `among`: only of these users, of whom there are at most 500.
    """

    room: str
    limit: int
    next: str | None
    among: tuple[str, ...] | None = None


class MembersPage(Struct, frozen=True):
    room: str
    members: tuple[Member, ...]
    next: str | None


class ReadMemberships(Question, frozen=True, kw_only=True):
    """Memberships that began in one of `spans`, and have not ended. Answered `Memberships`."""

    spans: tuple[Span, ...]


class Membership(Struct, frozen=True):
    """`read`: how far the user has read there."""

    user: str
    room: str
    read: int


class Memberships(Struct, frozen=True):
    """`left` is to be asked for next."""

    begun: tuple[Membership, ...]
    left: tuple[Span, ...]
