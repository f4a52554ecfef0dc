"""What a client asks to find what was said, and channels to say it in: a mixin of `Client`."""

from __future__ import annotations

from typing import Protocol

from clients.answers import ChannelsPage, HitsPage
from server.protocol.commands import AnyCommand
from server.protocol.page_commands import Search
from server.protocol.replies import Ok
from server.protocol.room_commands import Channels


class Searching(Protocol):
    """Each method raises a `Refusal` where the server says no."""

    async def _ask(self, command: AnyCommand) -> Ok: ...

    async def search(
        self,
        query: str,
        *,
        room: str | None = None,
        author: str | None = None,
        after: str | None = None,
        before: str | None = None,
        limit: int = 20,
        next: str | None = None,
    ) -> HitsPage:
        """Messages that have all words of `query`, the newest first. `after`, `before`: RFC 3339, or dates."""
        command = Search(
            query=query, room=room, from_=author, after=after, before=before, limit=limit, next=next
        )  # fmt: skip
        ok = await self._ask(command)
        return HitsPage(ok.hits or [], ok.next)

    async def channels(self, query: str | None = None, *, limit: int = 50, next: str | None = None) -> ChannelsPage:
        """Channels that one may join, by name; or those that `query` finds in name or topic, the best first."""
        ok = await self._ask(Channels(query=query, limit=limit, next=next))
        return ChannelsPage(ok.channels or [], ok.next)
