"""From a name to a token, with and without somebody to ask."""

from __future__ import annotations

from collections import deque

import pytest
import trio

from clients.accounts import Account
from clients.terminal.screen import Lines
from clients.terminal.signing_in import CannotSignIn, Door, sign_in
from server.protocol.errors import ErrorCode, Refusal
from server.protocol.objects import User


class TypedScreen:
    """Somebody who answers what they are asked, or nobody."""

    def __init__(self, *answers: str, interactive: bool = True) -> None:
        self.answers = deque(answers)
        self.interactive = interactive
        self.shown: list[str] = []

    async def read_line(self) -> str | None:
        await trio.lowlevel.checkpoint()
        return self.answers.popleft() if self.answers else None

    async def ask_secret(self, question: str) -> str:
        await trio.lowlevel.checkpoint()
        self.shown.append(question)
        return self.answers.popleft()

    def show(self, *lines: str) -> None:
        self.shown += lines

    def unecho(self, line: str) -> None:
        pass


class Porter:
    """Knows who has which password."""

    def __init__(self, **passwords: str) -> None:
        self.passwords = passwords
        self.trouble: ErrorCode | None = None

    async def login(self, name: str, password: str) -> Account:
        await trio.lowlevel.checkpoint()
        if self.trouble is not None:
            raise Refusal(self.trouble, "later")
        if self.passwords.get(name) != password:
            raise Refusal(ErrorCode.BAD_CREDENTIALS, "no")
        return Account(User(user="u_1", name=name), f"token of {name}")

    async def register(self, name: str, password: str) -> Account:
        await trio.lowlevel.checkpoint()
        if name in self.passwords:
            raise Refusal(ErrorCode.NAME_TAKEN, "taken")
        self.passwords[name] = password
        return await self.login(name, password)

    def door(self, password: str | None = None, may_register: bool = False) -> Door:
        return Door(self.login, self.register, "ann", password, may_register)


async def test_a_known_name_with_its_password() -> None:
    assert await sign_in(Porter(ann="secret").door("secret"), TypedScreen(interactive=False)) == "token of ann"


async def test_the_password_is_asked_for() -> None:
    screen = TypedScreen("secret")
    assert await sign_in(Porter(ann="secret").door(), screen) == "token of ann"
    assert screen.shown == ["Password of ann: "]


async def test_nobody_can_be_asked_through_a_pipe() -> None:
    with pytest.raises(CannotSignIn, match="HUBBUB_PASSWORD"):
        await sign_in(Porter(ann="secret").door(), TypedScreen(interactive=False))


async def test_a_free_name_becomes_an_account_after_a_yes() -> None:
    porter = Porter()
    assert await sign_in(porter.door(), TypedScreen("secret", "y", "secret")) == "token of ann"
    assert porter.passwords == {"ann": "secret"}


async def test_a_free_name_becomes_no_account_after_anything_else() -> None:
    porter = Porter()
    for answer in ("", "n", "what?"):
        with pytest.raises(CannotSignIn, match="no account"):
            await sign_in(porter.door("secret"), TypedScreen(answer))
    with pytest.raises(CannotSignIn):
        await sign_in(porter.door("secret"), TypedScreen())
    assert porter.passwords == {}


async def test_register_needs_nobody_to_ask() -> None:
    porter = Porter()
    screen = TypedScreen(interactive=False)
    assert await sign_in(porter.door("secret", may_register=True), screen) == "token of ann"
    assert await sign_in(porter.door("secret", may_register=True), screen) == "token of ann"


async def test_two_different_passwords_make_no_account() -> None:
    porter = Porter()
    with pytest.raises(CannotSignIn, match="differ"):
        await sign_in(porter.door(may_register=True), TypedScreen("secret", "secert"))
    assert porter.passwords == {}


async def test_a_taken_name_with_another_password() -> None:
    with pytest.raises(CannotSignIn, match="taken"):
        await sign_in(Porter(ann="other").door("secret", may_register=True), TypedScreen(interactive=False))


async def test_a_server_that_refuses_for_another_reason_is_not_asked_for_an_account() -> None:
    porter = Porter()
    porter.trouble = ErrorCode.UNAVAILABLE
    with pytest.raises(CannotSignIn, match="later"):
        await sign_in(porter.door("secret", may_register=True), TypedScreen())
    assert porter.passwords == {}


# --- lines from a descriptor ---------------------------------------------------------------------------------


def read_from(*pieces: bytes) -> list[str]:
    lines = Lines()
    for piece in pieces:
        lines.feed(piece)
    found = []
    while (line := lines.next()) is not None:
        found.append(line)
    return found


@pytest.mark.parametrize(
    ("pieces", "found"),
    [
        ((b"one\ntwo\n", b""), ["one", "two"]),
        ((b"on", b"e\nt", b"wo", b""), ["one", "two"]),
        ((b"one\r\n", b""), ["one"]),
        ((b"\n\n", b""), ["", ""]),
        ((b"gr\xc3", b"\xbc\xc3\x9fe\n", b""), ["grüße"]),
        ((b"\xff\n", b""), ["\ufffd"]),
        ((b"",), []),
    ],
)
def test_bytes_become_lines(pieces: tuple[bytes, ...], found: list[str]) -> None:
    assert read_from(*pieces) == found


def test_a_line_without_end_is_cut() -> None:
    found = read_from(*[b"x" * 40_000] * 10, b"")
    assert len(found) > 1
    assert sum(map(len, found)) == 400_000
