"""The server in one thread: its rooms and sessions over a real store, and people at its connections.

Everything between a decoded command and its answer is the product's own, but for tasks and threads: what the writer's
and the reader's tasks do between two waits is done when nobody has a message any more.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from actors import NORMAL, Actor, Address, Down
from server.protocol.bases import CommandId
from server.protocol.commands import AnyCommand
from server.protocol.errors import Refusal
from server.protocol.events import AnyEvent
from server.protocol.hello_commands import Cursor
from server.protocol.objects import User
from server.protocol.outgoing import Outgoing
from server.protocol.replies import Error, Limits, Ok, Welcome
from server.rooms.actor import RoomEnvironment
from server.rooms.announcing import Announcing
from server.rooms.messages import Delivery, Passing
from server.sessions.environment import SessionEnvironment
from server.sessions.messages import Close, Drained, NotifyDrained, Open, Said
from server.store.answering import answer_all
from server.store.batches import Batch, Committed, commit
from server.store.connections import snapshot
from server.store.direct import NOBODY
from server.store.lineages import Lineages
from server.store.opening import Store
from server.store.questions import Done, Failed
from server.store.search_messages import Search
from server.store.searching import search
from server.store.unanswered import Unanswered
from server.store.user_messages import AddToken, AddUser, FindIdentity, Identity
from tests.sessions.stepping import Box, Runtime, Simulated, SimulatedRoom, SimulatedSession

A_YEAR_MS = 31_536_000_000


class Inlet:
    """One of the store's inboxes."""

    def __init__(self) -> None:
        self.waiting: list[Any] = []

    def tell(self, message: object) -> bool:
        self.waiting.append(message)
        return True

    def take(self) -> list[Any]:
        taken, self.waiting = self.waiting, []
        return taken


class Served(Runtime):
    """The server. `now`: seconds, for its timers; `clock`: ms since the epoch."""

    def __init__(self, store: Store, now: Callable[[], float], clock: Callable[[], int]) -> None:
        super().__init__(now)
        self.store = store
        self.clock = clock
        self._writes, self._reads = Inlet(), Inlet()
        self._lineages = Lineages(store.lineage_numbers)
        self._rooms = RoomEnvironment(self._writes, self._reads, announcing=Announcing(grace=0.0))
        self._sessions = SessionEnvironment(
            writer=self._writes, reader=self._reads, limits=Limits(frame=1, text=1, unanswered=32), node="n",
            heartbeat=lambda: 30_000, clock=clock, used=lambda session, at: None,
        )  # fmt: skip

    def new_room(self) -> Actor:
        return SimulatedRoom(self._rooms)

    def session(self, identity: Identity) -> Box:
        found = self.find(identity.session)
        return found or Box(self, identity.session, lambda: SimulatedSession(self._sessions, identity))

    def run(self, *, writes: bool = True) -> None:
        """Until nothing moves any more; without `writes` nothing is written by then."""
        while True:
            self.run_messages()
            if self._reads.waiting:
                self._read()
            elif self._writes.waiting and writes:
                self.write()
            else:
                return

    def steps(self, count: int) -> None:
        """So many messages are handled, and of the store nothing."""
        for _ in range(count):
            busy = next((box for box in self.boxes if box.waiting), None)
            if busy is not None:
                busy.step()

    def added(self, name: str) -> User:
        user = self._changed(AddUser(reply_to=NOBODY, name=name, display_name=None, password_hash="hash"))
        assert isinstance(user, User)
        return user

    def token_of(self, user: str) -> bytes:
        token = f"token of {user}".encode()
        self._changed(AddToken(reply_to=NOBODY, user=user, token_hash=token, device=None))
        return token

    def identity(self, token: bytes) -> Identity:
        asked = [FindIdentity(reply_to=NOBODY, token_hash=token)]
        [answer] = answer_all(self.store.reading, asked, self.clock(), A_YEAR_MS)
        assert isinstance(answer, Done)
        assert isinstance(answer.value, Identity)
        return answer.value

    def _changed(self, change: AddUser | AddToken) -> object:
        [answer] = commit(self.store.writing, Batch((), {}, (change,), (), ()), self.clock()).answers
        assert isinstance(answer, Done)
        return answer.value

    def write(self) -> None:
        """What waits is on disk; whoever is told so has not heard it yet."""
        unanswered = Unanswered(self._lineages)
        for write in self._writes.take():
            unanswered.take(write)
        batch = unanswered.batch()
        nothing = Committed((), (), {})
        unanswered.settle(nothing if batch is None else commit(self.store.writing, batch, self.clock()))

    def _read(self) -> None:
        questions = self._reads.take()
        quick = [question for question in questions if not isinstance(question, Search)]
        if quick:
            answers = answer_all(self.store.reading, quick, self.clock(), A_YEAR_MS)
            for question, answer in zip(quick, answers, strict=True):
                question.reply_to.answer(answer)
        for question in questions:
            if isinstance(question, Search):
                question.reply_to.answer(self._searched(question))

    def _searched(self, question: Search) -> Done | Failed:
        try:
            with snapshot(self.store.searching) as connection:
                return Done(question.ref, search(connection, question))
        except Refusal as refusal:
            return Failed(question.ref, refusal.with_traceback(None))

    # --- what goes wrong --------------------------------------------------------------------------------------

    def crash(self, name: str) -> None:
        """A room, which its supervisor starts again, or a session, which its client does. What it is handling is
        lost."""
        box = self.find(name)
        if box is not None:
            if box.waiting:
                box.waiting.popleft()
            box.end(RuntimeError("crash"), again=name.startswith("r_"))


class Socket(Simulated):
    """A connection that keeps up, and writes down what it is told."""

    __slots__ = ("client",)

    def __init__(self, client: Client) -> None:
        self.client = client

    def receive(self, message: object) -> None:
        match message:
            case Delivery() | Outgoing() | Passing():
                self.client.heard += message.events
            case NotifyDrained():
                assert self.client.session is not None
                self.client.session.answer(Drained(self.address))
            case Close() | Down():
                self.client.is_cut_off()
            case _:
                raise TypeError(type(message))


class Client:
    """Somebody's device, with one connection, or none."""

    def __init__(self, server: Served, name: str) -> None:
        self.server = server
        self.user = server.added(name)
        self.heard: list[AnyEvent] = []
        self.session: Box | None = None
        self._token = server.token_of(self.user.user)
        self._socket: Box | None = None

    @property
    def is_here(self) -> bool:
        return self._socket is not None

    def connect(self, resume: dict[str, Cursor]) -> Welcome:
        identity = self.server.identity(self._token)
        self._socket = socket = Box(self.server, None, lambda: Socket(self))
        self.session = self.server.session(identity)
        socket.actor.watch(self.session)
        self.session.answer(Open(cast("Address", socket), resume, None))
        self.server.run()
        [welcome] = [event for event in self.heard if isinstance(event, Welcome)]
        return welcome

    def disconnect(self) -> None:
        if self._socket is not None:
            self.is_cut_off()
            self.server.run()

    def is_cut_off(self) -> None:
        if self._socket is not None:
            self._socket.end(NORMAL, again=False)
            self._socket = self.session = None

    def say(self, command: AnyCommand) -> None:
        assert self.session is not None
        self.session.answer(Said(cast("Address", self._socket), command))

    def answer_to(self, command: CommandId | None) -> Ok | Error:
        [answer] = [event for event in self.heard if isinstance(event, Ok | Error) and event.id == command]
        return answer

    def take_heard(self) -> list[AnyEvent]:
        heard, self.heard = self.heard, []
        return heard
