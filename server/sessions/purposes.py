"""What a session has asked the store, and what it wants to do with the answer."""

from __future__ import annotations

from msgspec import Struct

from actors import Address
from server.protocol.bases import CommandId
from server.protocol.hello_commands import Cursor


class Opening(Struct):
    """A connection that has said `hello` and is not welcomed yet.

    `added`: rooms that became the user's meanwhile, and the entry each begins with. `passive`, `focus`: as `hello` had
    them.
    """

    connection: Address
    resume: dict[str, Cursor]
    command_id: CommandId | None
    added: dict[str, int]
    passive: bool = False
    focus: str | None = None


class WelcomeWanted(Struct, frozen=True):
    opening: Opening


class RoomsWanted(Struct, frozen=True):
    """For the reply to `rooms`. `command`: the command's own reference."""

    command: int


class InfoWanted(Struct, frozen=True):
    """For the reply to a `join` or `create_room` whose room does not tell how it looks to this user."""

    command: int
    room: str


class ChannelWanted(Struct, frozen=True):
    """Which room a `join` by name means."""

    command: int


class DirectoryWanted(Struct, frozen=True):
    """Channels, for the reply to `channels`."""

    command: int


class InviteWanted(Struct, frozen=True):
    """Which room an invite leads to: to `join` it, or only to see it."""

    command: int


class HitsWanted(Struct, frozen=True):
    """What a `search` of all rooms finds."""

    command: int


class CreationWanted(Struct, frozen=True):
    """Which room a `create_room` made."""

    command: int


class ChoiceWanted(Struct, frozen=True):
    """For the reply to `settings`."""

    command: int


class PageWanted(Struct, frozen=True):
    """A page of the log for a connection that is behind."""

    connection: Address
    room: str


class SyncWanted(Struct, frozen=True):
    """The rooms of the user, after it is not known what was missed."""


Purpose = (
    WelcomeWanted
    | RoomsWanted
    | InfoWanted
    | ChannelWanted
    | HitsWanted
    | DirectoryWanted
    | InviteWanted
    | CreationWanted
    | ChoiceWanted
    | PageWanted
    | SyncWanted
)
