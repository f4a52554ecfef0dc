"""What a session is told by its connections, and what it tells them.

To a connection a session tells `Outgoing` (deliveries and passing events as the rooms made them, replies of its
own) and `Close`.
"""

from __future__ import annotations

from msgspec import Struct

from actors import Address
from server.protocol.account_commands import SubscribePresence
from server.protocol.bases import CommandId
from server.protocol.closing import CloseCode
from server.protocol.commands import AnyCommand
from server.protocol.hello_commands import Cursor
from server.protocol.showing import Shown

# --- to a session --------------------------------------------------------------------------------------------


class Open(Struct, frozen=True):
    """A connection said a good `hello`. Answered by `welcome`, recoveries, and everything that follows.

    `last_used`: when the use of its token was noted last (ms). `passive`, `focus`: as `hello` had them.
    """

    connection: Address
    resume: dict[str, Cursor]
    command_id: CommandId | None
    last_used: int = 0
    passive: bool = False
    focus: str | None = None


class Said(Struct, frozen=True):
    """A command that arrived on `connection`. Each for which `is_answered` holds gets one `Outgoing` with
    `answers=1` (the session's command deadline sees to that).

    `size`: its bytes. `wait`: what comes so many seconds too early is refused.
    """

    connection: Address
    command: AnyCommand
    size: int = 0
    wait: float = 0.0


class Congested(Struct, frozen=True):
    """The connection's socket does not keep up: no more log entries, please; their place is remembered."""

    connection: Address


class Drained(Struct, frozen=True):
    """Everything told to the connection so far has left: it can take more."""

    connection: Address


class Revoked(Struct, frozen=True):
    """The token of this session ended: close everything with 4500."""


# --- about who is to be told how others look (`watching.py`) -------------------------------------------------------


class Watch(Struct, frozen=True):
    """A session of `user` asks to be told how others look, or not any more. Answered by `Answer`."""

    ref: int
    session: Address
    user: str
    command: SubscribePresence


class WhoIsHere(Struct, frozen=True, array_like=True):
    """From another node: which of these users are here? Answered by `AreHere`, if there is any."""

    asker: Address
    users: tuple[str, ...]


class AreHere(Struct, frozen=True, array_like=True):
    """From another node, `node`: these users are there, and look so."""

    node: str
    people: tuple[tuple[str, Shown], ...]


# --- from a session ------------------------------------------------------------------------------------------


class Close(Struct, frozen=True):
    """Close the websocket after what was told before."""

    code: CloseCode
    text: str = ""


class NotifyDrained(Struct, frozen=True):
    """Please tell `Drained` as soon as nothing told so far is waiting (at once if nothing is)."""
