"""Rooms and sessions on the real runtime, over a real store; only the sockets are played, by actors that write down."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import TypeVar

import trio

from actors import (
    Actor,
    ActorSpec,
    Address,
    Breaker,
    Down,
    DynamicSpec,
    Inbox,
    Intensity,
    Restart,
    SupervisorSpec,
    System,
    TaskContext,
    TaskSpec,
    open_system,
)
from server.pacing import Pace, without_limit
from server.protocol.commands import AnyCommand
from server.protocol.entries import Entry, MessageEntry
from server.protocol.events import AnyEvent
from server.protocol.hello_commands import Cursor
from server.protocol.message_commands import Post
from server.protocol.outgoing import Outgoing
from server.protocol.replies import Error, Limits, Ok, Welcome
from server.rooms.actor import MAILBOX as ROOM_MAILBOX
from server.rooms.actor import RoomActor, RoomEnvironment
from server.rooms.announcing import Announcing
from server.rooms.sizes import Sizes
from server.sessions.actor import SessionActor
from server.sessions.attention import DEFAULT_RULES, Rules
from server.sessions.environment import MAILBOX as SESSION_MAILBOX
from server.sessions.environment import SessionEnvironment
from server.sessions.messages import Close, Drained, NotifyDrained, Open, Said
from server.sessions.watched import Watched
from server.sessions.watching import WATCHING, Watching, WatchingEnvironment
from server.store.opening import Store
from server.store.reader import run_reader
from server.store.user_messages import Identity, TouchTokens
from server.store.writer import run_writer
from tests.store.desk import PATIENCE, Desk

E = TypeVar("E")


class Line(Actor):
    """One connection. It writes down what it is told, and drains at once unless it is told to be slow."""

    __slots__ = ("guest",)

    def __init__(self, guest: Guest) -> None:
        self.guest = guest

    def receive(self, message: object) -> None:
        match message:
            case Outgoing():
                self.guest.hear(message)
            case NotifyDrained() if not self.guest.slow:
                self.guest.session.answer(Drained(self.address))
            case NotifyDrained():
                self.guest.wants_drained = True
                self.guest.changed()
            case Close(code=code):
                self.guest.closed = int(code)
                self.guest.changed()
                self.stop()
            case Down(address=session):
                if session is self.guest.session:
                    self.guest.closed = 4000
                    self.guest.changed()
                    self.stop()
            case Open() | Said():
                self.guest.session = self.system.dynamic("sessions").find_or_start(
                    self.guest.identity.session, self.guest.identity
                )
                self.watch(self.guest.session)
                self.guest.session.answer(message)
            case "hang up":
                self.stop()
            case _:
                raise TypeError(type(message))


class Guest:
    """A person at one connection."""

    def __init__(self, stage: Stage, identity: Identity) -> None:
        self.stage = stage
        self.identity = identity
        self.user = identity.user.user
        self.heard: list[AnyEvent] = []
        self.closed: int | None = None
        self.slow = False
        self.wants_drained = False
        self.line: Address
        self.session: Address
        self._changed = trio.Event()
        self._numbers = itertools.count(1)

    # --- doing ------------------------------------------------------------------------------------------------

    async def come(
        self, resume: dict[str, Cursor] | None = None, *, passive: bool = False, focus: str | None = None
    ) -> Welcome:
        self.heard, self.closed = [], None
        self.line = self.stage.system.dynamic("connections").start(object(), self)
        self.line.tell(Open(self.line, resume or {}, None, self.identity.last_used, passive, focus))
        return await self.until(lambda: self.found(Welcome))

    async def go(self) -> None:
        session = self.session
        self.line.tell("hang up")
        await self.stage.until(lambda: not self.line.alive and not session.alive)

    def say(self, command: type[AnyCommand], **fields: object) -> int:
        number = next(self._numbers)
        self.session.answer(Said(self.line, command(id=number, **fields)))  # type: ignore[arg-type]
        return number

    async def answer_to(self, number: int) -> Ok | Error:
        def answer() -> Ok | Error | None:
            return next((e for e in self.heard if isinstance(e, Ok | Error) and e.id == number), None)

        return await self.until(answer)

    async def ask(self, command: type[AnyCommand], **fields: object) -> Ok | Error:
        return await self.answer_to(self.say(command, **fields))

    async def post(self, room: str, text: str, nonce: str | None = None) -> Ok | Error:
        nonce = nonce or f"{self.user} {next(self._numbers)}"
        return await self.ask(Post, room=room, nonce=nonce, text=text)

    async def post_until_taken(self, room: str, text: str) -> Ok:
        """As people do: with the same nonce, until it is acknowledged."""
        nonce = f"{self.user} {next(self._numbers)}"
        with trio.fail_after(PATIENCE):
            while True:
                answer = await self.post(room, text, nonce)
                if isinstance(answer, Ok):
                    return answer
                assert answer.code == "unavailable", answer
                await trio.sleep(0.05)

    # --- hearing ----------------------------------------------------------------------------------------------

    def hear(self, outgoing: Outgoing) -> None:
        self.heard += outgoing.events
        self.changed()

    def changed(self) -> None:
        self._changed.set()
        self._changed = trio.Event()

    def found(self, kind: type[E]) -> E | None:
        return next((event for event in self.heard if isinstance(event, kind)), None)

    def entries(self, room: str) -> list[Entry]:
        return [event for event in self.heard if isinstance(event, Entry) and event.room == room]

    def texts(self, room: str) -> list[str]:
        return [entry.text for entry in self.entries(room) if isinstance(entry, MessageEntry)]

    async def until(self, look: Callable[[], E | None]) -> E:
        with trio.fail_after(PATIENCE):
            while not (seen := look()):
                assert self.closed is None, f"closed with {self.closed}"
                await self._changed.wait()
        return seen

    async def has_entries(self, room: str, count: int) -> None:
        await self.until(lambda: len(self.entries(room)) == count)

    async def until_closed(self) -> int:
        with trio.fail_after(PATIENCE):
            while self.closed is None:
                await self._changed.wait()
        return self.closed

    async def hears(self, room: str, *texts: str) -> None:
        await self.until(lambda: self.texts(room)[-len(texts) :] == list(texts))


class Stage:
    """The running system and its store."""

    def __init__(self, desk: Desk, system: System) -> None:
        self.desk = desk
        self.system = system
        self._numbers = itertools.count(1)

    async def guest(self, name: str) -> Guest:
        user = await self.desk.user(name)
        return await self.device_of(user)

    async def device_of(self, user: str) -> Guest:
        token = f"token {next(self._numbers)}".encode()
        return Guest(self, await self.desk.identity(user, token))

    async def until(self, look: Callable[[], object]) -> None:
        with trio.fail_after(PATIENCE):
            while not look():  # noqa: ASYNC110 - what is looked at belongs to the runtime and tells nobody
                await trio.sleep(0.001)

    def room(self, room: str) -> Address | None:
        return self.system.dynamic("rooms").find(room)


@asynccontextmanager
async def staged(
    store: Store,
    room: Callable[..., Actor] = RoomActor,
    session: Callable[..., Actor] = SessionActor,
    small_room: int = 256,
    pace: Pace[str] | None = None,
    most_connections: int = 100,
    attention: Rules = DEFAULT_RULES,
) -> AsyncIterator[Stage]:
    """A server without gateway; `room` and `session` may be classes that fail in the way a test wants."""
    desk = Desk(store, Inbox(10_000), Inbox(10_000))

    async def write(context: TaskContext) -> None:
        await run_writer(context, store, desk.writes, desk.clock)

    async def read(context: TaskContext) -> None:
        await run_reader(context, store, desk.reads, lambda: desk.now, token_days=90)

    rooms = RoomEnvironment(
        writer=desk.writes, reader=desk.reads, sizes=Sizes(small=small_room), announcing=Announcing(grace=0.0)
    )
    sessions = SessionEnvironment(
        writer=desk.writes, reader=desk.reads, limits=Limits(frame=65_536, text=4_000, unanswered=32), node="n_test",
        heartbeat=lambda: 30_000, clock=lambda: desk.now, pace=without_limit() if pace is None else pace,
        most_connections=most_connections, attention=attention,
        used=lambda session, at: desk.writes.tell(TouchTokens((session,), at)),
    )  # fmt: skip
    watching = WatchingEnvironment(
        watched=Watched(), choices=sessions.choices, reader=desk.reads, others=tuple, node="n_test", grace=0.0
    )
    tree = SupervisorSpec(
        "server",
        [
            TaskSpec("writer", write),
            TaskSpec("reader", read),
            DynamicSpec("rooms", partial(room, rooms), mailbox=ROOM_MAILBOX, breaker=Breaker(crashes=3, window=10.0)),
            DynamicSpec("sessions", partial(session, sessions), mailbox=SESSION_MAILBOX, restart=Restart.TEMPORARY),
            ActorSpec(WATCHING, Watching, (watching,), name=WATCHING),
            DynamicSpec("connections", Line, restart=Restart.TEMPORARY),
        ],
        intensity=Intensity(10, 60.0),
    )
    async with open_system(tree) as system:
        yield Stage(desk, system)
