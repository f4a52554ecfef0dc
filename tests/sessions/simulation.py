"""A world in which every message takes its step when the test says so: the real rooms and sessions, without a clock.

The actors are the product's own classes; what is simulated is what surrounds them: addresses with mailboxes that are
emptied one message at a time, a supervisor that restarts a room, a store that commits when told to (or fails, or
commits and does not say so), sockets that get full. People are clients that behave: they keep their posts in order,
send again what was refused, and come back naming where they were.

Every promise of the protocol that can be broken at a step is checked at that step, by `Client` and by `Disk`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any, cast

from actors import NORMAL, Actor, Address, Down
from server.protocol.entries import Entry, Joined, Left, MessageEntry
from server.protocol.errors import unavailable
from server.protocol.events import AnyEvent
from server.protocol.hello_commands import Cursor
from server.protocol.message_commands import Post
from server.protocol.objects import Room, User
from server.protocol.outgoing import Outgoing
from server.protocol.replies import Error, Limits, Ok, Resumed, Welcome
from server.protocol.room_commands import Join, Leave
from server.rooms.actor import RoomEnvironment
from server.rooms.entries import entry_of
from server.rooms.messages import Delivery, Passing
from server.sessions.environment import SessionEnvironment
from server.sessions.messages import Close, Congested, Drained, NotifyDrained, Open, Said
from server.store.history_messages import Authors, LogPage, ReadAuthors, ReadLog
from server.store.log_messages import (
    Anchor,
    Anchored,
    Append,
    Known,
    Landed,
    Lost,
    MemberGone,
    NewMember,
    NewMessage,
    Outcome,
    Outcomes,
    Release,
)
from server.store.questions import Done, Failed
from server.store.room_messages import ListRooms, LoadRoom, MemberRecord, RoomList, RoomRecord, SaveMarks
from server.store.user_messages import Identity, TouchTokens
from tests.sessions.stepping import Box, Runtime, Simulated, SimulatedRoom, SimulatedSession

ROOM = "r_SIMULATED"
LOG = "l_SIMULATED"


class SimulatedSocket(Simulated):
    """A connection: passes on to its client, and is full or drained when the test says so."""

    __slots__ = ("client", "wants_drained")

    def __init__(self, client: Client) -> None:
        self.client = client
        self.wants_drained = False

    def receive(self, message: object) -> None:
        match message:
            case Passing():
                pass
            case Delivery() | Outgoing():
                for event in message.events:
                    self.client.hear(event)
            case NotifyDrained():
                self.wants_drained = True
            case Close() | Down():
                self.client.lost_connection()
            case _:
                raise TypeError(type(message))


class Disk:
    """The store: one room's log, what waits to be written, what waits to be read."""

    def __init__(self, users: list[User]) -> None:
        self.log: list[Entry] = []
        self.places: dict[tuple[str, str], tuple[int, NewMessage]] = {}
        self.members = {user.user: MemberRecord("member", 0, 0) for user in users}
        self.joined = dict.fromkeys(self.members, 0)  # with which entry they came
        self.users = {user.user: user for user in users}
        self.lineage = 0
        self.current: int | None = None
        self.writes: deque[object] = deque()
        self.reads: deque[Any] = deque()
        self.writer = Inlet(self.writes)
        self.reader = Inlet(self.reads)

    @property
    def has_appends(self) -> bool:
        return any(isinstance(write, Append) for write in self.writes)

    def commit(self, most: int, *, lands: bool, says_so: bool) -> None:
        """Write what waits. `lands`: the commit succeeds; `says_so`: and that is known."""
        batch = [self.writes.popleft() for _ in range(min(most, len(self.writes)))]
        outcomes: list[Outcome] = []
        asker: Any = None
        touched = self.current
        for write in batch:
            match write:
                case Append():
                    asker = write.reply_to
                    if write.lineage != self.current:
                        self.tell_outcomes(asker, write.lineage, [Lost(write.ref)])
                        continue
                    landed = self.append(write) if lands else Lost(write.ref)
                    outcomes.append(landed if says_so else Lost(write.ref))
                case Anchor():
                    self.tell_outcomes(asker, touched, outcomes)
                    outcomes = []
                    self.lineage += 1
                    self.current = touched = self.lineage
                    write.reply_to.answer(Done(write.ref, Anchored(ROOM, self.lineage)))
                case Release() | SaveMarks() | TouchTokens():
                    pass
                case _:
                    raise TypeError(type(write))
        self.tell_outcomes(asker, touched, outcomes)
        if any(isinstance(outcome, Lost) for outcome in outcomes):
            self.current = None

    def tell_outcomes(self, asker: Any, lineage: int | None, outcomes: list[Outcome]) -> None:
        if outcomes:
            asker.answer(Outcomes(ROOM, lineage or 0, tuple(outcomes)))

    def append(self, append: Append) -> Outcome:
        draft = append.draft
        if not isinstance(draft, NewMessage):
            return self.change(append, draft)
        assert draft.author in self.members, "nothing of who is gone is logged"
        key = draft.author, draft.nonce
        if key in self.places:
            seq, first = self.places[key]
            assert first == draft
            return Known(append.ref, seq, seq)
        seq = len(self.log) + 1
        self.log.append(entry_of(ROOM, draft, self.users[draft.author], seq, seq))
        self.places[key] = seq, draft
        return Landed(append.ref, seq, seq)

    def change(self, append: Append, draft: NewMember | MemberGone) -> Outcome:
        joins = isinstance(draft, NewMember)
        if joins == (draft.user in self.members):
            return Landed(append.ref, None, 0)
        seq = len(self.log) + 1
        self.log.append(entry_of(ROOM, draft, self.users[draft.user], seq, seq))
        if joins:
            self.members[draft.user] = MemberRecord("member", seq, seq)
            self.joined[draft.user] = seq
        else:
            del self.members[draft.user]
        return Landed(append.ref, seq, seq)

    def read(self, *, fails: bool) -> None:
        question = self.reads.popleft()
        if fails:
            question.reply_to.answer(Failed(question.ref, unavailable()))
        else:
            question.reply_to.answer(Done(question.ref, self.value(question)))

    def value(self, question: object) -> object:
        match question:
            case LoadRoom():
                return RoomRecord(ROOM, LOG, "channel", "Room", None, len(self.log), dict(self.members))
            case ReadLog(after=after, upto=upto, limit=limit):
                entries = tuple(self.log[after : min(upto, after + limit)])
                return LogPage(ROOM, after, entries, more=after + limit < upto)
            case ListRooms(user=user) if user not in self.members:
                return RoomList(user, ())
            case ListRooms(user=user):
                info = Room(
                    room=ROOM, log=LOG, kind="channel", name="Room", members=len(self.members),
                    last_seq=len(self.log), read_seq=0, role="member", unread=0, mentions=0,
                )  # fmt: skip
                return RoomList(user, (info,))
            case ReadAuthors(after=after, upto=upto):
                return Authors(ROOM, after, upto, frozenset())
            case _:
                raise TypeError(type(question))


class Inlet:
    """One of the store's inboxes; refuses when it is told to be full."""

    def __init__(self, queue: deque[Any]) -> None:
        self.queue = queue
        self.full = False

    def tell(self, message: object) -> bool:
        if self.full:
            return False
        self.queue.append(message)
        return True


class Client:
    """A person with one device, who behaves: posts in order, sends again, comes back and resumes."""

    def __init__(self, world: World, user: User) -> None:
        self.world = world
        self.user = user
        self.identity = Identity(user, f"s_{user.user}", None, False)
        self.socket: Box | None = None
        self.session: Box | None = None
        self.welcomed = False
        self.cursor: int | None = None  # None: not in the room, as far as this client knows
        self.resuming = False
        self.moving: int | None = None  # a `join` or `leave` without an answer
        self.wants_in = True
        self.outbox: list[str] = []
        self.acknowledged: dict[str, int] = {}
        self.outstanding: dict[int, str] = {}
        self.refused = False
        self.sent_once: set[str] = set()

    # --- what it does -----------------------------------------------------------------------------------------

    def connect(self) -> None:
        assert self.socket is None
        self.socket = Box(self.world, None, lambda: SimulatedSocket(self))
        self.session = session = self.world.session(self.identity)
        self.socket.actor.watch(session)
        resume = {} if self.cursor is None else {ROOM: Cursor(LOG, self.cursor)}
        session.answer(Open(cast("Address", self.socket), resume, None))
        self.resuming = self.cursor is not None

    def disconnect(self) -> None:
        assert self.socket is not None
        self.socket.end(NORMAL, again=False)
        self.lost_connection()

    def lost_connection(self) -> None:
        if self.socket is not None and self.socket.alive:
            self.socket.end(NORMAL, again=False)
        self.socket = None
        self.welcomed = False
        self.refused = self.refused or bool(self.outstanding)
        self.outstanding.clear()
        self.sent_once.clear()
        self.moving = None
        self.resuming = False

    def move(self) -> None:
        """Leave, or come in again: as it wants, and as long as it does not know that this was done."""
        if self.welcomed and self.moving is None and not self.outstanding and self.wants_in != self.is_in:
            self.moving = next(self.world.numbers)
            kind = Join if self.wants_in else Leave
            self.tell_session(Said(cast("Address", self.socket), kind(id=self.moving, room=ROOM)))

    @property
    def is_in(self) -> bool:
        return self.cursor is not None

    def post(self) -> None:
        """A new post: sent at once, unless an earlier one was refused; then it waits for its turn."""
        if not self.is_in or not self.wants_in or self.moving is not None:
            return
        nonce = f"n{next(self.world.numbers)}"
        self.outbox.append(nonce)
        if self.welcomed and not self.refused:
            self.sent_once.add(nonce)
            self.send(nonce)
        else:
            self.refused = True

    def resend(self) -> None:
        """Everything that is not acknowledged, in order."""
        self.refused = False
        for nonce in self.outbox:
            if nonce not in self.acknowledged:
                self.sent_once.discard(nonce)
                self.send(nonce)

    def send(self, nonce: str) -> None:
        assert self.socket is not None
        number = next(self.world.numbers)
        self.outstanding[number] = nonce
        command = Post(id=number, room=ROOM, nonce=nonce, text=f"{self.user.user} {nonce}")
        self.tell_session(Said(cast("Address", self.socket), command))

    def tell_session(self, message: object) -> None:
        assert self.session is not None
        self.session.answer(message)

    @property
    def may_resend(self) -> bool:
        return self.welcomed and self.refused and self.is_in and self.moving is None

    @property
    def is_content(self) -> bool:
        """It is there, has everything, and nothing of it is on its way."""
        waits = self.refused or self.outstanding or self.resuming or self.moving is not None
        has_all = self.is_in and self.cursor == len(self.world.disk.log)
        return self.welcomed and not waits and self.wants_in and has_all

    def congest(self) -> None:
        assert self.socket is not None
        self.tell_session(Congested(cast("Address", self.socket)))

    def drain(self) -> None:
        if self.socket is not None and self.socket.actor.wants_drained and not self.socket.waiting:
            self.socket.actor.wants_drained = False
            self.tell_session(Drained(cast("Address", self.socket)))

    # --- what it hears ----------------------------------------------------------------------------------------

    def hear(self, event: AnyEvent) -> None:
        match event:
            case Welcome(rooms=[info]):
                self.welcomed = True
                if not self.resuming:
                    self.cursor = info.last_seq
            case Welcome():
                self.welcomed = True
            case Left(user=user) if user == self.user.user and event.seq is None:
                self.out()
            case Resumed():
                assert self.resuming
                assert event.recovered, "so little was never too much to replay"
                assert self.cursor == event.to, "everything that was missing came before the end of the recovery"
                self.resuming = False
            case MessageEntry() | Joined() | Left():
                self.hear_entry(event)
            case Ok(id=int(number)) if number == self.moving:
                self.moving = None
                if event.info is not None:
                    assert self.cursor in (None, event.info.last_seq), "the next entry is `last_seq` + 1"
                    self.cursor = event.info.last_seq
                else:
                    self.out()
            case Error(id=int(number)) if number == self.moving:
                is_last_owner = event.code == "forbidden" and "keep an owner" in event.message
                assert event.code == "unavailable" or is_last_owner, event
                self.moving = None
            case Ok(id=int(number)):
                self.hear_ok(event, self.outstanding.pop(number))
            case Error(id=int(number)):
                is_out = event.code == "not_a_member" and self.user.user not in self.world.disk.members
                assert event.code == "unavailable" or is_out, event
                self.outstanding.pop(number)
                self.refused = True
            case _:
                raise TypeError(event)

    def hear_entry(self, entry: MessageEntry | Joined | Left) -> None:
        assert self.welcomed
        if self.cursor is None:
            assert isinstance(entry, Joined), "nothing follows a `leave`"
            assert entry.user.user == self.user.user
            self.cursor = entry.seq - 1
        assert entry.seq == self.cursor + 1, f"{entry.seq} after {self.cursor}: no gap, nothing twice, no overtaking"
        self.cursor += 1
        assert entry == self.world.disk.log[self.cursor - 1], "every reader sees what is on disk, in that order"
        if isinstance(entry, Left) and entry.user == self.user.user:
            self.out()
        if isinstance(entry, MessageEntry) and entry.from_.user == self.user.user:
            assert entry.nonce not in self.sent_once & set(self.outstanding.values()), "`ok` precedes the own message"

    def out(self) -> None:
        self.cursor = None
        self.resuming = False
        self.refused = self.refused or bool(self.outstanding)

    def hear_ok(self, ok: Ok, nonce: str) -> None:
        assert ok.seq is not None
        entry = self.world.disk.log[ok.seq - 1]
        assert isinstance(entry, MessageEntry)
        assert (entry.from_.user, entry.nonce) == (self.user.user, nonce), "acknowledged means on disk"
        assert self.acknowledged.setdefault(nonce, ok.seq) == ok.seq, "the same nonce, the same seq"


class World(Runtime):
    """Everything, and the rules by which it moves on."""

    def __init__(self, people: int, now: Callable[[], float], session_mailbox: int = 10_000) -> None:
        super().__init__(now)
        users = [User(user=f"u_{n}", name=f"person{n}") for n in range(people)]
        self.disk = Disk(users)
        self.session_mailbox = session_mailbox
        self.clients = [Client(self, user) for user in users]
        self.rooms = RoomEnvironment(writer=self.disk.writer, reader=self.disk.reader)
        self.sessions = SessionEnvironment(
            writer=self.disk.writer, reader=self.disk.reader, limits=Limits(frame=1, text=1, unanswered=32),
            node="n", heartbeat=lambda: 30_000, clock=lambda: 0, used=lambda session, at: None,
        )  # fmt: skip

    def new_room(self) -> Actor:
        return SimulatedRoom(self.rooms)

    # --- what tests do ----------------------------------------------------------------------------------------

    def session(self, identity: Identity) -> Box:
        found = self.find(identity.session)
        return found or Box(
            self, identity.session, lambda: SimulatedSession(self.sessions, identity), self.session_mailbox
        )

    def crash_room(self) -> None:
        """Whatever it is handling is lost with its state; the mailbox is kept."""
        room = self.find(ROOM)
        if room is not None:
            if room.waiting:
                room.waiting.popleft()
            room.end(RuntimeError("crash"), again=True)

    def crash_session(self, client: Client) -> None:
        session = self.find(client.identity.session)
        if session is not None:
            session.end(RuntimeError("crash"), again=False)

    def run(self) -> None:
        """Until nothing moves any more, with a store that works and sockets that drain."""
        while True:
            self.run_messages()
            for client in self.clients:
                client.drain()
            if self.disk.writes:
                self.disk.commit(1_000, lands=True, says_so=True)
            elif self.disk.reads:
                self.disk.read(fails=False)
            elif not any(box.waiting for box in self.boxes):
                return
