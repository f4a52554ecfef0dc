"""What a client says to make rooms, come and go, and see who is in them: a mixin of `Client`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from clients.answers import MembersPage, given
from clients.talking import new_nonce
from server.protocol.commands import AnyCommand
from server.protocol.invite_commands import Invite
from server.protocol.objects import Room, RoomKind
from server.protocol.replies import Ok
from server.protocol.room_commands import CreateRoom, Join, Leave, Members, Rooms


class Joining(Protocol):
    """Each method raises a `Refusal` where the server says no."""

    async def _ask(self, command: AnyCommand) -> Ok: ...

    async def create_room(self, kind: RoomKind, name: str | None = None, members: Sequence[str] = ()) -> Room:
        """A new room; for a `dm` with someone there is one with already, that one."""
        ok = await self._ask(CreateRoom(kind=kind, nonce=new_nonce(), name=name, members=list(members)))
        return given(ok.info)

    async def join(self, room: str | None = None, *, name: str | None = None) -> Room:
        """Join a channel by its id or its name."""
        return given((await self._ask(Join(room=room, name=name))).info)

    async def leave(self, room: str) -> None:
        await self._ask(Leave(room=room))

    async def invite(self, room: str, user: str) -> None:
        """Make `user` (id or name) a member."""
        await self._ask(Invite(room=room, user=user))

    async def members(self, room: str, limit: int = 100, next: str | None = None) -> MembersPage:
        ok = await self._ask(Members(room=room, limit=limit, next=next))
        return MembersPage(given(ok.members), ok.next)

    async def rooms(self) -> Sequence[Room]:
        return given((await self._ask(Rooms())).rooms)
