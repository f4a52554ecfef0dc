"""What a client says to those who moderate rooms, and to nobody else: a mixin of `Client`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from server.protocol.commands import AnyCommand
from server.protocol.governing_commands import Audit, Ban, DeleteRoom, Kick, Mute, Rename, SetRights, SetRole, Unban
from server.protocol.objects import Act, Role, Trusted
from server.protocol.replies import Ok


class Governing(Protocol):
    """Each method raises a `Refusal` where the server says no; `forbidden` for who may not do this."""

    async def _ask(self, command: AnyCommand) -> Ok: ...

    async def kick(self, room: str, user: str, reason: str | None = None) -> None:
        """End the membership of `user` (id or name)."""
        await self._ask(Kick(room=room, user=user, reason=reason))

    async def ban(self, room: str, user: str, reason: str | None = None) -> None:
        """The same, and keep them out."""
        await self._ask(Ban(room=room, user=user, reason=reason))

    async def unban(self, room: str, user: str) -> None:
        """Let them come again."""
        await self._ask(Unban(room=room, user=user))

    async def set_role(self, room: str, user: str, role: Role) -> None:
        """To hand a room over: make somebody else an owner, and then yourself something else."""
        await self._ask(SetRole(room=room, user=user, role=role))

    async def rename(
        self, room: str, *, name: str | None = None, topic: str | None = None, icon: str | None = None
    ) -> None:
        """Another name, topic or icon (an emoji); an empty one is none."""
        await self._ask(Rename(room=room, name=name, topic=topic, icon=icon))

    async def set_rights(
        self, room: str, *, post: Role | None = None, invite: Trusted | None = None, mention_all: Trusted | None = None,
        pin: Trusted | None = None, slow: int | None = None, ttl: int | None = None, approval: bool | None = None,
    ) -> None:  # fmt: skip
        """Who may do what, by the lowest role that may; `slow`: seconds between two posts of a member, 0: none; `ttl`:
        seconds until what is posted from then on disappears, 0: it stays; `approval`: whether who comes by a code has
        to be let in."""
        wanted = SetRights(
            room=room, post=post, invite=invite, mention_all=mention_all, pin=pin, slow=slow, ttl=ttl,
            approval=approval,
        )  # fmt: skip
        await self._ask(wanted)

    async def audit(
        self, room: str, *, limit: int = 50, next: str | None = None
    ) -> tuple[Sequence[Act], str | None]:  # fmt: skip
        """Who has moderated the room, how, whom and why, the newest first; and what to ask for the next page with."""
        ok = await self._ask(Audit(room=room, limit=limit, next=next))
        return ok.acts or (), ok.next

    async def delete_room(self, room: str, reason: str | None = None) -> None:
        """For everybody, with its log. Said again, and by anybody, it is `no_such_room`."""
        await self._ask(DeleteRoom(room=room, reason=reason))

    async def mute(self, room: str, user: str | None = None, seconds: int | None = None) -> None:
        """Keep `user` from posting; None: everybody but moderators and owners. 0 seconds lift it, None have no end."""
        await self._ask(Mute(room=room, user=user, seconds=seconds))
