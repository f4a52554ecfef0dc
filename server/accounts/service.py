"""Signing up, in and out, and whose token this is.

The rules:
- What costs little is checked before a password is hashed: the shape of a name, whether it is free, the throttle.
- A wrong name and a wrong password are one answer, and take the same time.
- Signing out ends the token first and the sockets after: a socket that comes back meanwhile finds no token.

Nobody is special: the first who signs up is a user like all others, and `hubbub admin` makes administrators.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import NoneType
from typing import NoReturn

from msgspec import Struct

from actors import Tell
from server.accounts.asking import answer_to
from server.accounts.messages import HashPassword, VerifyPassword
from server.accounts.revocations import OpenSessions, tell_revoked
from server.accounts.throttle import LoginThrottle
from server.accounts.tokens import new_token, token_hash
from server.accounts.usage import TokenUsage
from server.protocol.errors import ErrorCode, Refusal
from server.protocol.objects import User
from server.protocol.rules import check_display_name, check_password, check_user_name
from server.store.user_messages import (
    AddToken,
    AddUser,
    Credentials,
    FindCredentials,
    FindIdentity,
    FindUser,
    Identity,
    NoIdentity,
    Revocations,
    RevokeToken,
)


class SignedIn(Struct, frozen=True):
    """Who, and the token that says so. It is shown this once."""

    user: User
    token: str


@dataclass(frozen=True, slots=True)
class Accounts:
    """The accounts service.

    Parameters
    ----------
    writer, reader, hashing
        The inboxes of those tasks.
    sessions
        Where open sessions are found by name, to close them when their token ends.
    throttle
        Which logins may be tried now.
    usage
        Is told which tokens make calls.
    registration_open
        The setting; the store has a switch of its own beside it.
    seconds
        How long any one question may take.
    now
        Seconds of a clock that never steps back, for the throttle.
    """

    writer: Tell
    reader: Tell
    hashing: Tell
    sessions: OpenSessions
    throttle: LoginThrottle
    usage: TokenUsage
    registration_open: bool
    seconds: float
    now: Callable[[], float]

    async def register(
        self, name: str, password: str, display_name: str | None = None, device: str | None = None
    ) -> SignedIn:
        """A new user, signed in. Raises `Refusal`."""
        if not self.registration_open:
            raise Refusal(ErrorCode.REGISTRATION_CLOSED, "registration is closed on this server")
        check_user_name(name)
        check_password(password)
        if display_name is not None:
            check_display_name(display_name)
        _check_device(device)
        if await self._find(name) is not None:
            raise Refusal(ErrorCode.NAME_TAKEN, "this name is taken")
        hashed = await self.hashed(password)
        user = await answer_to(
            self.writer,
            lambda to: AddUser(reply_to=to, name=name, display_name=display_name, password_hash=hashed),
            User,
            self.seconds,
        )
        return await self._signed_in(user, device)

    async def login(self, name: str, password: str, device: str | None, address: str) -> SignedIn:
        """A token for one more device. `address` is where the try comes from. Raises `Refusal`."""
        _check_device(device)
        try:
            check_user_name(name)
            check_password(password)
        except Refusal:
            _bad_credentials()
        known = await self.authenticate(name, password, address)
        return await self._signed_in(known.user, device)

    async def authenticate(self, name: str, password: str, address: str) -> Credentials:
        """Who has this name and this password. A wrong one counts as a try from `address`. Raises `Refusal`."""
        wait = self.throttle.attempt(name, address, self.now())
        if wait is not None:
            raise Refusal(ErrorCode.RATE_LIMITED, "too many tries, please wait", round(wait * 1000) + 1)
        known = await self._checked(name, password, address)
        if known is None:
            _bad_credentials()
        self.throttle.give_back(name, address)
        return known

    async def logout(self, token: str) -> None:
        """The token ends, and its sockets close. Raises `Refusal` if it was none."""
        await self.identify(token)
        ended = await answer_to(
            self.writer,
            lambda to: RevokeToken(reply_to=to, token_hash=token_hash(token)),
            Revocations,
            self.seconds,
        )
        tell_revoked(self.sessions, ended.sessions)

    async def identify(self, token: str) -> Identity:
        """Whose token this is. Raises `Refusal`."""
        found = await answer_to(
            self.reader,
            lambda to: FindIdentity(reply_to=to, token_hash=token_hash(token)),
            (Identity, NoIdentity),
            self.seconds,
        )
        if isinstance(found, NoIdentity):
            raise Refusal(ErrorCode.BAD_TOKEN, "this token has ended" if found.revoked else "this is no token")
        self.usage.note(found.session)
        return found

    async def hashed(self, password: str) -> str:
        """What is stored of a password. Raises `Refusal`."""
        return await answer_to(self.hashing, lambda to: HashPassword(reply_to=to, password=password), str, self.seconds)

    async def _find(self, name: str) -> User | None:
        return await answer_to(self.reader, lambda to: FindUser(reply_to=to, who=name), (User, NoneType), self.seconds)

    async def _checked(self, name: str, password: str, address: str) -> Credentials | None:
        """Who that is; a try that nobody looked at does not count."""
        try:
            known = await answer_to(
                self.reader,
                lambda to: FindCredentials(reply_to=to, name=name),
                (Credentials, NoneType),
                self.seconds,
            )
            hashed = None if known is None else known.password_hash
            good = await answer_to(
                self.hashing,
                lambda to: VerifyPassword(reply_to=to, password=password, password_hash=hashed),
                bool,
                self.seconds,
            )
        except Refusal:
            self.throttle.give_back(name, address)
            raise
        return known if good else None

    async def _signed_in(self, user: User, device: str | None) -> SignedIn:
        token = new_token()
        await answer_to(
            self.writer,
            lambda to: AddToken(reply_to=to, user=user.user, token_hash=token_hash(token), device=device),
            Identity,
            self.seconds,
        )
        return SignedIn(user, token)


def _check_device(device: str | None) -> None:
    if device is not None:
        check_display_name(device, "device")


def _bad_credentials() -> NoReturn:
    raise Refusal(ErrorCode.BAD_CREDENTIALS, "no such name, or another password")
