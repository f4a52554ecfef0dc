"""What a client asks to find what was said: a mixin of `Client`."""

from __future__ import annotations

from typing import Protocol

from clients.answers import HitsPage
from server.protocol.commands import AnyCommand
from server.protocol.page_commands import Search
from server.protocol.replies import Ok


class Searching(Protocol):
    """Raises a `Refusal` where the server says no."""

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
