"""A real store in a temporary directory, with its writer and reader running, and somebody to talk to them."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import trio

from actors import Inbox, Intensity, Reply, SupervisorSpec, System, TaskContext, TaskSpec, ask, open_system
from server.metrics.counts import StoreCounts
from server.store.fencing import Fencing
from server.store.log_messages import Anchor, Anchored, Append, Draft, NewMessage, Outcome, Outcomes
from server.store.opening import Store
from server.store.questions import Done, Failed
from server.store.reader import run_reader
from server.store.room_messages import CreateRoom, LoadRoom, RoomCreated, RoomRecord
from server.store.sqlite_database import SqliteDatabase
from server.store.user_messages import AddToken, AddUser, Identity
from server.store.writer import run_writer

PATIENCE = 20.0
"""Seconds until a test gives up waiting."""


def database_file(store: Store) -> Path:
    """Where a store on SQLite has its database."""
    assert isinstance(store.database, SqliteDatabase)
    return store.database.directory.database


@contextmanager
def poison_refused(store: Store) -> Iterator[None]:
    """Meanwhile the database has something against entries whose text is `poison`."""
    if isinstance(store.database, SqliteDatabase):
        begin = (
            "CREATE TRIGGER poison BEFORE INSERT ON entries WHEN new.text = 'poison' BEGIN SELECT RAISE(ABORT, ''); "
        )
        begin, end = begin + "END", "DROP TRIGGER poison"
    else:
        begin = "ALTER TABLE entries ADD CONSTRAINT poison CHECK (text <> 'poison') NOT VALID"
        end = "ALTER TABLE entries DROP CONSTRAINT poison"
    with store.writing.begin() as connection:
        connection.exec_driver_sql(begin)
    yield
    with store.writing.begin() as connection:
        connection.exec_driver_sql(end)


class Ear:
    """Hears answers as a room's address would, and can be waited for."""

    def __init__(self) -> None:
        self.heard: list[object] = []
        self._changed = trio.Event()

    def answer(self, message: object) -> bool:
        self.heard.append(message)
        self._changed.set()
        self._changed = trio.Event()
        return True

    @property
    def outcomes(self) -> list[Outcome]:
        return [outcome for batch in self.heard if isinstance(batch, Outcomes) for outcome in batch.outcomes]

    async def until(self, enough: Callable[[], bool]) -> None:
        with trio.fail_after(PATIENCE):
            while not enough():
                await self._changed.wait()

    async def outcomes_of(self, count: int) -> list[Outcome]:
        await self.until(lambda: len(self.outcomes) >= count)
        return self.outcomes


class Room:
    """A room's side of the conversation with the writer: one lineage, one ear."""

    def __init__(self, desk: Desk, room: str, lineage: int, base: int) -> None:
        self.desk = desk
        self.room = room
        self.lineage = lineage
        self.base = base
        self.ear = Ear()
        self._refs = itertools.count(1)

    def append(self, draft: Draft) -> int:
        ref = next(self._refs)
        self.desk.writes.tell(Append(self.room, self.lineage, self.base, ref, draft, self.ear))
        return ref

    def say(self, author: str, nonce: str, text: str = "hello", reply_to: int | None = None) -> int:
        return self.append(NewMessage(author, nonce, text, reply_to))

    async def said(self, author: str, nonce: str, text: str = "hello") -> Outcome:
        so_far = len(self.ear.outcomes)
        self.say(author, nonce, text)
        return (await self.ear.outcomes_of(so_far + 1))[-1]


class Desk:
    """Both inboxes of a store whose tasks run."""

    def __init__(self, store: Store, writes: Inbox, reads: Inbox) -> None:
        self.store = store
        self.writes = writes
        self.reads = reads
        self.system: System | None = None
        self.now = 1_750_000_000_000
        self.crashing = False
        self.counts = StoreCounts()
        self._count = itertools.count(1)

    def clock(self) -> int:
        if self.crashing:
            self.crashing = False
            raise RuntimeError("forced by the test")
        return self.now

    async def write(self, question: type[Any], /, **fields: object) -> Any:
        return await self._asked(self.writes, question, fields)

    async def read(self, question: type[Any], /, **fields: object) -> Any:
        return await self._asked(self.reads, question, fields)

    async def user(self, name: str) -> str:
        added = await self.write(AddUser, name=name, display_name=None, password_hash="hash")
        return str(added.user)

    async def identity(self, user: str, token_hash: bytes, device: str | None = None) -> Identity:
        identity = await self.write(AddToken, user=user, token_hash=token_hash, device=device)
        assert isinstance(identity, Identity)
        return identity

    async def created(self, creator: str, *others: str, kind: str = "group", name: str | None = "Friends") -> str:
        nonce = f"create {next(self._count)}"
        made = await self.write(CreateRoom, creator=creator, kind=kind, name=name, members=others, nonce=nonce)
        assert isinstance(made, RoomCreated)
        return made.room

    async def anchored(self, room: str) -> Room:
        anchored = await self.write(Anchor, room=room)
        assert isinstance(anchored, Anchored)
        record = await self.read(LoadRoom, room=room)
        assert isinstance(record, RoomRecord)
        return Room(self, room, anchored.lineage, record.last_seq)

    async def _asked(self, inbox: Inbox, question: type[Any], fields: dict[str, object]) -> object:
        def build(reply: Reply[object]) -> object:
            return question(reply_to=reply, **fields)

        match await ask(inbox, build, PATIENCE):
            case Done(_, value):
                return value
            case Failed(_, refusal):
                raise refusal
            case other:
                raise AssertionError(other)


@asynccontextmanager
async def serving(store: Store, fencing: Fencing | None = None) -> AsyncIterator[Desk]:
    desk = Desk(store, Inbox(10_000), Inbox(10_000))

    async def write(context: TaskContext) -> None:
        await run_writer(context, store, desk.writes, desk.clock, desk.counts, fencing)

    async def read(context: TaskContext) -> None:
        await run_reader(context, store, desk.reads, lambda: desk.now, token_days=90, counts=desk.counts)

    tasks = [TaskSpec("writer", write), TaskSpec("reader", read)]
    async with open_system(SupervisorSpec("store", tasks, intensity=Intensity(10, 60.0))) as system:
        desk.system = system
        yield desk
