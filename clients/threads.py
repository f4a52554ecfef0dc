"""What a client says about threads: a mixin of `Client`. A thread is named by the message that begins it."""

from __future__ import annotations

from typing import Protocol

from clients.answers import HistoryPage, ThreadsPage
from server.protocol.attention_commands import Read
from server.protocol.commands import AnyCommand
from server.protocol.page_commands import History, Threads
from server.protocol.replies import Ok


class InThreads(Protocol):
    """Each method raises a `Refusal` where the server says no. To post in a thread is `post` with `thread`."""

    async def _ask(self, command: AnyCommand) -> Ok: ...

    async def threads(self, room: str, *, before: int | None = None, limit: int = 50) -> ThreadsPage:
        """Those with the newest messages first. `before`: the `last_seq` of the last one of a page."""
        ok = await self._ask(Threads(room=room, before=before, limit=limit))
        return ThreadsPage(ok.threads or [], bool(ok.more))

    async def thread(
        self, room: str, thread: int, *, before: int | None = None, after: int | None = None, limit: int = 50
    ) -> HistoryPage:
        """The messages of one, as `history` gives those of the room."""
        ok = await self._ask(History(room=room, thread=thread, before=before, after=after, limit=limit))
        return HistoryPage(ok.messages or [], bool(ok.more), ok.to or 0)

    async def read_thread(self, room: str, thread: int, seq: int) -> None:
        """Everything in it up to `seq` was read by the person. All their devices hear `ThreadMark`, if that is new."""
        await self._ask(Read(room=room, seq=seq, thread=thread))
