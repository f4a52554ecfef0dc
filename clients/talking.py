"""What a client says in a room, and how it reads what was said there: a mixin of `Client`."""

from __future__ import annotations

import secrets
from typing import Protocol

from clients.answers import HistoryPage, LogPage, Posted, given
from server.protocol.commands import AnyCommand
from server.protocol.message_commands import Delete, Edit, Post, React
from server.protocol.page_commands import History, Log
from server.protocol.replies import Ok


def new_nonce() -> str:
    """A nonce for one post: 128 random bits (docs/protocol.md asks for 64 at least)."""
    return secrets.token_urlsafe(16)


class Talking(Protocol):
    """Each method raises a `Refusal` where the server says no."""

    async def _ask(self, command: AnyCommand, within: float | None = None) -> Ok: ...

    async def post(
        self, room: str, text: str, *, nonce: str | None = None, reply_to: int | None = None, thread: int | None = None
    ) -> Posted:
        """Post, and return once it is on disk. Sent again after every loss and every refusal "for now".

        Cancelled, it is not sent again; whether it was stored a repetition with the same nonce will tell.
        """
        nonce = nonce or new_nonce()
        post = Post(room=room, nonce=nonce, text=text, reply_to=reply_to, thread=thread)
        ok = await self._ask(post, float("inf"))
        return Posted(given(ok.seq), given(ok.at), bool(ok.duplicate), nonce)

    async def edit(self, room: str, target: int, text: str) -> None:
        """Change the text of a message of one's own."""
        await self._ask(Edit(room=room, target=target, text=text))

    async def delete(self, room: str, target: int) -> None:
        """Take a message away, for everybody."""
        await self._ask(Delete(room=room, target=target))

    async def react(self, room: str, target: int, emoji: str, *, on: bool = True) -> None:
        """React to a message, or, with `on=False`, no more."""
        await self._ask(React(room=room, target=target, emoji=emoji, on=on))

    async def history(
        self, room: str, *, before: int | None = None, after: int | None = None, limit: int = 50
    ) -> HistoryPage:
        """Messages in their present state; with neither bound the newest."""
        ok = await self._ask(History(room=room, before=before, after=after, limit=limit))
        return HistoryPage(given(ok.messages), bool(ok.more), ok.to or 0)

    async def log(self, room: str, after: int, limit: int = 500) -> LogPage:
        ok = await self._ask(Log(room=room, after=after, limit=limit))
        return LogPage(given(ok.entries), bool(ok.more))
