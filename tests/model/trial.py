"""The server and the model side by side: what is said to the one is said to the other, and they must agree.

What people say at once has no one order. Then each order is tried in which the model might have heard it, and those
models go on of which every answer, and all that anybody heard, is what the server said; there must be one at least.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy
from functools import partial
from itertools import combinations, count, permutations
from typing import Any

import msgspec
import trio
import trio.testing
from msgspec import structs

from server.protocol import commands as c
from server.protocol.entries import Entry
from server.protocol.hello_commands import Cursor
from server.protocol.objects import RoomKind
from server.protocol.replies import Error, Ok, Resumed
from server.store.opening import Store
from tests.model.chat import Chat
from tests.model.room import Answer, Json, stamp
from tests.model.served import Client, Served
from tests.model.wishes import NEVER_WAS, PEOPLE, Speech, Wish

BEGIN_MS = 1_750_000_000_000
PAGES: tuple[Callable[..., Any], ...] = (
    partial(c.Log, after=0, limit=500), partial(c.History, limit=200), c.Pins, c.Threads, c.Members, c.Invites,
    c.JoinRequests, partial(c.Audit, limit=200), partial(c.Search, query="hello", limit=50),
)  # fmt: skip
_UNKNOWN = {"log", "id", "status_text", "status_emoji", "last_seen"}
HELD_SECONDS = 6.0
"""A post that was refused for now holds back those behind it for five."""
UNAVAILABLE = "unavailable"
UNKNOWN = {"create_invite", "read"}
"""Of what nobody could say afterwards what it was, or whether it was kept."""
_IN_ANY_ORDER = {"acts", "invites", "requests", "channels", "rooms", "hits"}
"""Pages whose order is one of times: what was said at once has one time."""

Said = tuple[Client, Any]


def plain(value: object) -> Any:
    """What is said, as JSON; without what no model can know: the id of a log, and how people look just now."""
    return _without(msgspec.json.decode(msgspec.json.encode(value)))


def _without(value: Any) -> Any:
    match value:
        case dict():
            kept = {key: _without(each) for key, each in value.items() if key not in _UNKNOWN}
            if isinstance(kept.get("mentions"), list):
                kept["mentions"].sort()
            return kept
        case list():
            return [_without(each) for each in value]
        case _:
            return value


class Trial:
    """`chats` are the models that agree so far; when nothing was said at once, there is one."""

    def __init__(self, store: Store, clock: trio.testing.MockClock) -> None:
        self.clock = clock
        self.begin = trio.current_time()
        self.server = Served(store, trio.current_time, self.now)
        self.clients = [Client(self.server, name) for name in PEOPLE]
        people = [client.user.user for client in self.clients]
        self.chats = [Chat(dict(zip(people, PEOPLE, strict=True)), self.now())]
        self.speech = Speech(people)
        self.logs: dict[str, str] = {}
        self._ids = count(1)
        self.places: dict[str, dict[str, int]] = {one: {} for one in people}
        for client in self.clients:
            client.connect({})
            client.take_heard()

    def now(self) -> int:
        return BEGIN_MS + round((trio.current_time() - self.begin) * 1000)

    @property
    def chat(self) -> Chat:
        """One of those that agree."""
        return self.chats[0]

    # --- what is said -----------------------------------------------------------------------------------------

    def begins(self) -> None:
        """There is a room of each kind, in which everybody is something else."""
        ann, bob, cyd, dan, _ = self.speech.people
        owner, moderator, member = self.clients[:3]
        kinds: tuple[tuple[RoomKind, str], ...] = ("group", "A group"), ("channel", "alpha")
        for kind, name in kinds:
            self.asks(owner, c.CreateRoom(kind=kind, name=name, members=[bob, cyd, dan], nonce=kind))
            room = self.speech.rooms[-1]
            self.asks(owner, c.SetRole(room=room, user=bob, role="moderator"))
            self.asks(owner, c.SetRole(room=room, user=dan, role="guest"))
            self.asks(moderator, c.CreateInvite(room=room, nonce="code"))
            self.asks(member, c.Post(room=room, nonce="first", text="@all @dan"))
        self.asks(moderator, c.CreateRoom(kind="dm", members=[ann], nonce="dm"))

    def happens(self, wish: Wish) -> None:
        self._time_passes(0.001)
        client = self.clients[wish.who]
        match wish.op:
            case "nothing":
                pass
            case "go":
                self.goes(client)
            case "come" | "come_anew":
                self.comes(client, resumes=wish.op == "come")
            case "room_crashes":
                self.room_crashes(self.speech.room_of(self.chat, wish))
            case "session_crashes":
                self.session_crashes(client)
            case "time_passes":
                self._time_passes(61.0 if wish.on else 0.0)
                self.a_second_passes()
            case _ if client.is_here:
                self.asks(client, self.speech.command(self.chat, wish))

    def happen_at_once(self, wishes: Sequence[Wish], *, crashes: bool = False) -> None:
        """Each is said by somebody else, when some of what the one before has caused has happened.

        `crashes`: then the room does that is spoken of first. What it has not answered is `unavailable`, and may have
        been done or not.
        """
        self.a_second_passes()
        wishes = [wish for wish in wishes if self.clients[wish.who].is_here and not (crashes and wish.op in UNKNOWN)]
        said = [self._numbered(self.clients[wish.who], self.speech.command(self.chat, wish)) for wish in wishes]
        for wish, (client, command) in zip(wishes, said, strict=True):
            client.say(command)
            self.server.steps(wish.which)
        if crashes and said:
            self._crashes_over(said[0][1], is_written=wishes[0].on)
        self.server.run()
        self._agree(said)
        if crashes:
            self._time_passes(HELD_SECONDS)

    def _crashes_over(self, command: Any, *, is_written: bool) -> None:
        if is_written:
            self.server.run(writes=False)
            self.server.write()
        self.server.crash(getattr(command, "room", None) or NEVER_WAS)

    def ask_at_once(self, *commands: Said) -> None:
        """What the one causes is on its way to the disk when the next is said."""
        said = [self._numbered(*command) for command in commands]
        for client, command in said:
            client.say(command)
            self.server.run(writes=False)
        self.server.run()
        self._agree(said)

    def asks(self, client: Client, command: Any) -> None:
        if isinstance(command, c.Rooms | c.Members | c.Threads | c.Join | c.CreateRoom):
            self.a_second_passes()  # marks are written within that, and what is unread is counted by what is written
        self._time_passes(0.001)
        self.ask_at_once((client, command))

    def _numbered(self, client: Client, command: Any) -> Said:
        return client, structs.replace(command, id=next(self._ids))

    def _agree(self, said: Sequence[Said]) -> None:
        answers = {command.id: client.answer_to(command.id) for client, command in said}
        for _, command in said:
            self._note_chosen(command, answers[command.id])
        heard = {client.user.user: self._entries(client) for client in self.clients if client.is_here}
        shown = {command.id: self._shown(answers[command.id], command) for _, command in said}
        agreeing: list[Chat] = []
        reasons: list[str] = []
        for chat in self.chats:
            for order in _courses(said, shown):
                told = chat if len(said) == len(self.chats) == 1 and not _lost(shown) else deepcopy(chat)
                reason = self._disagrees(told, order, answers, shown, heard)
                if reason is None:
                    agreeing += [told] if told not in agreeing else []
                else:
                    reasons.append(reason)
        assert agreeing, "\n".join(reasons)
        self.chats = agreeing

    def _disagrees(
        self,
        chat: Chat,
        said: Sequence[Said],
        answers: dict[Any, Ok | Error],
        shown: dict[Any, Answer],
        heard: dict[str, dict[str, list[Json]]],
    ) -> str | None:
        """Why this model would not have said so; None: it does."""
        for client, command in said:
            chat.chosen = _chosen(command, answers[command.id])
            chat.is_answered = shown[command.id] != UNAVAILABLE
            expected = self._in_order(chat.says(client.user.user, command))
            if chat.is_answered and shown[command.id] != expected:
                return f"{command} of {client.user.name}: {shown[command.id]} is not {expected}"
        for who, entries in heard.items():
            told = _by_room(chat.inbox[who])
            if told != entries and not (_lost(shown) and _as_behind(who, told) == _as_behind(who, entries)):
                return f"{chat.names[who]} heard {entries}, and not {told}"
        for inbox in chat.inbox.values():
            inbox.clear()
        return None

    def _note_chosen(self, command: Any, answer: Ok | Error) -> None:
        chosen = _chosen(command, answer)
        if not chosen:
            return
        known = self.speech.codes if isinstance(command, c.CreateInvite) else self.speech.rooms
        if chosen not in known:
            known.append(chosen)
        if isinstance(answer, Ok) and answer.info is not None:
            self.logs[chosen] = answer.info.log

    def _entries(self, client: Client) -> dict[str, list[Json]]:
        return _by_room([plain(event) for event in client.take_heard() if isinstance(event, Entry)])

    def _shown(self, answer: Ok | Error, command: Any) -> Answer:
        if isinstance(answer, Error):
            assert answer.code.value != "no_such_room" or answer.message == "no such room", command
            return answer.code.value
        shown: Json = plain(answer)
        del shown["op"]
        if isinstance(command, c.Search):
            shown["hits"] = [{"room": hit["room"], "seq": hit["seq"]} for hit in shown["hits"]]
        return self._in_order(self._without_status(shown))

    def _without_status(self, shown: Json) -> Json:
        """How people look is what other tests are about; what is over means nothing."""
        for room in [*shown.get("rooms", ()), shown.get("info", {})]:
            room.get("peer", {}).pop("status", None)
            self._without_past(room, "quiet_until")
        for member in shown.get("members", ()):
            member["user"].pop("status", None)
            self._without_past(member, "muted_until")
        return shown

    def _without_past(self, shown: Json, field: str) -> None:
        if shown.get(field, "9") <= stamp(self.now()):
            del shown[field]

    def _in_order(self, shown: Answer) -> Answer:
        if not isinstance(shown, str):
            for key in _IN_ANY_ORDER & shown.keys():
                shown[key] = sorted(shown[key], key=repr_of)
        return shown

    # --- what happens -----------------------------------------------------------------------------------------

    def _time_passes(self, seconds: float) -> None:
        self.clock.jump(seconds)
        for chat in self.chats:
            chat.now = self.now()

    def goes(self, client: Client) -> None:
        """It has heard everything so far."""
        if client.is_here:
            client.disconnect()
            self._is_gone(client.user.user)

    def _is_gone(self, who: str) -> None:
        self.places[who] = {room: self.chat.rooms[room].last_seq for room in self.chat.rooms_of(who)}
        self._is_here(who, is_here=False)

    def _is_here(self, who: str, *, is_here: bool) -> None:
        for chat in self.chats:
            chat.accounts[who].is_here = is_here

    def comes(self, client: Client, *, resumes: bool = True) -> None:
        """And is told all that it has missed, or, if it does not name its places, none of it."""
        if client.is_here:
            return
        who = client.user.user
        places = self.places[who] if resumes else {}
        client.take_heard()
        welcome = client.connect({room: Cursor(self.logs[room], seq) for room, seq in places.items()})
        self._is_here(who, is_here=True)
        heard = [event for event in client.take_heard() if isinstance(event, Entry | Resumed)]
        missed = {room: [plain(event) for event in heard if event.room == room] for room in places}
        assert {event.room for event in heard} <= set(places)
        rooms = self._in_order(self._without_status({"rooms": plain(welcome.rooms)}))
        seen = [(self._in_order(chat.says(who, c.Rooms())), _missed(chat, who, places)) for chat in self.chats]
        self.chats = [chat for chat, saw in zip(self.chats, seen, strict=True) if saw == (rooms, missed)]
        assert self.chats, f"{client.user.name} saw {(rooms, missed)}, and not {seen}"

    def room_crashes(self, room: str) -> None:
        """What was read in the second before may be forgotten by that."""
        self.a_second_passes()
        self.server.crash(room)
        self.server.run()

    def session_crashes(self, client: Client) -> None:
        if client.session is not None:
            self.server.crash(str(client.session.name))
            self.server.run()
            assert not client.is_here, "the connection ends with its session"
            self._is_gone(client.user.user)
            self.comes(client)

    def all_look_at_everything(self) -> None:
        for client in self.clients:
            self.comes(client)
            self.asks(client, c.Rooms())
        for number, room in enumerate((*self.speech.rooms, NEVER_WAS)):
            for which, page in enumerate(PAGES):
                client = self.clients[(number + which) % len(PEOPLE)]
                self.asks(client, page(room=room))

    def a_second_passes(self) -> None:
        self._time_passes(1.0)
        self.server.run()
        self.server.fire_timers()
        self.server.run()


def repr_of(shown: Json) -> str:
    return msgspec.json.encode(shown, order="sorted").decode()


def _lost(shown: dict[Any, Answer]) -> set[Any]:
    """The commands whose answer says nothing of what became of them."""
    return {number for number, answer in shown.items() if answer == UNAVAILABLE}


def _courses(said: Sequence[Said], shown: dict[Any, Answer]) -> Iterator[Sequence[Said]]:
    """In which order it may have been done, and with which of what was lost."""
    lost = _lost(shown)
    for count_of_undone in range(len(lost) + 1):
        for undone in combinations(sorted(lost), count_of_undone):
            yield from permutations([each for each in said if each[1].id not in undone])


def _as_behind(who: str, entries: dict[str, list[Json]]) -> dict[str, list[Json]]:
    """As those hear it whose room has crashed, and who read its log: a text that was replaced at once is gone, and
    whoever is no member any more hears only that."""
    return {room: _parting(who, room, its) or [_bare(entry) for entry in its] for room, its in entries.items()}


def _bare(entry: Json) -> Json:
    return {key: value for key, value in entry.items() if entry["op"] != "edited" or key not in ("text", "mentions")}


def _parting(who: str, room: str, entries: Sequence[Json]) -> list[Json]:
    is_gone = bool(entries) and (entries[-1]["op"], entries[-1].get("user")) == ("left", who)
    return [{"op": "left", "room": room, "user": who}] if is_gone else []


def _by_room(entries: Sequence[Json]) -> dict[str, list[Json]]:
    """Of the order in which entries of different rooms come, nothing is promised."""
    found: dict[str, list[Json]] = {}
    for entry in entries:
        found.setdefault(entry["room"], []).append(entry)
    return found


def _chosen(command: Any, answer: Ok | Error) -> str:
    """What only the server can know beforehand."""
    if isinstance(answer, Error) or not isinstance(command, c.CreateRoom | c.CreateInvite):
        return ""
    return str(answer.room if isinstance(command, c.CreateRoom) else answer.invite)


def _missed(chat: Chat, who: str, places: dict[str, int]) -> dict[str, list[Json]]:
    return {room: _missed_in(chat, who, room, seq) for room, seq in places.items()}


def _missed_in(chat: Chat, who: str, room: str, seq: int) -> list[Json]:
    there = chat.rooms.get(room)
    if there is None or who not in there.members:
        return [{"op": "left", "room": room, "user": who}]
    entries = [there.entry_read_later(entry) for entry in there.entries[seq:]]
    resumed = {
        "op": "resumed", "room": room, "recovered": True, "last_seq": there.last_seq, "from": seq + 1,
        "to": there.last_seq,
    }  # fmt: skip
    return [*entries, resumed]
