"""What a passive client says of what it looks at: a mixin of `Client`."""

from __future__ import annotations

from typing import Protocol

from server.protocol.commands import AnyCommand, Focus
from server.protocol.events import Ok


class Looking(Protocol):
    """It matters to a client that was opened as `passive`; every other one is given everything anyway."""

    async def _ask(self, command: AnyCommand) -> Ok: ...

    async def focus(self, room: str | None) -> None:
        """Look at this room now, and at no other; None: at none.

        Its entries come from here on, and before them those that came while nobody looked; or a `Missed` in their
        place, where these are too many.
        """
        await self._ask(Focus(room=room))
