"""From what landed to what is delivered: pure functions.

The store renders the same entries when the log is read; whoever was there and whoever catches up later must get the
same event.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Final, Literal

from server.protocol.entries import Deleted, Edited, Entry, Joined, Left, MessageEntry, Pinned, Reacted
from server.protocol.objects import Message, User
from server.protocol.times import rfc3339
from server.store.changes import MessageGone, NewText, Pinning, Reacting
from server.store.invite_changes import InviteMade, InviteRevoked, JoinAsked, JoinRefused
from server.store.log_messages import Draft, MemberGone, NewMember, NewMessage
from server.store.mentioning import People
from server.store.room_changes import (
    BanLifted,
    LevelSet,
    Muted,
    Renamed,
    RightsSet,
    RoleGiven,
    RoomDeleted,
    entry_from_news,
    news_of,
)
from server.store.thread_messages import ThreadSeen

DELIVERY_ENTRIES: Final = 100
DELIVERY_CODE_POINTS: Final = 32_000  # at most 4 bytes each: a delivery stays below half of what a socket may queue
MENTION_CODE_POINTS: Final = 8  # an id is 28 bytes, and two quotes and a comma are around it


@lru_cache(maxsize=64)
def stamp(at: int) -> str:
    """`rfc3339`, remembered: everything in a commit has the same time."""
    return rfc3339(at)


def entry_of(room: str, draft: Draft, user: User, seq: int, at: int, mentions: People = ()) -> Entry:
    """The log entry that `draft` has become.

    Parameters
    ----------
    user
        Whom the entry names: the author, or who comes or goes. Who changes a message is named by the draft.
    at
        Milliseconds since the epoch.
    mentions
        Whom its text mentions.
    """
    match draft:
        case NewMessage():
            return MessageEntry(
                seq=seq, room=room, from_=user, text=draft.text, at=stamp(at), nonce=draft.nonce,
                reply_to=draft.reply_to, reactions=(), mentions=mentions,
                thread=draft.thread,
            )  # fmt: skip
        case NewMember():
            return Joined(room=room, seq=seq, user=user, at=stamp(at), by=draft.by)
        case MemberGone():
            return Left(room=room, seq=seq, user=user.user, at=stamp(at), by=draft.by, reason=draft.reason)
        case NewText():
            return Edited(
                room=room, seq=seq, target=draft.target, text=draft.text, by=draft.by, at=stamp(at), mentions=mentions
            )
        case MessageGone():
            reason: Literal["expired"] | None = "expired" if draft.expired else None
            return Deleted(room=room, seq=seq, target=draft.target, by=draft.by, at=stamp(at), reason=reason)
        case Pinning():
            return Pinned(room=room, seq=seq, target=draft.target, by=draft.by, on=draft.on, at=stamp(at))
        case Reacting():
            return Reacted(
                room=room, seq=seq, target=draft.target, emoji=draft.emoji, by=draft.by, on=draft.on, at=stamp(at)
            )
        case Renamed() | RightsSet() | RoleGiven() | Muted():
            return entry_from_news(room, seq, at, draft.by, news_of(draft, at))
        case InviteMade() | InviteRevoked() | JoinAsked() | JoinRefused() | LevelSet():
            raise TypeError("who may come, and what somebody wants to be called for, is in no log")
        case BanLifted() | RoomDeleted() | ThreadSeen():
            raise TypeError("who may come again and who has read a thread is in no log, nor is the end of all")


def entry_length(entry: Entry) -> int:
    """The code points of its text and of whom it mentions; what else there is does not count."""
    return length_of(entry) if isinstance(entry, MessageEntry | Edited) else 0


def length_of(said: Message | Edited) -> int:
    return len(said.text or "") + MENTION_CODE_POINTS * len(said.mentions)


def portions(entries: Sequence[Entry]) -> Iterator[Sequence[Entry]]:
    """`entries` in runs, none larger than a socket's queue can take at once, and none empty."""
    start = size = 0
    for index, entry in enumerate(entries):
        length = entry_length(entry)
        if index > start and (size + length > DELIVERY_CODE_POINTS or index - start == DELIVERY_ENTRIES):
            yield entries[start:index]
            start, size = index, 0
        size += length
    if start < len(entries):
        yield entries[start:]
