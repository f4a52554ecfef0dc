"""What a client says of how far its user has received and read: a mixin of `Client`."""

from __future__ import annotations

from typing import Protocol

from server.protocol.account_commands import PresenceStatus, SetPresence, Settings
from server.protocol.attention_commands import MarkUnread, Read, Received
from server.protocol.commands import AnyCommand
from server.protocol.objects import AccountSettings
from server.protocol.replies import Ok


class Marking(Protocol):
    """Each method raises a `Refusal` where the server says no. The user's other devices hear `ReadMark`."""

    async def _ask(self, command: AnyCommand) -> Ok: ...

    async def read(self, room: str, seq: int) -> None:
        """Everything up to `seq` was read by the person."""
        await self._ask(Read(room=room, seq=seq))

    async def received(self, room: str, seq: int) -> None:
        """Everything up to `seq` has reached the device."""
        await self._ask(Received(room=room, seq=seq))

    async def mark_unread(self, room: str, seq: int) -> None:
        """Everything from `seq` on is unread again, until it is read. Nobody else is told."""
        await self._ask(MarkUnread(room=room, seq=seq))

    async def settings(self, *, receipts: bool | None = None) -> AccountSettings:
        """Change what is given of the account's settings; all of them."""
        settings = (await self._ask(Settings(receipts=receipts))).settings
        assert settings is not None, "the server says so"
        return settings

    async def presence(
        self, status: PresenceStatus, *, text: str | None = None, emoji: str | None = None
    ) -> AccountSettings:
        """Say how one is to be shown: `away` of this device, everything else of the account. Empty texts are none."""
        settings = (await self._ask(SetPresence(status=status, text=text, emoji=emoji))).settings
        assert settings is not None, "the server says so"
        return settings
