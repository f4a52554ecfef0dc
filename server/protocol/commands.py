"""What a client may say: one struct per op, and the table of which op is legal when.

Types and presence of fields are checked by decoding; lengths and alphabets are checked in `rules.py`, because
they have error codes of their own. Fields nobody defined are ignored.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal

from msgspec import Meta, Struct

from server.protocol.limits import ID_CHARACTERS, LARGEST_INTEGER
from server.protocol.objects import RoomKind

CommandId = (
    Annotated[str, Meta(max_length=ID_CHARACTERS)] | Annotated[int, Meta(ge=-LARGEST_INTEGER, le=LARGEST_INTEGER)]
)
Seq = Annotated[int, Meta(ge=0, le=LARGEST_INTEGER)]
Limit = Annotated[int, Meta(ge=1, le=LARGEST_INTEGER)]


class Cursor(Struct, frozen=True, gc=False):
    """How far a client has read a room: the id of the log, and the last `seq` it holds."""

    log: str
    seq: Seq


class Command(Struct, frozen=True, kw_only=True, tag_field="op"):
    id: CommandId | None = None


class Hello(Command, frozen=True, kw_only=True, tag="hello"):
    token: str | None = None
    resume: dict[str, Cursor] | None = None


class CreateRoom(Command, frozen=True, kw_only=True, tag="create_room"):
    kind: RoomKind
    nonce: str
    name: str | None = None
    members: list[str] = []


class Join(Command, frozen=True, kw_only=True, tag="join"):
    room: str | None = None
    name: str | None = None


class Leave(Command, frozen=True, kw_only=True, tag="leave"):
    room: str


class Post(Command, frozen=True, kw_only=True, tag="post"):
    room: str
    nonce: str
    text: str
    reply_to: Seq | None = None


class History(Command, frozen=True, kw_only=True, tag="history"):
    room: str
    before: Seq | None = None
    after: Seq | None = None
    limit: Limit = 50


class Log(Command, frozen=True, kw_only=True, tag="log"):
    room: str
    after: Seq
    limit: Limit = 500


class Received(Command, frozen=True, kw_only=True, tag="received"):
    room: str
    seq: Seq


class Read(Command, frozen=True, kw_only=True, tag="read"):
    room: str
    seq: Seq


class Typing(Command, frozen=True, kw_only=True, tag="typing"):
    room: str


class Members(Command, frozen=True, kw_only=True, tag="members"):
    room: str
    limit: Limit = 100
    next: str | None = None


class Invite(Command, frozen=True, kw_only=True, tag="invite"):
    room: str
    user: str


class Rooms(Command, frozen=True, kw_only=True, tag="rooms"):
    pass


class Ping(Command, frozen=True, kw_only=True, tag="ping"):
    pass


AnyCommand = (
    Hello
    | CreateRoom
    | Join
    | Leave
    | Post
    | History
    | Log
    | Received
    | Read
    | Typing
    | Members
    | Invite
    | Rooms
    | Ping
)
RoomCommand = Leave | Post | History | Log | Received | Read | Typing | Members | Invite

State = Literal["opening", "ready"]

LEGAL: Final[dict[str, frozenset[State]]] = {
    "hello": frozenset({"opening"}),
    "create_room": frozenset({"ready"}),
    "join": frozenset({"ready"}),
    "leave": frozenset({"ready"}),
    "post": frozenset({"ready"}),
    "history": frozenset({"ready"}),
    "log": frozenset({"ready"}),
    "received": frozenset({"ready"}),
    "read": frozenset({"ready"}),
    "typing": frozenset({"ready"}),
    "members": frozenset({"ready"}),
    "invite": frozenset({"ready"}),
    "rooms": frozenset({"ready"}),
    "ping": frozenset({"opening", "ready"}),
}
"""Which op is legal in which state of a connection: before (`opening`) and after (`ready`) its welcome."""

FEATURES: Final = tuple(op for op in LEGAL if op not in {"hello", "ping"})
"""What `welcome.features` lists: the ops this server has built."""


def is_answered(command: AnyCommand) -> bool:
    """Whether the server owes this command a reply (`typing` gets one only when it asks by carrying an id)."""
    return not isinstance(command, Typing) or command.id is not None
