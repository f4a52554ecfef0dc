"""What all commands have in common, an `op` and an `id`, and all events; and fields of several commands, which decoding
checks.
"""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from server.protocol.limits import ID_CHARACTERS, LARGEST_INTEGER

CommandId = (
    Annotated[str, Meta(max_length=ID_CHARACTERS)] | Annotated[int, Meta(ge=-LARGEST_INTEGER, le=LARGEST_INTEGER)]
)
Seq = Annotated[int, Meta(ge=0, le=LARGEST_INTEGER, description="Place in the log of the room; 0: before its first.")]
Target = Annotated[int, Meta(ge=0, le=LARGEST_INTEGER, description="The `seq` of a message.")]
Person = Annotated[str, Meta(description="By name or id.")]


class Command(Struct, frozen=True, kw_only=True, tag_field="op"):
    """What a client says."""

    id: Annotated[CommandId | None, Meta(description="Chosen by the client; the reply carries it back.")] = None


class Event(Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="op"):
    """What the server says."""
