"""What can become of a message that is in the log: drafts, as the room tells them to the writer.

Each names the message by its `target`. Whether there is such a message, whose it is, and whether anything would change
is looked up in the transaction that appends (`amending.py`), so a room keeps nothing of what was said in it. What would
change nothing lands without a `seq`.
"""

from __future__ import annotations

from msgspec import Struct

from server.store.mentioning import Mentioned


class NewText(Struct, frozen=True):
    """The author `by` has changed what was said."""

    by: str
    target: int
    text: str
    mentioned: Mentioned | None = None


class MessageGone(Struct, frozen=True):
    """`by` takes a message away, for everybody. `of_others`: not only one of their own. `expired`: nobody does, but its
    time is up, and `by` is its author."""

    by: str
    target: int
    of_others: bool = False
    expired: bool = False


class Reacting(Struct, frozen=True):
    """`by` reacts with an emoji, or does so no more."""

    by: str
    target: int
    emoji: str
    on: bool


class Pinning(Struct, frozen=True):
    """`by` pins a message for everybody, or pins it no more."""

    by: str
    target: int
    on: bool


MessageChange = NewText | MessageGone | Reacting | Pinning
