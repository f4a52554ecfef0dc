"""Two people in a room, and what they have said there, in a real database."""

from __future__ import annotations

import itertools
from typing import Any

from server.protocol.objects import Message
from server.protocol.objects import Room as RoomSeen
from server.store.history_messages import ReadHistory, ReadLog
from server.store.log_messages import Draft, Landed, NewMessage, Outcome
from server.store.room_messages import ListRooms
from tests.store.desk import Desk, Room

_nonces = itertools.count()


class Talk:
    """A group of two, ann and bob, who have joined by the entries 1 and 2."""

    def __init__(self, desk: Desk, ann: str, bob: str, room: Room) -> None:
        self.desk, self.ann, self.bob, self.room = desk, ann, bob, room

    async def said(self, text: str, author: str | None = None, nonce: str = "", **fields: Any) -> int:
        draft = NewMessage(author or self.ann, nonce or f"n{next(_nonces)}", text, **fields)
        [outcome] = await self.changed(draft)
        assert isinstance(outcome, Landed)
        assert outcome.seq is not None
        return outcome.seq

    async def changed(self, *changes: Draft) -> list[Outcome]:
        before = len(self.room.ear.outcomes)
        for change in changes:
            self.room.append(change)
        return (await self.room.ear.outcomes_of(before + len(changes)))[before:]

    async def history(self, reader: str = "") -> dict[int, Message]:
        page = await self.desk.read(ReadHistory, room=self.room.room, reader=reader, upto=2**40, limit=200)
        return {message.seq: message for message in page.messages}

    async def log(self, after: int = 2) -> list[Any]:
        page = await self.desk.read(ReadLog, room=self.room.room, after=after, upto=2**40, limit=500)
        return list(page.entries)

    async def unread(self, user: str) -> int:
        return (await self.seen_by(user)).unread

    async def seen_by(self, user: str) -> RoomSeen:
        rooms = (await self.desk.read(ListRooms, user=user)).rooms
        [seen] = [room for room in rooms if room.room == self.room.room]
        assert isinstance(seen, RoomSeen)
        return seen


async def talk(desk: Desk) -> Talk:
    ann, bob = await desk.user("ann"), await desk.user("bob")
    return Talk(desk, ann, bob, await desk.anchored(await desk.created(ann, bob)))
