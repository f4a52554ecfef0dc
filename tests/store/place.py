"""A room in a real store, with somebody in it and somebody outside: for tests of what becomes of rooms."""

from __future__ import annotations

from typing import cast

from server.protocol.objects import RoomInfo
from server.store.history_messages import LogPage, ReadLog
from server.store.log_messages import Draft, Outcome
from server.store.room_messages import LoadRoom, RoomRecord
from tests.store.desk import Desk, Room


class Place:
    """A room of Ann's with Bob in it, and Eve outside."""

    def __init__(self, desk: Desk, ann: str, bob: str, eve: str, room: Room) -> None:
        self.desk, self.ann, self.bob, self.eve, self.room = desk, ann, bob, eve, room

    def info(self, name: str = "friends", topic: str | None = None) -> RoomInfo:
        return RoomInfo(room=self.room.room, kind="channel", name=name, topic=topic)

    async def lands(self, *drafts: Draft) -> list[Outcome]:
        """Told together."""
        before = len(self.room.ear.outcomes)
        for draft in drafts:
            self.room.append(draft)
        return (await self.room.ear.outcomes_of(before + len(drafts)))[before:]

    async def record(self) -> RoomRecord:
        record = await self.desk.read(LoadRoom, room=self.room.room)
        assert isinstance(record, RoomRecord)
        return record

    async def last_entry(self) -> object:
        upto = (await self.record()).last_seq
        page = await self.desk.read(ReadLog, room=self.room.room, after=upto - 1, upto=upto, limit=1)
        return cast("LogPage", page).entries[0]
