"""A locust user that chats with a Hubbub server: verbs, what they took, and notes for the checker.

    class Guest(ChatUser):
        wait_time = between(1, 5)

        def on_start(self):
            self.start_talking(token=...)

        @task
        def greet(self):
            room = self.join(name="lobby").room
            said = self.post(room, "hello")
            self.expect(lambda event: isinstance(event, MessageEntry) and event.seq == said.seq, timeout=5)

It connects, comes back after every loss and resumes (`talk.py`). What it reports, as requests of the type CHAT:

    connect         until the upgrade was answered
    hello           from hello to welcome
    reconnect       from the loss of a connection until everything missed was there, the waiting in between included
    post to ack     from the post to its ok, that is: until it was on disk
    post to seen    from the mark in a text until a reader has read it, for each reader
    post to caught up   the same, for entries that came while recovering from a loss
    join, history … from each other command to its answer
    disconnect      a connection that was lost: how long it had lived, and why

Everything it sees is written down for the checker as it comes (`loadtest/testimony.py`).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from time import perf_counter
from typing import Final, TypeVar

import msgspec
from gevent.event import AsyncResult
from gevent.event import Event as Bell
from gevent.timeout import Timeout
from locust.env import Environment

from clients.answers import HistoryPage, Posted
from clients.backlog import Backlog
from clients.conversation import Conversation
from clients.endpoint import endpoint_of
from clients.happenings import Answered, Event, Happening, Refused, UnknownEntry
from clients.incoming import UnreadableAnswer, read
from loadtest.marks import Mark
from loadtest.testimony import Testimony, Witnesses
from loadtest.users.failures import Closed, TimedOut, WebSocketFailure
from loadtest.users.measuring import MeasuringUser
from loadtest.users.talk import Talk
from loadtest.users.websocket import Target
from server.protocol.attention_commands import Read, Typing
from server.protocol.codec import SUBPROTOCOL
from server.protocol.commands import AnyCommand
from server.protocol.entries import Left
from server.protocol.hello_commands import Cursor, Hello
from server.protocol.message_commands import Post
from server.protocol.objects import Room, RoomKind
from server.protocol.page_commands import History
from server.protocol.replies import Error, Ok, Resumed, Welcome
from server.protocol.room_commands import CreateRoom, Join, Leave, Rooms

BACKLOG: Final = 1_000  # events nobody looked at
SAME_CLOCK: Final = 1.0  # seconds by which two clocks of one machine may be told apart at the most

CONNECT, HELLO, RECONNECT, DISCONNECT = "connect", "hello", "reconnect", "disconnect"
ACK, SEEN, CAUGHT_UP = "post to ack", "post to seen", "post to caught up"

T = TypeVar("T")

_HELLO: Final = b'{"op":"hello"'
_hello = msgspec.json.Decoder(Hello)


class RefusedCommand(WebSocketFailure):
    """The server answered with an error: `RefusedCommand('rate_limited')`."""

    def __init__(self, error: Error) -> None:
        super().__init__(str(error.code))
        self.error = error


class ChatUser(MeasuringUser):
    """A person. `start_talking` before anything else.

    Attributes
    ----------
    witnesses
        Where all users of a process write what they see; None: one that nobody reads.
    answer_within
        Seconds until a command without an answer counts as failed.
    """

    abstract = True
    request_type = "CHAT"
    witnesses: Witnesses | None = None
    answer_within: float = 30.0

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        self.testimony: Testimony | None = None
        self._number = 0
        self._talk: Talk | None = None
        self._conversation = Conversation()
        self._answers: dict[int, AsyncResult] = {}
        self._backlog = Backlog(BACKLOG)
        self._news = Bell()
        self._hello_at = 0.0
        self._lost_at = 0.0
        self._recovering: set[str] = set()

    # --- coming and going ------------------------------------------------------------------------------------

    def start_talking(self, token: str, *, user: str = "", number: int = 0, within: float = 30.0) -> None:
        """Connect, and be welcomed.

        Parameters
        ----------
        user, number
            Who holds the token, by id, and by number among the people of this load test: for the checker.

        Raises
        ------
        TimedOut
            No welcome within so many seconds; it goes on trying.
        """
        self._number = number
        self.witnesses = self.witnesses or Witnesses()
        self.testimony = Testimony(self.witnesses, number, user)
        self._conversation = Conversation(token)
        where = endpoint_of(self.host or "")
        target = Target(where.host, where.port, where.tls, where.target("/v1/ws"), (SUBPROTOCOL,))
        self._talk = Talk(target, self._conversation, self)
        self._talk.begin()
        self.tie()
        self._wait(lambda: self._conversation.ready, within, HELLO)

    def on_stop(self) -> None:
        """Whoever overrides it calls this one: without it the connection is cut, not closed."""
        if self._talk is not None:
            self._talk.close()

    def hang_up(self) -> None:
        if self._talk is not None:
            self._talk.abandon()

    def drop(self) -> None:
        """Lose the connection, as a network would; it comes back by itself."""
        self._talking().drop()

    @property
    def rooms(self) -> dict[str, Room]:
        """The rooms this person is in, by id; counters are as old as the last answer that carried them."""
        return dict(self._conversation.rooms)

    def cursors(self) -> dict[str, Cursor]:
        """How far this person has come in each room."""
        return self._conversation.cursors()

    # --- verbs -----------------------------------------------------------------------------------------------

    def join(self, room: str | None = None, *, name: str | None = None) -> Room:
        """Join a channel by its id or its name."""
        return _given(self.ask(Join(room=room, name=name), "join").info)

    def leave(self, room: str) -> None:
        self.ask(Leave(room=room), "leave")

    def create_room(self, kind: RoomKind, name: str | None = None, members: tuple[str, ...] = ()) -> Room:
        nonce, _ = self._witnesses().next_post(self._number, "")
        return _given(self.ask(CreateRoom(kind=kind, nonce=nonce, name=name, members=list(members)), "create").info)

    def post(self, room: str, text: str) -> Posted:
        """Post; returns once it is on disk. `text` gets a mark in front, which says when it was posted."""
        nonce, marked = self._witnesses().next_post(self._number, text)
        ok = self.ask(Post(room=room, nonce=nonce, text=marked), ACK)
        return Posted(_given(ok.seq), _given(ok.at), bool(ok.duplicate), nonce)

    def history(self, room: str, *, before: int | None = None, limit: int = 50) -> HistoryPage:
        """Messages in their present state; without a bound the newest."""
        ok = self.ask(History(room=room, before=before, limit=limit), "history")
        return HistoryPage(_given(ok.messages), bool(ok.more), ok.to or 0)

    def read(self, room: str, seq: int) -> None:
        """The person has read everything up to `seq`."""
        self.ask(Read(room=room, seq=seq), "read")

    def list_rooms(self) -> list[Room]:
        return _given(self.ask(Rooms(), "rooms").rooms)

    def typing(self, room: str) -> None:
        """Show that they are typing; never answered, and lost while there is no connection."""
        self._talking().say(Typing(room=room))

    def ask(self, command: AnyCommand, name: str) -> Ok:
        """Give any command and wait for its answer, reported under `name`.

        Raises
        ------
        RefusedCommand, TimedOut
        """
        talk = self._talking()
        with self.measure(name) as measured:
            answer = AsyncResult()
            number = talk.say(command)
            self._answers[number] = answer
            try:
                with Timeout(self.answer_within, TimedOut(name)):
                    happening, measured.ended = answer.get()
            except TimedOut:
                talk.give_up(number)
                raise talk.over or TimedOut(name) from None
            finally:
                del self._answers[number]
            if isinstance(happening, Refused):
                raise RefusedCommand(happening.error)
        assert isinstance(happening, Answered)
        return happening.ok

    def expect(self, wanted: Callable[[Event], bool], timeout: float) -> Event:
        """The next event for which `wanted` holds; those before it are gone.

        Raises
        ------
        TimedOut
        """
        found: list[Event] = []

        def is_there() -> bool:
            while (event := self._backlog.next()) is not None:
                if wanted(event):
                    found.append(event)
                    return True
            return False

        self._wait(is_there, timeout, "expect")
        return found[0]

    def _wait(self, until: Callable[[], bool], timeout: float, step: str) -> None:
        end = perf_counter() + timeout
        while not until():
            self._news.clear()
            if not self._news.wait(max(0.0, end - perf_counter())):
                raise self._talking().over or TimedOut(step)

    def _talking(self) -> Talk:
        assert self._talk is not None, "start_talking() comes first"
        return self._talk

    def _witnesses(self) -> Witnesses:
        assert self.witnesses is not None, "start_talking() comes first"
        return self.witnesses

    def _noted(self) -> Testimony:
        assert self.testimony is not None, "start_talking() comes first"
        return self.testimony

    # --- what the talk tells: see `talk.Listener` ------------------------------------------------------------

    def tried(self, began: float, ended: float, failure: WebSocketFailure | None) -> None:
        self.report(CONNECT, ended - began, exception=failure)

    def sent(self, frame: bytes, at: float) -> None:
        self._noted().sent(frame, at)
        if frame.startswith(_HELLO):
            self._hello_at = at
            self._recovering = set(_hello.decode(frame).resume or ())

    def heard(self, frame: str, at: float) -> None:
        event = read(frame)
        if event is None or isinstance(event, UnknownEntry | UnreadableAnswer):
            return
        entry = self._noted().heard(event, at)
        if entry is not None and entry.mark is not None:
            behind = self._recovering and entry.room in self._recovering
            self.report(CAUGHT_UP if behind else SEEN, age(entry.mark, at), len(frame))

    def happened(self, happening: Happening, at: float) -> None:
        match happening:
            case Answered() | Refused():
                answer = self._answers.get(happening.id)
                if answer is not None:
                    answer.set((happening, at))
                return
            case Welcome():
                self.report(HELLO, at - self._hello_at)
                self._recovered_if_all(at)
            case Resumed(room=room) | Left(room=room):
                self._recovering.discard(room)
                self._recovered_if_all(at)
        self._backlog.put(happening)
        self._news.set()

    def _recovered_if_all(self, at: float) -> None:
        if self._lost_at and not self._recovering:
            self.report(RECONNECT, at - self._lost_at)
            self._lost_at = 0.0

    def lost(self, why: WebSocketFailure, *, asked: bool, at: float) -> None:
        self._noted().lost(at)
        self._lost_at = self._lost_at or at
        if not asked and self._hello_at:
            ours = isinstance(why, Closed) and why.by_us
            self.report(DISCONNECT, at - self._hello_at, exception=None if ours else why)
        self._news.set()


def age(mark: Mark, at: float) -> float:
    """Seconds from a mark to `at`, a time of `perf_counter`: on Linux that is CLOCK_MONOTONIC, by which marks are made.

    That clock is another one on every machine: where it contradicts the wall clock, the wall clocks are believed.
    """
    now = perf_counter()
    monotonic = at - mark.sent / 1e9
    wall = time.time() - (now - at) - mark.wall / 1e3
    return monotonic if abs(monotonic - wall) < SAME_CLOCK else wall


def _given(value: T | None) -> T:
    assert value is not None, "the answer lacks a field that it must carry"
    return value
