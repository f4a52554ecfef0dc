"""What people say: commands at random, about what there is.

A `Wish` is a few small numbers, which become a command when it is clear what there is at that moment: so hypothesis can
leave wishes out, and make numbers smaller, and what remains still makes sense.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import count
from typing import Any, NamedTuple, TypeVar

from hypothesis import strategies as st

from server.protocol import commands as c
from tests.model.chat import Chat
from tests.model.room import Room
from tests.model.talking import TEXTS

PEOPLE = ("ann", "bob", "cyd", "dan", "eve")
NOBODY = "nobody"
NEVER_WAS = "r_NEVERWAS"
NEVER_MADE = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
NAMES = ("alpha", "alphabet", "beta", "gamma")
EMOJI = ("👍", "❤️", "🎉")
ROLES = ("guest", "member", "moderator", "owner")
TRUSTED = ROLES[1:]

T = TypeVar("T")


class Wish(NamedTuple):
    """`who`, `whom`: people, by their places. `room`: one that is there, or was, or never was. The rest is up to
    `op`."""

    op: str
    who: int
    room: int
    whom: int
    which: int
    on: bool


class Speech:
    """Turns wishes into commands; `rooms` are all that ever were, and `codes` all invites."""

    def __init__(self, people: Sequence[str]) -> None:
        self.chat: Chat
        self.people = people
        self.rooms: list[str] = []
        self.codes: list[str] = []
        self._numbers = count(1)

    def command(self, chat: Chat, wish: Wish) -> c.AnyCommand:
        """`chat`: what there is."""
        self.chat = chat
        fields = _WISHES[wish.op](self, wish)
        kind = fields.pop("kind_of_command")
        command: c.AnyCommand = kind(**fields)
        return command

    # --- what a wish means ------------------------------------------------------------------------------------

    def room_of(self, chat: Chat, wish: Wish) -> str:
        self.chat = chat
        return self.room(wish)

    def room(self, wish: Wish) -> str:
        """Mostly one that whoever says it is in."""
        theirs = self.chat.rooms_of(self.people[wish.who])
        return _nth(theirs, wish.room) if theirs and wish.room < 4 else _nth([*self.rooms, NEVER_WAS], wish.which)

    def there(self, wish: Wish) -> Room | None:
        return self.chat.rooms.get(self.room(wish))

    def whom(self, wish: Wish) -> str:
        """By name or id; or somebody who is nobody."""
        people = [*self.people, NOBODY]
        who = _nth(people, wish.whom)
        return who if wish.on or who == NOBODY else self.chat.names[who]

    def others(self, wish: Wish) -> list[str]:
        return [self.whom(wish._replace(whom=wish.whom + step)) for step in range(wish.which % 4)]

    def seq(self, wish: Wish) -> int:
        """Of an entry, mostly a message; also one that is not there."""
        room = self.there(wish)
        if room is None:
            return wish.which
        messages = list(room.messages)[::-1] if wish.which < 9 else []
        return _nth(messages or [room.last_seq + 1, 0, 1], wish.which)

    def own_seq(self, wish: Wish) -> int:
        """Mostly of a message of one's own."""
        room = self.there(wish)
        own = [] if room is None else [m.seq for m in room.messages.values() if m.author == self.people[wish.who]]
        return _nth(own, wish.which) if own and wish.whom < 4 else self.seq(wish)

    def nonce(self, wish: Wish) -> str:
        """Mostly a new one."""
        return f"nonce {wish.which}" if wish.which % 4 == 3 else f"new {next(self._numbers)}"

    def code(self, wish: Wish) -> str:
        return _nth([*reversed(self.codes), NEVER_MADE], wish.which)


def _nth(things: Sequence[T], number: int) -> T:
    return things[number % len(things)]


def _in_room(kind: type[Any], **fields: Callable[[Speech, Wish], Any]) -> Callable[[Speech, Wish], dict[str, Any]]:
    def made(speech: Speech, wish: Wish) -> dict[str, Any]:
        given = {name: value(speech, wish) for name, value in fields.items()}
        return {"kind_of_command": kind, "room": speech.room(wish)} | given

    return made


def _text(speech: Speech, wish: Wish) -> str:
    return _nth([*TEXTS, " "], wish.whom * 3 + wish.which)


def _maybe_seq(speech: Speech, wish: Wish) -> int | None:
    return speech.seq(wish) if wish.on else None


def _thread(speech: Speech, wish: Wish) -> int | None:
    return speech.seq(wish) if wish.whom % 3 == 2 else None


def _seconds(speech: Speech, wish: Wish) -> int | None:
    return _nth([None, 0, 86_400], wish.which)


def _reason(speech: Speech, wish: Wish) -> str | None:
    return "why not" if wish.on else None


def _creation(speech: Speech, wish: Wish) -> dict[str, Any]:
    kind = _nth(["group", "channel", "dm"], wish.room)
    name = {"group": "A group", "channel": _nth(NAMES, wish.which), "dm": None}[kind]
    members = [speech.whom(wish)] if kind == "dm" else speech.others(wish)
    if wish.whom == 5 and wish.on:
        name, members = (None, []) if kind != "dm" else ("a dm has none", members)
    return {
        "kind_of_command": c.CreateRoom, "kind": kind, "name": name, "members": members, "nonce": speech.nonce(wish)
    }  # fmt: skip


def _joining(speech: Speech, wish: Wish) -> dict[str, Any]:
    by_name = {"name": _nth(NAMES, wish.which)} if wish.which % 3 == 0 else {"room": speech.room(wish)}
    if wish.whom == 5 and wish.on:
        by_name = {"room": speech.room(wish), "name": "alpha"}
    return {"kind_of_command": c.Join, **by_name}


def _renaming(speech: Speech, wish: Wish) -> dict[str, Any]:
    name = {"name": _nth(NAMES, wish.which)} if wish.which % 3 == 0 else {}
    topic = {"topic": "" if wish.which % 4 == 3 else "What it is about"} if wish.which % 3 == 1 else {}
    icon = {"icon": _nth([*EMOJI, ""], wish.which)} if wish.on and wish.which % 3 else {}
    return {"kind_of_command": c.Rename, "room": speech.room(wish), **name, **topic, **icon}


def _granting(speech: Speech, wish: Wish) -> dict[str, Any]:
    which, whom = wish.which, wish.whom
    said: dict[str, Any] = _nth(
        [
            {"post": _nth(ROLES, whom)}, {"invite": _nth(TRUSTED, whom)}, {"mention_all": _nth(TRUSTED, whom)},
            {"pin": _nth(TRUSTED, whom)}, {"approval": wish.on}, {"slow": 0}, {"ttl": 0}, {},
            {"post": _nth(ROLES, whom), "pin": _nth(TRUSTED, which)},
        ],
        which,
    )  # fmt: skip
    return {"kind_of_command": c.SetRights, "room": speech.room(wish), **said}


def _person_in(kind: type[Any], **fields: Callable[[Speech, Wish], Any]) -> Callable[[Speech, Wish], dict[str, Any]]:
    return _in_room(kind, user=Speech.whom, **fields)


def _history(speech: Speech, wish: Wish) -> dict[str, Any]:
    bound = _nth(["before", "after", None, "thread", "both"], wish.whom)
    seq = speech.seq(wish)
    bounds = {} if bound is None else {"before": seq, "after": seq} if bound == "both" else {bound: seq}
    return {"kind_of_command": c.History, "room": speech.room(wish), "limit": 1 + wish.which, **bounds}


_WISHES: dict[str, Callable[[Speech, Wish], dict[str, Any]]] = {
    "create_room": _creation,
    "join": _joining,
    "join_by": lambda speech, wish: {"kind_of_command": c.Join, "invite": speech.code(wish)},
    "leave": _in_room(c.Leave),
    "post": _in_room(c.Post, nonce=Speech.nonce, text=_text, reply_to=_maybe_seq, thread=_thread),
    "edit": _in_room(c.Edit, target=Speech.own_seq, text=_text),
    "delete": _in_room(c.Delete, target=Speech.own_seq),
    "react": _in_room(
        c.React, target=Speech.seq, emoji=lambda speech, wish: _nth(EMOJI, wish.whom), on=lambda speech, wish: wish.on
    ),
    "pin": _in_room(c.Pin, target=Speech.seq, on=lambda speech, wish: wish.on),
    "pins": _in_room(c.Pins),
    "history": _history,
    "threads": _in_room(c.Threads, limit=lambda speech, wish: 1 + wish.which),
    "log": _in_room(c.Log, after=lambda speech, wish: wish.whom, limit=lambda speech, wish: 1 + wish.which * 10),
    "received": _in_room(c.Received, seq=Speech.seq),
    "read": _in_room(c.Read, seq=Speech.seq),
    "read_thread": _in_room(c.Read, seq=lambda speech, wish: wish.whom * 3, thread=Speech.seq),
    "mark_unread": _in_room(c.MarkUnread, seq=Speech.seq),
    "typing": _in_room(c.Typing),
    "focus": _in_room(c.Focus),
    "attend": _in_room(c.Attend, level=lambda speech, wish: _nth(["none", "mentions", "all"], wish.which)),
    "members": _in_room(c.Members, online=lambda speech, wish: wish.on),
    "invite": _person_in(c.Invite),
    "kick": _person_in(c.Kick, reason=_reason),
    "ban": _person_in(c.Ban, reason=_reason),
    "unban": _person_in(c.Unban),
    "set_role": _person_in(c.SetRole, role=lambda speech, wish: _nth(ROLES, wish.which)),
    "rename": _renaming,
    "mute": _person_in(c.Mute, seconds=_seconds),
    "mute_room": _in_room(c.Mute, seconds=_seconds),
    "set_rights": _granting,
    "create_invite": _in_room(
        c.CreateInvite,
        nonce=Speech.nonce,
        uses=lambda speech, wish: _nth([1, None, 2], wish.whom),
        seconds=lambda speech, wish: 3_600 if wish.on else None,
    ),
    "invites": _in_room(c.Invites),
    "revoke_invite": _in_room(c.RevokeInvite, invite=Speech.code),
    "invite_info": lambda speech, wish: {"kind_of_command": c.InviteInfo, "invite": speech.code(wish)},
    "join_requests": _in_room(c.JoinRequests),
    "approve": _person_in(c.Approve),
    "refuse": _person_in(c.Refuse),
    "delete_room": _in_room(c.DeleteRoom, reason=_reason),
    "audit": _in_room(c.Audit, limit=lambda speech, wish: 200),
    "channels": lambda speech, wish: {"kind_of_command": c.Channels, "query": _nth(("a", *NAMES), wish.which)},
    "search": lambda speech, wish: {"kind_of_command": c.Search, "query": "hello", "limit": 50},
    "search_room": _in_room(c.Search, query=lambda speech, wish: "hello", limit=lambda speech, wish: 50),
    "presence": lambda speech, wish: {
        "kind_of_command": c.SetPresence,
        "status": _nth(["invisible", "online", "busy", "away"], wish.which),
        "text": _nth([None, "at sea", ""], wish.whom),
    },
    "settings": lambda speech, wish: {"kind_of_command": c.Settings, "receipts": _nth([None, False, True], wish.which)},
    "rooms": lambda speech, wish: {"kind_of_command": c.Rooms},
}  # fmt: skip

HAPPENINGS = ("nothing", "go", "come", "come_anew", "room_crashes", "session_crashes", "time_passes")
"""What is no command."""
_OFTEN = ("post",) * 8 + ("edit", "edit", "react", "pin", "join", "join_by", "invite", "set_role", "read", "come")

_READS = {
    "pins", "history", "threads", "log", "typing", "focus", "members", "invites", "invite_info", "join_requests",
    "audit", "join_by", "channels", "search", "search_room", "rooms", "settings", "create_room", "join",
}  # fmt: skip
"""What changes nothing that others see, and what shows how much is unread."""


def _wishes(ops: Sequence[str]) -> st.SearchStrategy[Wish]:
    return st.builds(
        Wish,
        op=st.sampled_from(ops),
        who=st.integers(0, len(PEOPLE) - 1),
        room=st.integers(0, 5),
        whom=st.integers(0, len(PEOPLE)),
        which=st.integers(0, 11),
        on=st.booleans(),
    )


WISHES = _wishes([*HAPPENINGS, *_OFTEN, *_WISHES])
CHANGES = _wishes([op for op in (*_OFTEN, *_WISHES) if op not in _READS and op != "come"])
