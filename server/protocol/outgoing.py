"""Encode once: what is said to many is one object, and whoever writes it first leaves the bytes for the rest.

A room makes one `Outgoing` for all its members; sessions pass the same object on; the first connection that
writes it fills `frames`, and every other one sends the same bytes object. Those who agreed on compression or on
another encoding share theirs in `others`.
"""

from __future__ import annotations

from collections.abc import Sequence

from server.protocol.events import AnyEvent


class Outgoing:
    """Events on their way to clients.

    Attributes
    ----------
    events
        In the order in which they must leave.
    answers
        How many commands of the receiving connection this answers: 0 or 1.
    frames
        The websocket frames of all events, joined, as nearly everybody gets them; None until the gateway built them.
    others
        The same in the gateway's other dialects: compressed, or as msgpack. None until somebody speaks one.
    """

    __slots__ = ("answers", "events", "frames", "others")

    def __init__(self, events: Sequence[AnyEvent], answers: int = 0) -> None:
        self.events = events
        self.answers = answers
        self.frames: bytes | None = None
        self.others: dict[object, bytes] | None = None
