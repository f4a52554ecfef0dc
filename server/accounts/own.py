"""What people do with their own accounts: their devices, their password, what they are called.

The rules:
- Whoever has a token may sign devices out and choose a display name; a new password, and the end of the account, take
  the present one, so that a device left open somewhere does not lose its owner the account. A wrong one counts as a try
  to log in.
- Tokens end in the store first, and then the sockets: here at once, on other nodes by their sweep (`revocations.py`).
- A display name is told to the person's own sessions and to nobody else: what they say from then on carries it, and so
  does whatever is read of them, old entries as well. An event to everybody they share a room with would be the
  largest fan-out of the server, for the least urgent of news.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from server.accounts.asking import Asking, answer_to
from server.accounts.revocations import tell_revoked
from server.accounts.service import Accounts
from server.protocol.errors import ErrorCode, Refusal
from server.protocol.objects import User
from server.protocol.rules import check_display_name, check_password, looks_like_id_or_name
from server.store.account_messages import (
    BlockChange,
    ChangePassword,
    DeleteUser,
    DeviceRow,
    EndSessions,
    ListBlocked,
    ListDevices,
    SetBlock,
    SetDisplayName,
)
from server.store.user_messages import Identity, Revocations

DEVICES_LISTED: Final = 200
"""Each login makes one, and a script may log in every minute; signing out everywhere reaches those not listed, too."""


@dataclass(frozen=True, slots=True)
class OwnAccounts:
    """The part of the accounts service that is for who is signed in.

    Parameters
    ----------
    accounts
        The other part.
    named
        Is told of users that are called differently now.
    deleted
        Is told that somebody was deleted, whose rooms are to be left.
    blocked
        Is told of people who were blocked, or are so no more.
    """

    accounts: Accounts
    named: Callable[[User], object]
    deleted: Callable[[], None]
    blocked: Callable[[BlockChange], None]

    async def devices(self, identity: Identity) -> tuple[DeviceRow, ...]:
        """Those used last, at most `DEVICES_LISTED`. Raises `Refusal`."""
        accounts = self.accounts
        return await answer_to(
            accounts.reader,
            lambda to: ListDevices(reply_to=to, user=identity.user.user, limit=DEVICES_LISTED),
            tuple,
            accounts.seconds,
        )

    async def sign_out(self, identity: Identity, device: str) -> None:
        """End the token of one device. Raises `Refusal`: `not_found` if it is none of theirs."""
        if not looks_like_id_or_name(device):
            raise Refusal(ErrorCode.NOT_FOUND, "you have no such device")
        await self._end(lambda to: EndSessions(reply_to=to, user=identity.user.user, only=device))

    async def sign_out_everywhere(self, identity: Identity, *, but_here: bool) -> None:
        """End all tokens, or all but the one that this is asked with. Raises `Refusal`."""
        but = identity.session if but_here else None
        await self._end(lambda to: EndSessions(reply_to=to, user=identity.user.user, but=but))

    async def change_password(
        self, identity: Identity, present: str, new: str, address: str, *, keeps_others: bool
    ) -> None:
        """Set the password, and sign all other devices out unless it `keeps_others`.

        `address` is where the try comes from. Raises `Refusal`: `bad_credentials`, `rate_limited`, `bad_request`.
        """
        check_password(new)
        known = await self.accounts.authenticate(identity.user.name or "", present, address)
        hashed = await self.accounts.hashed(new)
        await self._end(
            lambda to: ChangePassword(
                reply_to=to,
                user=identity.user.user,
                known_hash=known.password_hash,
                password_hash=hashed,
                but=identity.session,
                keeps_others=keeps_others,
            )
        )

    async def rename(self, identity: Identity, display_name: str | None) -> User:
        """Have another display name, or none. Raises `Refusal`."""
        if display_name is not None:
            check_display_name(display_name)
        accounts = self.accounts
        user = await answer_to(
            accounts.writer,
            lambda to: SetDisplayName(reply_to=to, user=identity.user.user, display_name=display_name),
            User,
            accounts.seconds,
        )
        self.named(user)
        return user

    async def block(self, identity: Identity, who: str, *, on: bool) -> None:
        """Block somebody, by name or id, or do so no more; what is so already is no error. Raises `Refusal`."""
        if not looks_like_id_or_name(who):
            raise Refusal(ErrorCode.NO_SUCH_USER, "no such user")
        accounts = self.accounts
        change = await answer_to(
            accounts.writer,
            lambda to: SetBlock(reply_to=to, user=identity.user.user, who=who, on=on),
            BlockChange,
            accounts.seconds,
        )
        self.blocked(change)

    async def blocked_people(self, identity: Identity) -> tuple[User, ...]:
        """By name. Raises `Refusal`."""
        accounts = self.accounts
        return await answer_to(
            accounts.reader, lambda to: ListBlocked(reply_to=to, user=identity.user.user), tuple, accounts.seconds
        )

    async def delete(self, identity: Identity, password: str, address: str) -> None:
        """The account is gone when this returns, and its rooms are left soon after.

        `address` is where the try comes from. Raises `Refusal`: `bad_credentials`, `rate_limited`.
        """
        known = await self.accounts.authenticate(identity.user.name or "", password, address)
        await self._end(lambda to: DeleteUser(reply_to=to, user=identity.user.user, known_hash=known.password_hash))
        self.deleted()

    async def _end(self, question: Asking) -> None:
        ended = await answer_to(self.accounts.writer, question, Revocations, self.accounts.seconds)
        tell_revoked(self.accounts.sessions, ended.sessions)
