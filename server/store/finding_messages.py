"""What the store is asked by who looks for a room to come into, and what it answers."""

from __future__ import annotations

from msgspec import Struct

from server.protocol.objects import Channel
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


FindingRead = ReadChannels
