"""What a client says of what it looks at, and wants to hear: a mixin of `Client`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from server.protocol.account_commands import SubscribePresence
from server.protocol.attention_commands import Attend, Focus
from server.protocol.commands import AnyCommand
from server.protocol.objects import Level
from server.protocol.replies import Ok


class Looking(Protocol):
    """`focus` matters to a client that was opened as `passive`; every other one is given everything anyway."""

    async def _ask(self, command: AnyCommand) -> Ok: ...

    async def focus(self, room: str | None) -> None:
        """Look at this room now, and at no other; None: at none.

        Its entries come from here on, and before them those that came while nobody looked; or a `Missed` in their
        place, where these are too many.
        """
        await self._ask(Focus(room=room))

    async def subscribe_presence(self, users: Sequence[str], *, on: bool = True) -> None:
        """Hear `Presence` of these people, by their ids; or no more. It ends with the connection: say it again then."""
        await self._ask(SubscribePresence(users=list(users), on=on))

    async def attend(self, room: str, level: Level) -> None:
        """What of this room the user wants to be called for, on all devices."""
        await self._ask(Attend(room=room, level=level))
