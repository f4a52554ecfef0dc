"""What people do with their own accounts: questions to the store. Signing in is in `user_messages.py`."""

from __future__ import annotations

from msgspec import Struct

from server.protocol.objects import RoomKind
from server.store.choices import ReadChoices, SaveChoice
from server.store.lately import Span
from server.store.questions import Question

# --- to the writer -------------------------------------------------------------------------------------------


class EndSessions(Question, frozen=True, kw_only=True):
    """Ends tokens of `user`: that of the session `only`, or all of them but that of `but`. Answered `Revocations`.

    Fails with `not_found` if `only` is none of theirs. One that has ended before is no failure.
    """

    user: str
    only: str | None = None
    but: str | None = None


class ChangePassword(Question, frozen=True, kw_only=True):
    """Sets the hash if it still is `known_hash`, which the asker has seen to be that of the right password; else fails
    with `bad_credentials`: somebody was faster. Answered `Revocations`.

    All tokens of the user end but that of the session `but`; with `keeps_others`, none does.
    """

    user: str
    known_hash: str
    password_hash: str
    but: str
    keeps_others: bool = False


class SetDisplayName(Question, frozen=True, kw_only=True):
    """Answered with the `User` as everybody sees them since, or `no_such_user`."""

    user: str
    display_name: str | None


class DeleteUser(Question, frozen=True, kw_only=True):
    """`user` is deleted from now on, for everybody; their rooms are left one by one after that (`Departure`). Answered
    `Revocations`: all tokens end.

    Fails with `bad_credentials` if the hash is not `known_hash` (None: whatever it is), with `no_such_user` if there is
    nobody to delete.
    """

    user: str
    known_hash: str | None


class ForgetMember(Question, frozen=True, kw_only=True):
    """What a membership that stays tells of a deleted user's name is forgotten. Answered True."""

    user: str
    room: str


class EndDeparture(Question, frozen=True, kw_only=True):
    """Nothing is left to do for this deleted user. Answered with whether that is so."""

    user: str


class SetBlock(Question, frozen=True, kw_only=True):
    """`user` has blocked `who` (an id, or a name), or does so no more. Answered `BlockChange`, also where that is so.

    Fails with `no_such_user`, `bad_request` for oneself, and `limit_reached`.
    """

    user: str
    who: str
    on: bool


class BlockChange(Struct, frozen=True):
    """`by` has blocked the other one of their conversation `room` (None: they have none), or does so no more.

    Told to the room as well, by whoever learns of it.
    """

    by: str
    on: bool
    room: str | None


AccountWrite = (
    EndSessions | ChangePassword | SetDisplayName | DeleteUser | ForgetMember | EndDeparture | SaveChoice | SetBlock
)


# --- to the reader -------------------------------------------------------------------------------------------


class ListDevices(Question, frozen=True, kw_only=True):
    """Where `user` is signed in: the `limit` used last, the newest first. Answered with a tuple of `DeviceRow`."""

    user: str
    limit: int


class DeviceRow(Struct, frozen=True):
    """`session` is the token's public id; times are in ms since the epoch."""

    session: str
    name: str | None
    created_at: int
    last_used: int


class ReadDepartures(Question, frozen=True, kw_only=True):
    """Deleted users for whom there is something left to do: answered with a tuple of `Departure`, of some of them."""

    limit: int


class Departure(Struct, frozen=True):
    """`user` is still a member of `room`; None: of none that would have to be left."""

    user: str
    room: str | None
    kind: RoomKind | None


class FindHeir(Question, frozen=True, kw_only=True):
    """Who would own `room` next if `but` left it: answered with the id of a moderator, a member, or a guest, of whoever
    has been there longest. None: there is nobody."""

    room: str
    but: str


class ListBlocked(Question, frozen=True, kw_only=True):
    """Whom `user` has blocked, by name. Answered with a tuple of `User`."""

    user: str


class ReadBlocks(Question, frozen=True, kw_only=True):
    """Blocks that changed in one of `spans`, between people who have a conversation. Answered `BlockChanges`."""

    spans: tuple[Span, ...]


class FindAccount(Question, frozen=True, kw_only=True):
    """Answered `OwnAccount`, or None."""

    user: str


class OwnAccount(Struct, frozen=True, kw_only=True):
    """What the store has of a person, as it is shown to them alone."""

    user: str
    name: str
    display_name: str | None
    administrator: bool
    created_at: str
    last_seen: str | None
    hides_receipts: bool
    status: str | None
    status_text: str | None
    status_emoji: str | None


class ReadOwnMessages(Question, frozen=True, kw_only=True):
    """What `user` said in `room`, in no order that means anything. Answered `OwnMessages`.

    `after`: the `next` of the page before; empty: the first one.
    """

    user: str
    room: str
    after: str
    limit: int


class OwnMessage(Struct, frozen=True, omit_defaults=True):
    """In its present state; `seq` tells where it stands."""

    seq: int
    at: str
    text: str
    reply_to: int | None = None
    edited_at: str | None = None


class OwnMessages(Struct, frozen=True):
    """`next`: what to ask for the next page with; None: this was the last."""

    messages: tuple[OwnMessage, ...]
    next: str | None


class ReadAcquainted(Question, frozen=True, kw_only=True):
    """Of whom of these people `user` may know how they look. Answered with a frozenset of ids."""

    user: str
    people: tuple[str, ...]


class BlockChanges(Struct, frozen=True):
    """`left` is to be asked for next."""

    changes: tuple[BlockChange, ...]
    left: tuple[Span, ...]


AccountRead = (
    ListDevices
    | ReadDepartures
    | FindHeir
    | ListBlocked
    | ReadBlocks
    | ReadChoices
    | ReadAcquainted
    | FindAccount
    | ReadOwnMessages
)
