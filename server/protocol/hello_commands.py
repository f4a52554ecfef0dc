"""How a client begins: who it is, how far it has read each room; how it asks whether the server is there."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from server.protocol.bases import Command, Seq
from server.protocol.fields import LogId, RoomId
from server.protocol.limits import RESUME_ROOMS


class Cursor(Struct, frozen=True, gc=False):
    """How far a client has read a room: the id of the log, and the last `seq` it holds."""

    log: LogId
    seq: Seq


Resume = Annotated[
    dict[str, Cursor],
    Meta(
        description="By room: how far the client has read it. Entries that are missing come before anything new of it.",
        extra_json_schema={"maxProperties": RESUME_ROOMS},
    ),
]


class Hello(Command, frozen=True, kw_only=True, tag="hello"):
    """Opens the conversation: who this is, and how far each room has been read.

    Said once, within 10 s of the upgrade. Answered with `welcome`, or the connection is closed: 4501 for a bad token.
    """

    token: Annotated[str | None, Meta(description="Not needed where the upgrade carried it as a header.")] = None
    resume: Resume | None = None
    passive: Annotated[
        bool, Meta(description="Of large rooms that have not the focus, `activity` is wanted, and no entries.")
    ] = False
    focus: Annotated[RoomId | None, Meta(description="Where `passive`: the room that is looked at first.")] = None


class Ping(Command, frozen=True, kw_only=True, tag="ping"):
    """Asks whether the server is there, for clients that cannot see a websocket's own pings. Answered with `pong`."""
