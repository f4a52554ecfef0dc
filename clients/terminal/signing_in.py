"""From a name to a token: the one kept from last time, or a password, or a new account.

The server does not say whether a name exists, so a password that does not fit may mean either: then the person is
asked whether this should become a new account, or `--register` has said so already.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from clients.accounts import Account
from clients.terminal.harmless import on_one_line
from clients.terminal.screen import Screen
from server.protocol.errors import ErrorCode, Refusal

PASSWORD_VARIABLE: Final = "HUBBUB_PASSWORD"  # noqa: S105 - the name of a variable


class CannotSignIn(Exception):
    """There is no token to be had; the message says why."""


@dataclass(frozen=True)
class Door:
    """How to get in: the two calls, bound to a server, and what the person said beforehand."""

    login: Callable[[str, str], Awaitable[Account]]
    register: Callable[[str, str], Awaitable[Account]]
    name: str
    password: str | None
    may_register: bool


async def sign_in(door: Door, screen: Screen) -> str:
    """A token for `door.name`.

    Raises
    ------
    CannotSignIn
        No password, a wrong one, or the server refuses.
    CallFailed
        The server cannot be reached.
    """
    password = await _password(door, screen)
    try:
        return (await door.login(door.name, password)).token
    except Refusal as refusal:
        if refusal.code is not ErrorCode.BAD_CREDENTIALS:
            raise CannotSignIn(on_one_line(refusal.message)) from None
    if not door.may_register and not await _wants_account(door, screen):
        raise CannotSignIn(f"no account {door.name!r} with this password (--register makes a new one)")
    return await _register(door, password, screen)


async def _password(door: Door, screen: Screen) -> str:
    if door.password is not None:
        return door.password
    if not screen.interactive:
        raise CannotSignIn(f"nobody can be asked for a password here: set {PASSWORD_VARIABLE}")
    return await screen.ask_secret(f"Password of {door.name}: ")


async def _wants_account(door: Door, screen: Screen) -> bool:
    if not screen.interactive:
        return False
    screen.show(f"There is no {door.name} with this password. Make a new account of that name? [y/N]")
    answer = await screen.read_line()
    return answer is not None and answer.strip().lower() in ("y", "yes")


async def _register(door: Door, password: str, screen: Screen) -> str:
    if door.password is None and await screen.ask_secret("The same password again: ") != password:
        raise CannotSignIn("the two passwords differ")
    try:
        account = await door.register(door.name, password)
    except Refusal as refusal:
        if refusal.code is ErrorCode.NAME_TAKEN:
            raise CannotSignIn(f"the name {door.name} is taken, and its password is another one") from None
        raise CannotSignIn(on_one_line(refusal.message)) from None
    screen.show(f"-- made the account {door.name}")
    return account.token
