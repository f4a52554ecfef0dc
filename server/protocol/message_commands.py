"""What is said, and what becomes of what was said: each of these ends as an entry of the room's log."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from server.protocol.bases import Command, Seq, Target
from server.protocol.fields import Emoji, Nonce, RoomId, Text


class Post(Command, frozen=True, kw_only=True, tag="post"):
    """Says something in a room. `ok` means that it is on disk.

    A retry with the same `nonce` and the same content answers as the first time, with `duplicate: true`.
    """

    room: RoomId
    nonce: Nonce
    text: Text
    reply_to: Seq | None = None
    thread: Annotated[Seq | None, Meta(description="The `seq` of the message that begins the thread.")] = None


class Edit(Command, frozen=True, kw_only=True, tag="edit"):
    """Changes the text of a message of one's own. `ok` carries no `seq` where it says that already."""

    room: RoomId
    target: Target
    text: Text


class Delete(Command, frozen=True, kw_only=True, tag="delete"):
    """Takes a message away, for everybody: one's own, or, for owners and moderators, anybody's.

    `ok` carries no `seq` where it is gone already.
    """

    room: RoomId
    target: Target


class React(Command, frozen=True, kw_only=True, tag="react"):
    """Reacts to a message with an emoji, or, with `on: false`, takes that back. `ok` carries no `seq` where that is so
    already.
    """

    room: RoomId
    target: Target
    emoji: Emoji
    on: bool


class Pin(Command, frozen=True, kw_only=True, tag="pin"):
    """Pins a message, for everybody to find, or, with `on: false`, pins it no more. `ok` carries no `seq` where that is
    so already.
    """

    room: RoomId
    target: Target
    on: bool


class Expire(Command, frozen=True, kw_only=True, tag="expire"):
    """What no client says: the time of a message is up."""

    room: RoomId
    target: Target
