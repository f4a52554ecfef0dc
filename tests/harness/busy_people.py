"""People who say and do all sorts of things in their rooms, and know afterwards what was acknowledged.

Each does one thing after the other, again and again until it is done, as clients do. What somebody does only they do:
their own messages, reactions, marks. So what must be so in the end is known without a model of who was faster.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from random import Random
from typing import Any, TypeVar

import trio

from clients.answers import NoAnswer
from clients.client import Client
from clients.happenings import LogEntry, Missed
from clients.http_call import CallFailed
from clients.timeline import Timeline
from server.protocol.entries import Deleted, Edited, Joined, Left, MessageEntry, Pinned, Reacted, RoomChanged
from server.protocol.errors import ErrorCode, Refusal
from server.protocol.events import Presence, Receipt
from server.protocol.objects import Message, Room
from server.protocol.replies import Welcome

T = TypeVar("T")

EMOJI = ("👍", "🎉")
WORDS = ("harvest", "plough", "orchard")
FOR_NOW = {ErrorCode.UNAVAILABLE, ErrorCode.RATE_LIMITED, ErrorCode.INTERNAL_ERROR}
"""The last of who crashed over an HTTP call."""


def expect(refusal: Refusal, *codes: ErrorCode) -> None:
    """It may be refused so, and in no other way."""
    if refusal.code not in codes:
        raise refusal


async def insisted(ask: Callable[[], Awaitable[T]]) -> T:
    """What it is answered at last. Raises what is refused for good."""
    while True:
        try:
            return await ask()
        except Refusal as refusal:
            if refusal.code not in FOR_NOW:
                raise
            await trio.sleep(0.02)
        except (NoAnswer, CallFailed, OSError):
            await trio.sleep(0.02)


@dataclass
class Doings:
    """What was acknowledged to somebody in one room.

    Attributes
    ----------
    said
        Their messages by `seq`; None: they have deleted it.
    nonces
        With which nonce each was posted.
    read, told
        How far they have read for themselves, and how far others may know.
    """

    said: dict[int, str | None] = field(default_factory=dict)
    nonces: dict[int, str] = field(default_factory=dict)
    reacted: dict[tuple[int, str], bool] = field(default_factory=dict)
    pinned: dict[int, bool] = field(default_factory=dict)
    threads: dict[int, int] = field(default_factory=dict)
    read: int = 0
    told: int = 0


class BusyPerson:
    """`client`: theirs. `rooms`: what they talk in. `names`: whom they mention."""

    def __init__(self, client: Client, rooms: Iterable[Room], names: Sequence[str], chance: Random) -> None:
        self.client = client
        self.user = client.me.user
        self.name = str(client.me.name)
        self.doings = {room.room: Doings(read=room.read_seq, told=room.read_seq) for room in rooms}
        self.rooms = tuple(self.doings)
        self.views = {room: Timeline(self.user) for room in self.rooms}
        self.heads: dict[str, int] = {}
        self.receipts: dict[tuple[str, str], int] = {}
        self.looks: dict[str, str] = {}
        self.left: set[str] = set()
        self.faults: list[str] = []
        self._names = names
        self._chance = chance
        self._count = 0

    # --- hearing ----------------------------------------------------------------------------------------------

    async def listen(self) -> None:
        async for event in self.client:
            match event:
                case Left():
                    self._heard_left(event)
                case MessageEntry() | Edited() | Deleted() | Reacted() | Pinned() | Joined() | RoomChanged():
                    self._heard(event)
                case Missed():
                    self.faults.append(f"{self.name} has missed {event}")
                case Welcome():
                    self.looks = {}
                case Receipt(room=room, user=user, read=int(read)):
                    self.receipts[room, user] = max(read, self.receipts.get((room, user), 0))
                case Presence(user=user, status=status):
                    self.looks[user] = status

    def _heard_left(self, left: Left) -> None:
        if left.user == self.user:
            self.heads.pop(left.room, None)
            self.left.add(left.room)
        elif left.seq is not None:
            self._heard(left)

    def _heard(self, entry: LogEntry) -> None:
        before = self.heads.get(entry.room)
        if before is not None and entry.seq != before + 1:
            self.faults.append(f"{self.name} hears {entry} behind {before}")
        assert entry.seq is not None
        self.heads[entry.room] = entry.seq
        if entry.room in self.views:
            self.views[entry.room].take(entry)

    # --- doing ------------------------------------------------------------------------------------------------

    async def be_busy(self, until: float, most: int, pause: float) -> None:
        for _ in range(most):
            if trio.current_time() >= until:
                return
            await self._do(self._chance.choice(self.rooms))
            await trio.sleep(self._chance.uniform(0.0, pause))

    async def _do(self, room: str) -> None:
        doings, chance = self.doings[room], self._chance
        there = [message for message in self.views[room] if not message.deleted]
        own = [seq for seq, text in doings.said.items() if text is not None]
        what = chance.choice(_OFTEN)
        if what == "edit" and own:
            await self._edit(room, chance.choice(own))
        elif what == "delete" and len(own) > 2:
            await self._delete(room, chance.choice(own))
        elif what == "react" and there:
            await self._react(room, chance.choice(there).seq)
        elif what == "pin" and own:
            await self._pin(room, chance.choice(own))
        elif what == "read" and there:
            await self.read(room, there[-1].seq)
        elif what == "mark_unread" and there:
            await self._mark_unread(room, chance.choice(there).seq)
        elif what == "read_thread" and (roots := [message.thread for message in there if message.thread]):
            await self._read_thread(room, chance.choice(roots), there[-1].seq)
        elif what == "look":
            await self._look(room)
        else:
            await self.post(room, there)

    def _text(self) -> str:
        self._count += 1
        called = self._chance.choice((*(f"@{name}" for name in self._names), "", "", ""))
        return f"{self._chance.choice(WORDS)} {self.name}{self._count} {called}"

    async def post(self, room: str, there: Sequence[Message] = ()) -> int:
        text, nonce = self._text(), f"{self.name} {self._count} {self._chance.random()}"
        answered = self._chance.choice([*there, None]) if there else None
        roots = [message for message in there if message.thread is None]
        root = self._chance.choice([*roots, *[None] * len(roots)]) if roots else None
        more: dict[str, Any] = {}
        if answered is not None:
            more["reply_to"] = answered.seq
        if root is not None:
            more["thread"] = root.seq
        try:
            posted = await self.client.post(room, text, nonce=nonce, **more)
        except Refusal as refusal:
            expect(refusal, ErrorCode.NO_SUCH_MESSAGE)
            posted = await self.client.post(room, text, nonce=f"{nonce} again")
        assert posted.seq not in self.doings[room].said, "a place was given twice"
        self.doings[room].said[posted.seq] = text
        self.doings[room].nonces[posted.seq] = posted.nonce
        return posted.seq

    async def _edit(self, room: str, seq: int) -> None:
        text = self._text()
        await insisted(lambda: self.client.edit(room, seq, text))
        self.doings[room].said[seq] = text

    async def _delete(self, room: str, seq: int) -> None:
        await insisted(lambda: self.client.delete(room, seq))
        self.doings[room].said[seq] = None

    async def _react(self, room: str, seq: int) -> None:
        emoji, on = self._chance.choice(EMOJI), self._chance.random() < 0.7
        try:
            await insisted(lambda: self.client.react(room, seq, emoji, on=on))
        except Refusal as refusal:
            expect(refusal, ErrorCode.NO_SUCH_MESSAGE)
        else:
            self.doings[room].reacted[seq, emoji] = on

    async def _pin(self, room: str, seq: int) -> None:
        on = self._chance.random() < 0.7
        try:
            await insisted(lambda: self.client.pin(room, seq, on=on))
        except Refusal as refusal:
            expect(refusal, ErrorCode.FORBIDDEN, ErrorCode.NO_SUCH_MESSAGE)
        else:
            self.doings[room].pinned[seq] = on

    async def read(self, room: str, seq: int) -> None:
        await insisted(lambda: self.client.read(room, seq))
        doings = self.doings[room]
        doings.read, doings.told = max(doings.read, seq), max(doings.told, seq)

    async def _mark_unread(self, room: str, seq: int) -> None:
        await insisted(lambda: self.client.mark_unread(room, seq))
        self.doings[room].read = min(self.doings[room].read, seq - 1)

    async def _read_thread(self, room: str, root: int, seq: int) -> None:
        try:
            await insisted(lambda: self.client.read_thread(room, root, seq))
        except Refusal as refusal:
            expect(refusal, ErrorCode.NO_SUCH_MESSAGE)
        else:
            threads = self.doings[room].threads
            threads[root] = max(threads.get(root, 0), seq)

    async def _look(self, room: str) -> None:
        looks: tuple[Callable[[], Awaitable[object]], ...] = (
            self.client.rooms,
            lambda: self.client.members(room),
            lambda: self.client.history(room),
            lambda: self.client.search(self._chance.choice(WORDS), room=room),
            lambda: self.client.threads(room),
            lambda: self.client.subscribe_presence(
                [message.from_.user for message in self.views[room]][:50] or [self.user]
            ),
        )
        await insisted(self._chance.choice(looks))

    # --- what must be so --------------------------------------------------------------------------------------

    async def known_rooms(self) -> dict[str, Room]:
        return {room.room: room for room in await insisted(self.client.rooms)}

    async def everything_of(self, room: str) -> list[Message]:
        found: list[Message] = []
        more = True
        while more:
            before = found[0].seq if found else None
            page = await insisted(partial(self.client.history, room, before=before, limit=200))
            found = [*page.messages, *found]
            more = page.more
        return found

    async def read_by_others(self, room: str) -> dict[str, int | None]:
        page = await insisted(lambda: self.client.members(room))
        return {member.user.user: member.read_seq for member in page.members}

    async def found(self, room: str, word: str) -> set[int]:
        """What a search finds; more pages than one, where there are."""
        page = await insisted(lambda: self.client.search(word, room=room, limit=50))
        hits = [*page.hits]
        while page.next is not None:
            follow = page.next
            page = await insisted(partial(self.client.search, word, room=room, limit=50, next=follow))
            hits += page.hits
        assert {hit.room for hit in hits} <= {room}
        return {hit.seq for hit in hits}


_OFTEN = (
    *("post",) * 6, *("read",) * 5, *("edit", "delete", "react", "react", "pin", "mark_unread", "read_thread", "look")
)  # fmt: skip
