"""Everything the server has of one person, as a zip of JSON files, for that person.

    account.json          who they are, and what they have chosen
    devices.json          where they are signed in
    blocked.json          whom they have blocked
    rooms.json            the rooms they are in, as they see them
    messages/<room>.json  what they said in each, as it is now

The rules:
- Memory is bounded however much somebody has said: a page of messages is read, compressed in a thread, and sent before
  the next one is read. A reader that is slow is waited for, and holds nothing up but its own export.
- It is no snapshot: what is said while it is made may be in it or not. No lock and no long transaction is worth that.
- One at a time for each person, and `AT_ONCE` in all, on each node.

Left out: what was said in rooms that were left since. Nothing leads from a person to these but a look at every entry of
every room, or an index that every post would have to keep up.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import contextmanager
from types import NoneType
from typing import Final

import msgspec
import trio
from msgspec import Struct

from actors import Tell
from server.accounts.archive import Archive
from server.accounts.asking import Asking, V, answer_to
from server.protocol.errors import ErrorCode, Refusal, unavailable
from server.protocol.objects import User
from server.protocol.times import rfc3339
from server.store.account_messages import (
    DeviceRow,
    FindAccount,
    ListBlocked,
    ListDevices,
    OwnAccount,
    OwnMessages,
    ReadOwnMessages,
)
from server.store.room_messages import ListRooms, RoomList

AT_ONCE: Final = 4
PAGE: Final = 500  # messages: 2 MB of text at the most
DEVICES: Final = 1_000
TRIES: Final = 10
"""Of a page; it is asked for again while the store is busy, because what was sent cannot be taken back."""
AGAIN_SECONDS: Final = 0.5

Write = Callable[[bytes], Awaitable[None]]


class Device(Struct, frozen=True, omit_defaults=True):
    """As the call that lists them shows it."""

    device: str
    created_at: str
    last_used: str
    name: str | None = None


class Exports:
    """Which exports are being made, and how.

    Parameters
    ----------
    reader
        The store's.
    seconds
        How long any one question may take.
    """

    __slots__ = ("_reader", "_seconds", "_threads", "_under_way")

    def __init__(self, reader: Tell, seconds: float) -> None:
        self._reader = reader
        self._seconds = seconds
        self._threads = trio.CapacityLimiter(1)
        self._under_way: set[str] = set()

    @contextmanager
    def place(self, user: str) -> Iterator[None]:
        """For one export of `user`. Raises `Refusal`: `rate_limited` beside another one of theirs, `unavailable`."""
        if user in self._under_way:
            raise Refusal(ErrorCode.RATE_LIMITED, "another export of yours is under way", 5_000)
        if len(self._under_way) >= AT_ONCE:
            raise unavailable(5_000)
        self._under_way.add(user)
        try:
            yield
        finally:
            self._under_way.discard(user)

    async def account(self, user: str) -> OwnAccount:
        """What an export begins with. Raises `Refusal`."""
        found = await answer_to(
            self._reader, lambda to: FindAccount(reply_to=to, user=user), (OwnAccount, NoneType), self._seconds
        )
        if found is None:
            raise Refusal(ErrorCode.NO_SUCH_USER, "no such user")
        return found

    async def make(self, account: OwnAccount, write: Write) -> None:
        """The archive, part by part. Raises `Refusal`, and whatever `write` does; then it is of no use."""
        user, archive = account.user, Archive()
        devices: tuple[DeviceRow, ...] = await self._answer(
            lambda to: ListDevices(reply_to=to, user=user, limit=DEVICES), tuple
        )
        blocked: tuple[User, ...] = await self._answer(lambda to: ListBlocked(reply_to=to, user=user), tuple)
        rooms = (await self._answer(lambda to: ListRooms(reply_to=to, user=user), RoomList)).rooms
        for name, value in (
            ("account.json", account),
            ("devices.json", [_shown(row) for row in devices]),
            ("blocked.json", blocked),
            ("rooms.json", rooms),
        ):
            archive.begin(name)
            await self._pass_on(archive, [msgspec.json.encode(value)], write)
        for room in rooms:
            await self._messages(archive, user, room.room, write)
        await write(await trio.to_thread.run_sync(archive.finish, limiter=self._threads))

    async def _messages(self, archive: Archive, user: str, room: str, write: Write) -> None:
        archive.begin(f"messages/{room}.json")
        begin = b"["
        after: str | None = ""
        while after is not None:
            page = await self._answer(_wants_page(user, room, after), OwnMessages)
            parts = [msgspec.json.encode(message) for message in page.messages]
            if parts:
                await self._pass_on(archive, [begin, b",\n".join(parts)], write)
                begin = b",\n"
            after = page.next
        await self._pass_on(archive, [b"[]" if begin == b"[" else b"]"], write)

    async def _pass_on(self, archive: Archive, parts: Iterable[bytes], write: Write) -> None:
        made = await trio.to_thread.run_sync(archive.write, b"".join(parts), limiter=self._threads)
        if made:
            await write(made)

    async def _answer(self, question: Asking, kind: type[V]) -> V:
        for _ in range(TRIES):
            try:
                return await answer_to(self._reader, question, kind, self._seconds)
            except Refusal as refusal:
                if refusal.code is not ErrorCode.UNAVAILABLE:
                    raise
            await trio.sleep(AGAIN_SECONDS)
        raise unavailable()


def _wants_page(user: str, room: str, after: str) -> Asking:
    return lambda to: ReadOwnMessages(reply_to=to, user=user, room=room, after=after, limit=PAGE)


def _shown(row: DeviceRow) -> Device:
    return Device(row.session, rfc3339(row.created_at), rfc3339(row.last_used), row.name)
