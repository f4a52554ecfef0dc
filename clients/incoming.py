"""Reading what a server says, also when the server is newer than this client.

Fields nobody here knows are ignored by the decoder; this file deals with frames it cannot read at all. An entry
of an unknown kind still has its place in the log, an answer that cannot be read still ends a command's wait, and
any other unknown event is passed over. Only what is no JSON object at all breaks the conversation.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec

from clients.happenings import UnknownEntry
from server.protocol.codec import decode_event
from server.protocol.events import AnyEvent


@dataclass(frozen=True, slots=True)
class UnreadableAnswer:
    """An `ok` or `error` to the command with this `id` that this version cannot read."""

    id: int


class BrokenServer(Exception):
    """The peer does not speak the protocol."""


def read(frame: str | bytes) -> AnyEvent | UnknownEntry | UnreadableAnswer | None:
    """What the frame says; None for an event of a kind this version does not know, and need not.

    Raises
    ------
    BrokenServer
        The frame is no JSON object.
    """
    try:
        return decode_event(frame)
    except msgspec.ValidationError:
        return _read_leniently(frame)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise BrokenServer(f"not JSON: {error}") from None


def _read_leniently(frame: str | bytes) -> UnknownEntry | UnreadableAnswer | None:
    found: Any = msgspec.json.decode(frame)
    match found:
        case {"op": "ok" | "error", "id": int(number)}:
            return UnreadableAnswer(number)
        case {"op": str(op), "room": str(room), "seq": int(seq)} if op != "ok":
            return UnknownEntry(room, seq, op)
        case dict():
            return None
        case _:
            raise BrokenServer("not a JSON object")
