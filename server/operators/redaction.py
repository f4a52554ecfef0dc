"""What may be shown of a message between actors: its type, the room, sizes. Pure.

The rule: what is shown is named here, field by field; all else is not. So no text, name, nonce or token can be in it,
whatever a message may one day carry. A room is shown only where it looks like a room's id, because clients can put
anything in that place.
"""

from __future__ import annotations

from enum import Enum

from actors import Down
from server.protocol.outgoing import Outgoing
from server.protocol.rules import looks_like_room
from server.rooms.messages import Request
from server.sessions.messages import Said


def redacted(message: object) -> dict[str, object]:
    """`message` for operators' eyes, to be written as JSON."""
    shown: dict[str, object] = {"type": type(message).__name__, **_room_of(message)}
    match message:
        case bytes():
            shown["size"] = len(message)
        case Enum():
            shown["signal"] = message.name
        case Outgoing():
            shown["events"] = [type(event).__name__ for event in message.events]
            shown["size"] = None if message.frames is None else len(message.frames)
        case Said(command=command) | Request(command=command):
            shown |= {"command": type(command).__name__, **_room_of(command)}
        case Down(address=address, reason=reason):
            shown |= {"path": address.path, "reason": type(reason).__name__}
    return shown


def _room_of(message: object) -> dict[str, object]:
    room = getattr(message, "room", None)
    return {"room": room} if isinstance(room, str) and looks_like_room(room) else {}
