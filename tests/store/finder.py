"""Rooms of people, in which things are said, indexed, and searched for."""

from __future__ import annotations

from typing import Any

from server.store.log_messages import Landed
from server.store.search_messages import Hits, Indexed, IndexTails, Search
from server.store.search_terms import terms_of
from tests.store.desk import Desk, Room


class Finder:
    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self._said = 0

    async def room(self, creator: str, *others: str, name: str = "Friends") -> Room:
        return await self.desk.anchored(await self.desk.created(creator, *others, name=name))

    async def said(self, room: Room, author: str, *texts: str) -> list[int]:
        places = []
        for text in texts:
            self._said += 1
            self.desk.now += 1_000
            outcome = await room.said(author, f"n{self._said}", text)
            assert isinstance(outcome, Landed)
            assert outcome.seq is not None
            places.append(outcome.seq)
        return places

    async def changed(self, room: Room, change: Any) -> None:
        before = len(room.ear.outcomes)
        room.append(change)
        outcome = (await room.ear.outcomes_of(before + 1))[-1]
        assert isinstance(outcome, Landed)

    async def indexed(self, *rooms: Room) -> int:
        """Until nothing is left; how many messages were."""
        left, messages = tuple(room.room for room in rooms), 0
        while left:
            done = await self.desk.write(IndexTails, rooms=left)
            assert isinstance(done, Indexed)
            left, messages = done.left, messages + done.messages
        return messages

    async def found(self, reader: str, query: str, **fields: Any) -> list[tuple[str, int]]:
        return [(hit.room, hit.seq) for hit in (await self.page(reader, query, **fields)).hits]

    async def page(self, reader: str, query: str, limit: int = 50, **fields: Any) -> Hits:
        hits = await self.desk.read(Search, reader=reader, terms=terms_of(query), limit=limit, **fields)
        assert isinstance(hits, Hits)
        return hits

    async def texts(self, reader: str, query: str, **fields: Any) -> list[str]:
        return [hit.snippet for hit in (await self.page(reader, query, **fields)).hits]
