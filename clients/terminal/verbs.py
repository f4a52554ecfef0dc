"""What a typed line means. Pure: a line in, a verb out; a line that means nothing is `Wrong`, and says why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

HELP: Final = """\
  text                     say it in the current room (//text if it begins with a slash)
  /join ROOM               go to a room you are in, or join the channel of that name
  /create NAME             create a channel, open to everyone
  /create group NAME [USER...]   create a group, by invitation
  /dm USER                 talk to one person
  /invite USER             bring someone into the current room
  /leave                   leave the current room for good
  /rooms                   your rooms, with what you have not read
  /who                     who is in the current room
  /history [N]             the N messages (20) before the oldest one shown
  /quit                    leave; unsent messages are sent first
  /help                    this list"""

PAGE: Final = 20  # messages
LARGEST_PAGE: Final = 200  # messages; docs/protocol.md, `history`


@dataclass(frozen=True, slots=True)
class Say:
    text: str


@dataclass(frozen=True, slots=True)
class GoTo:
    room: str


@dataclass(frozen=True, slots=True)
class Create:
    kind: Literal["channel", "group"]
    name: str
    members: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TalkTo:
    user: str


@dataclass(frozen=True, slots=True)
class Bring:
    user: str


@dataclass(frozen=True, slots=True)
class LeaveRoom:
    pass


@dataclass(frozen=True, slots=True)
class ListRooms:
    pass


@dataclass(frozen=True, slots=True)
class Who:
    pass


@dataclass(frozen=True, slots=True)
class ShowHistory:
    count: int = PAGE


@dataclass(frozen=True, slots=True)
class Quit:
    pass


@dataclass(frozen=True, slots=True)
class Help:
    pass


@dataclass(frozen=True, slots=True)
class Nothing:
    """An empty line."""


@dataclass(frozen=True, slots=True)
class Wrong:
    why: str


Verb = Say | GoTo | Create | TalkTo | Bring | LeaveRoom | ListRooms | Who | ShowHistory | Quit | Help | Nothing | Wrong


def parse(line: str) -> Verb:
    """The verb of a line, without the line's end."""
    if not line.strip():
        return Nothing()
    if line.startswith("//"):
        return Say(line[1:])
    if not line.startswith("/") or not line[1:2].strip():
        return Say(line)
    command, *words = line[1:].split()
    return _command(command.lower(), words)


def _command(command: str, words: list[str]) -> Verb:
    match command, words:
        case "join" | "j", [room]:
            return GoTo(room)
        case "create", ["group", name, *members]:
            return Create("group", name, tuple(_bare(member) for member in members))
        case "create", [name]:
            return Create("channel", name.removeprefix("#"))
        case "dm" | "msg", [user]:
            return TalkTo(_bare(user))
        case "invite", [user]:
            return Bring(_bare(user))
        case "history", [count]:
            return _history(count)
        case _ if command in _ALONE:
            return _ALONE[command] if not words else Wrong(f"/{command} stands alone")
        case _ if command in _USAGE:
            return Wrong(f"usage: {_USAGE[command]}")
        case _:
            return Wrong(f"there is no /{command}; /help lists what there is")


def _history(count: str) -> Verb:
    if not (count.isascii() and count.isdigit() and 1 <= int(count[:6]) <= LARGEST_PAGE):
        return Wrong(f"/history takes a number from 1 to {LARGEST_PAGE}")
    return ShowHistory(int(count))


def _bare(user: str) -> str:
    return user.removeprefix("@")


_ALONE: Final[dict[str, Verb]] = {
    "leave": LeaveRoom(),
    "rooms": ListRooms(),
    "who": Who(),
    "history": ShowHistory(),
    "quit": Quit(),
    "q": Quit(),
    "help": Help(),
}
_USAGE: Final = {
    "join": "/join ROOM",
    "j": "/join ROOM",
    "create": "/create NAME, or /create group NAME [USER...]",
    "dm": "/dm USER",
    "msg": "/dm USER",
    "invite": "/invite USER",
}
