"""Encode once: what is said to many is one object, and whoever writes it first leaves the bytes for the rest.

A room makes one `Outgoing` for all its members; sessions pass the same object on; the first connection that
writes it fills `frames`, and every other one sends the same bytes object.
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
        The websocket frames of all events, joined; None until the gateway built them.
    """

    __slots__ = ("answers", "events", "frames")

    def __init__(self, events: Sequence[AnyEvent], answers: int = 0) -> None:
        self.events = events
        self.answers = answers
        self.frames: bytes | None = None
