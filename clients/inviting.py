"""What a client says about who comes into rooms by a code, or because they ask: a mixin of `Client`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from clients.answers import given
from clients.talking import new_nonce
from server.protocol.commands import AnyCommand
from server.protocol.invite_commands import (
    Approve,
    CreateInvite,
    InviteInfo,
    Invites,
    JoinRequests,
    Refuse,
    RevokeInvite,
)
from server.protocol.objects import Invited, InviteLink, JoinRequest, Room
from server.protocol.replies import Ok
from server.protocol.room_commands import Join


class Inviting(Protocol):
    """Each method raises a `Refusal` where the server says no. Who may `approve` hears `AskedToJoin`."""

    async def _ask(self, command: AnyCommand) -> Ok: ...

    async def create_invite(
        self, room: str, *, uses: int | None = None, seconds: int | None = None, nonce: str | None = None
    ) -> str:
        """A code by which people come in: so many, and for so long; None: no limit. With the same `nonce`, and the same
        bounds, it is the same code."""
        wanted = CreateInvite(room=room, nonce=nonce or new_nonce(), uses=uses, seconds=seconds)
        return given((await self._ask(wanted)).invite)

    async def invites(self, room: str) -> Sequence[InviteLink]:
        """Those that are good, the oldest first."""
        return (await self._ask(Invites(room=room))).invites or ()

    async def revoke_invite(self, room: str, code: str) -> None:
        """Nobody comes by it any more."""
        await self._ask(RevokeInvite(room=room, invite=code))

    async def invite_info(self, code: str) -> Invited:
        """Where a code leads to."""
        return given((await self._ask(InviteInfo(invite=code))).invited)

    async def join_by_code(self, code: str) -> Room | None:
        """Come in by a code; None: the room wants to be asked, and has been. Then it says so by `Joined`, or never."""
        return (await self._ask(Join(invite=code))).info

    async def join_requests(self, room: str) -> Sequence[JoinRequest]:
        """Who asks to come in, the longest waiting first."""
        return (await self._ask(JoinRequests(room=room))).requests or ()

    async def approve(self, room: str, user: str) -> None:
        """Let in somebody who asks."""
        await self._ask(Approve(room=room, user=user))

    async def refuse(self, room: str, user: str) -> None:
        """Do not let in somebody who asks. They are not told."""
        await self._ask(Refuse(room=room, user=user))
