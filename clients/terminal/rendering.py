"""How events look, line by line. Pure: what is known of names and rooms is in the `View` that is handed in.

Everything that other people wrote, names included, goes through `harmless`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, tzinfo
from typing import Final

from clients.happenings import Event, Missed, Offline
from clients.terminal.harmless import harmless, on_one_line
from server.protocol.entries import Joined, Left, MessageEntry, RoomChanged
from server.protocol.objects import Member, Message, Room, User
from server.protocol.replies import Error

_SHOWN_OF_A_POST: Final = 60  # characters, where a post is only mentioned


@dataclass
class View:
    """What the terminal knows while it shows things.

    `zone` None means the machine's own time zone.
    """

    me: User
    rooms: Mapping[str, Room] = field(default_factory=dict)
    current: str | None = None
    zone: tzinfo | None = None
    names: dict[str, str] = field(default_factory=dict)
    labels: dict[str, str] = field(default_factory=dict)
    day: date | None = None

    def name_of(self, user: str) -> str:
        return self.names.get(user, "someone")

    def learn(self, user: User) -> None:
        self.names[user.user] = on_one_line(user.name) if user.name else "(deleted)"


def label(room: Room) -> str:
    """What a room is called here: `#channel`, `group`, `@person`."""
    match room.kind:
        case "channel":
            return f"#{on_one_line(room.name or room.room)}"
        case "dm":
            return f"@{on_one_line((room.peer.name if room.peer else None) or '(deleted)')}"
        case _:
            return on_one_line(room.name or room.room)


def room_label(view: View, room: str) -> str:
    """What a room is called, or was when it was last known."""
    known = view.rooms.get(room)
    if known is not None:
        view.labels[room] = label(known)
    return view.labels.get(room) or on_one_line(room)


def lines(event: Event, view: View) -> list[str]:
    """The lines an event takes; none for what would bury the talk here (typing, presence, counts)."""
    match event:
        case MessageEntry():
            return message_lines(event, view)
        case Joined():
            return _joined(event, view)
        case Left():
            return _left(event, view)
        case RoomChanged():
            return [_changed(event, view)]
        case Missed():
            return [f"-- {room_label(view, event.room)}: messages were missed here; /history shows them"]
        case Offline():
            return [f"-- offline ({on_one_line(event.reason)}); trying again"]
        case Error():
            return [f"! the server says: {on_one_line(event.message)}"]
        case _:
            return []


def message_lines(message: Message, view: View) -> list[str]:
    """A message, with a line for the day where a new one begins."""
    view.learn(message.from_)
    moment = local(message.at, view.zone)
    where = "" if message.room == view.current else f"{room_label(view, message.room)} "
    text = "(deleted)" if message.text is None else harmless(message.text, " " * 6)
    line = f"{moment:%H:%M} {where}{view.name_of(message.from_.user)}: {text}"
    return [*_new_day(moment.date(), view), line]


def _new_day(day: date, view: View) -> list[str]:
    if view.day == day:
        return []
    view.day = day
    return [f"-- {day:%A, %d %B %Y}"]


def _joined(event: Joined, view: View) -> list[str]:
    view.learn(event.user)
    where = room_label(view, event.room)
    if event.user.user == view.me.user:
        by = f", invited by {view.name_of(event.by)}" if event.by not in (None, event.user.user) else ""
        return [f"-- you are in {where}{by}"]
    return [f"-- {view.name_of(event.user.user)} came into {where}"]


def _left(event: Left, view: View) -> list[str]:
    where = room_label(view, event.room)
    who = "you" if event.user == view.me.user else view.name_of(event.user)
    return [f"-- {who} left {where}" if event.by in (None, event.user) else f"-- {who} had to leave {where}"]


def _changed(event: RoomChanged, view: View) -> str:
    where, by = room_label(view, event.room), view.name_of(event.by)
    if event.quiet_until is not None:
        told = "everybody may post again" if event.quiet_until <= event.at else "only moderators may post"
        return f"-- {where}: {told}, says {by}"
    if event.user is None:
        about = "" if event.info.topic is None else f", about {on_one_line(event.info.topic)}"
        rights = event.info.rights
        few = "" if rights is None or rights.post in (None, "member") else f", where only {rights.post}s post"
        return f"-- {where} is now {on_one_line(event.info.name or 'without a name')}{about}{few}"
    who = "you" if event.user == view.me.user else view.name_of(event.user)
    if event.role is not None:
        return f"-- {where}: {who} {'are' if who == 'you' else 'is'} {event.role} now, says {by}"
    may = "may post again" if event.muted_until is not None and event.muted_until <= event.at else "may not post"
    return f"-- {where}: {who} {may}, says {by}"


def room_lines(rooms: Sequence[Room]) -> list[str]:
    """The list of rooms, those with something to read first."""
    ordered = sorted(rooms, key=lambda room: (room.unread == 0, label(room)))
    return [f"   {label(room)}" + (f"  ({room.unread} unread)" if room.unread else "") for room in ordered]


def member_lines(members: Sequence[Member], view: View) -> list[str]:
    found = []
    for member in members:
        view.learn(member.user)
        role = None if member.role == "member" else member.role
        marks = ", ".join(mark for mark in (role, member.user.status) if mark)
        found.append(f"   {view.name_of(member.user.user)}" + (f"  ({marks})" if marks else ""))
    return found


def mention(text: str) -> str:
    """A post, short enough to be named in a line of our own."""
    shown = on_one_line(text)
    return shown if len(shown) <= _SHOWN_OF_A_POST else shown[: _SHOWN_OF_A_POST - 1] + "…"


def local(at: str, zone: tzinfo | None) -> datetime:
    """A time of the wire as the reader's clock shows it; what is no time is the beginning of all time."""
    try:
        return datetime.fromisoformat(at).astimezone(zone)
    except ValueError:
        return datetime.fromtimestamp(0, zone)
