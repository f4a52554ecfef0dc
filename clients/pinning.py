"""What a client says about pins: a mixin of `Client`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from server.protocol.commands import AnyCommand
from server.protocol.message_commands import Pin
from server.protocol.objects import PinnedMessage
from server.protocol.page_commands import Pins
from server.protocol.replies import Ok


class Pinning(Protocol):
    """Each method raises a `Refusal` where the server says no; `forbidden` for who may not do this."""

    async def _ask(self, command: AnyCommand) -> Ok: ...

    async def pin(self, room: str, target: int, *, on: bool = True) -> None:
        """Pin a message, or, with `on=False`, no more."""
        await self._ask(Pin(room=room, target=target, on=on))

    async def pins(self, room: str) -> Sequence[PinnedMessage]:
        """All of them, what was pinned last first."""
        found: list[PinnedMessage] = []
        more = True
        while more:
            ok = await self._ask(Pins(room=room, before=found[-1].seq if found else None))
            found += ok.pins or []
            more = bool(ok.more)
        return found
