"""What a client may say: all commands, the groups in which rooms and sessions take them, and which is legal when.

Each command is a struct, its docstring is what the contract says of it, and it stands in the file named
`…_commands.py` for what it is about. Types and presence of fields are checked by decoding; lengths and alphabets are
checked in `rules.py`, because they have error codes of their own. Fields nobody defined are ignored.
"""

from __future__ import annotations

from typing import Final, Literal

from server.protocol.account_commands import SetPresence, Settings, SubscribePresence
from server.protocol.attention_commands import Attend, Focus, MarkUnread, Read, Received, Typing
from server.protocol.bases import Command
from server.protocol.governing_commands import (
    Audit,
    Ban,
    DeleteRoom,
    EndRoom,
    Kick,
    Mute,
    Rename,
    SetRights,
    SetRole,
    Unban,
)
from server.protocol.hello_commands import Hello, Ping
from server.protocol.invite_commands import (
    Approve,
    CreateInvite,
    Invite,
    InviteInfo,
    Invites,
    JoinRequests,
    Refuse,
    RevokeInvite,
)
from server.protocol.message_commands import Delete, Edit, Expire, Pin, Post, React
from server.protocol.page_commands import History, Log, Pins, Search, Threads
from server.protocol.room_commands import Channels, CreateRoom, Join, Leave, Members, Rooms

AnyCommand = (
    Hello
    | CreateRoom
    | Join
    | Leave
    | Post
    | Edit
    | Delete
    | React
    | Pin
    | Pins
    | History
    | Threads
    | Log
    | Received
    | Read
    | MarkUnread
    | Typing
    | Focus
    | Attend
    | Members
    | Invite
    | Kick
    | Ban
    | Unban
    | SetRole
    | Rename
    | Mute
    | SetRights
    | CreateInvite
    | Invites
    | RevokeInvite
    | JoinRequests
    | Approve
    | Refuse
    | InviteInfo
    | DeleteRoom
    | Audit
    | Channels
    | Search
    | SetPresence
    | SubscribePresence
    | Settings
    | Rooms
    | Ping
)
PersonCommand = Invite | Approve | Refuse | Kick | Ban | Unban | SetRole | Mute
"""Those that concern another person, who has to be looked up."""
GoverningCommand = Rename | SetRights | DeleteRoom | Audit
"""Those that concern the room itself."""
MessageCommand = Edit | Delete | React
InviteCommand = CreateInvite | Invites | RevokeInvite | JoinRequests
RoomCommand = (
    Leave
    | Post
    | MessageCommand
    | Pin
    | Pins
    | History
    | Threads
    | Log
    | Received
    | Read
    | MarkUnread
    | Typing
    | Focus
    | Attend
    | Members
    | InviteCommand
    | Search
    | GoverningCommand
    | PersonCommand
)

Unspoken = Expire | EndRoom
"""What rooms are told by tasks of the server."""

State = Literal["opening", "ready"]

LEGAL: Final[dict[str, frozenset[State]]] = {
    "hello": frozenset({"opening"}),
    "create_room": frozenset({"ready"}),
    "join": frozenset({"ready"}),
    "leave": frozenset({"ready"}),
    "post": frozenset({"ready"}),
    "edit": frozenset({"ready"}),
    "delete": frozenset({"ready"}),
    "react": frozenset({"ready"}),
    "pin": frozenset({"ready"}),
    "pins": frozenset({"ready"}),
    "history": frozenset({"ready"}),
    "threads": frozenset({"ready"}),
    "log": frozenset({"ready"}),
    "received": frozenset({"ready"}),
    "read": frozenset({"ready"}),
    "mark_unread": frozenset({"ready"}),
    "typing": frozenset({"ready"}),
    "focus": frozenset({"ready"}),
    "attend": frozenset({"ready"}),
    "members": frozenset({"ready"}),
    "invite": frozenset({"ready"}),
    "kick": frozenset({"ready"}),
    "ban": frozenset({"ready"}),
    "unban": frozenset({"ready"}),
    "set_role": frozenset({"ready"}),
    "rename": frozenset({"ready"}),
    "mute": frozenset({"ready"}),
    "set_rights": frozenset({"ready"}),
    "create_invite": frozenset({"ready"}),
    "invites": frozenset({"ready"}),
    "revoke_invite": frozenset({"ready"}),
    "join_requests": frozenset({"ready"}),
    "approve": frozenset({"ready"}),
    "refuse": frozenset({"ready"}),
    "invite_info": frozenset({"ready"}),
    "delete_room": frozenset({"ready"}),
    "audit": frozenset({"ready"}),
    "channels": frozenset({"ready"}),
    "search": frozenset({"ready"}),
    "presence": frozenset({"ready"}),
    "subscribe_presence": frozenset({"ready"}),
    "settings": frozenset({"ready"}),
    "rooms": frozenset({"ready"}),
    "ping": frozenset({"opening", "ready"}),
}
"""Which op is legal in which state of a connection: before (`opening`) and after (`ready`) its welcome."""

FEATURES: Final = tuple(op for op in LEGAL if op not in {"hello", "ping"})
"""What `welcome.features` lists: the ops this server has built."""


def is_answered(command: Command) -> bool:
    """Whether the server owes this command a reply (`typing` gets one only when it asks by carrying an id)."""
    return not isinstance(command, Typing) or command.id is not None
