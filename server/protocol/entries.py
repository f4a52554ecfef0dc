"""Entries of a room's log, as they are delivered and as they are read later: what `seq` counts.

The rule: what was edited or deleted since is gone from an entry that is read later; that there was one stays.
"""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from server.protocol.bases import Event
from server.protocol.fields import Emoji, EntrySeq, RoomId, Text, Time, UserId
from server.protocol.objects import Message, Role, RoomInfo, User


class MessageEntry(Message, frozen=True, kw_only=True, omit_defaults=True, tag_field="op", tag="message"):
    """A message was posted.

    Read from the log later, it has the text that it has by then, or is a tombstone: what was edited or deleted is gone.
    """


class Edited(Event, frozen=True, kw_only=True, tag="edited"):
    """The text of a message is another one now.

    Read from the log later, it has none if the message was edited again or deleted since: a later entry says so.
    """

    room: RoomId
    seq: EntrySeq
    target: Annotated[int, Meta(description="The `seq` of the message.")]
    text: Text | None = None
    by: Annotated[UserId, Meta(description="Its author.")]
    at: Time
    mentions: Annotated[tuple[UserId, ...], Meta(description="Whom the text mentions, as in a message.")] = ()


class Deleted(Event, frozen=True, kw_only=True, tag="deleted"):
    """A message is gone, for everybody: what stays is a tombstone."""

    room: RoomId
    seq: EntrySeq
    target: Annotated[int, Meta(description="The `seq` of the message.")]
    by: Annotated[UserId, Meta(description="Its author, or somebody who moderates the room.")]
    at: Time
    reason: Annotated[
        Literal["expired"] | None, Meta(description="`expired`: nobody did it, the time was up that the room gives.")
    ] = None


class Reacted(Event, frozen=True, kw_only=True, tag="reaction"):
    """Somebody reacts to a message with an emoji (`on`), or does so no more."""

    room: RoomId
    seq: EntrySeq
    target: Annotated[int, Meta(description="The `seq` of the message.")]
    emoji: Emoji
    by: UserId
    on: bool
    at: Time


class Pinned(Event, frozen=True, kw_only=True, tag="pinned"):
    """A message is pinned (`on`), or is no more. One that is deleted is no more, either, without an entry like this."""

    room: RoomId
    seq: EntrySeq
    target: Annotated[int, Meta(description="The `seq` of the message.")]
    by: UserId
    on: bool
    at: Time


class Joined(Event, frozen=True, kw_only=True, tag="joined"):
    """Somebody became a member, on their own or because somebody invited them."""

    room: RoomId
    seq: EntrySeq
    user: User
    at: Time
    by: Annotated[UserId | None, Meta(description="Who invited them.")] = None


class Left(Event, frozen=True, kw_only=True, tag="left"):
    """Somebody is a member no longer.

    `seq` is absent where a resumed room was lost: then it is no entry, only the news.
    """

    room: RoomId
    user: UserId
    at: Time | None = None
    seq: EntrySeq | None = None
    by: Annotated[UserId | None, Meta(description="Who removed them.")] = None
    reason: str | None = None


class RoomChanged(Event, frozen=True, kw_only=True, tag="room"):
    """The room itself is another now: its name, its topic, or who may do what.

    A change of rights has `quiet_until` if it concerns everybody, and otherwise `user` and what is so for them.
    """

    room: RoomId
    seq: EntrySeq
    info: Annotated[RoomInfo, Meta(description="The room as it is since, also what has not changed.")]
    at: Time
    by: Annotated[UserId, Meta(description="Who did it.")]
    user: Annotated[UserId | None, Meta(description="Whose role, or mute, has changed.")] = None
    role: Annotated[Role | None, Meta(description="Their new role.")] = None
    muted_until: Annotated[
        Time | None, Meta(description="Until then they may not post; not after `at`: they may again.")
    ] = None
    quiet_until: Annotated[
        Time | None,
        Meta(description="Until then only moderators and owners may post; not after `at`: everybody may again."),
    ] = None


Entry = MessageEntry | Edited | Deleted | Reacted | Pinned | Joined | Left | RoomChanged
