"""Signing up and in, against a server that answers, refuses, tears its answer in half or is none."""

from __future__ import annotations

import pytest
import trio
from trio.testing import MockClock

from clients.accounts import login, logout, register
from clients.http_call import LARGEST_BODY, CallFailed
from server.protocol.errors import ErrorCode, Refusal
from tests.clients.far_end import FarEnd, answer

URL = "http://chat.example"
GOOD = b'{"user":{"user":"u_A","name":"ann","display_name":"Ann"},"token":"t"}'


async def test_whoever_registers_holds_a_token(nursery: trio.Nursery) -> None:
    far = FarEnd(nursery, answer(201, GOOD))
    account = await register(URL, "ann", "longenough", device="laptop", connect=far.connect)
    assert (account.user.name, account.token) == ("ann", "t")
    assert far.request is not None
    assert (far.request.method, far.request.target) == (b"POST", b"/v1/register")
    assert far.body == b'{"name":"ann","password":"longenough","device":"laptop"}'


async def test_whoever_signs_in_holds_a_token(nursery: trio.Nursery) -> None:
    far = FarEnd(nursery, answer(200, GOOD))
    assert (await login(URL, "ann", "longenough", connect=far.connect)).token == "t"


async def test_whoever_signs_out_names_the_token(nursery: trio.Nursery) -> None:
    far = FarEnd(nursery, answer(204))
    await logout(URL, "t", connect=far.connect)
    assert far.request is not None
    assert dict(far.request.headers)[b"authorization"] == b"Bearer t"


async def test_a_refusal_has_its_code_its_text_and_its_time(nursery: trio.Nursery) -> None:
    body = b'{"error":{"code":"unavailable","message":"busy","retry_after":2000}}'
    far = FarEnd(nursery, answer(503, body))
    with pytest.raises(Refusal) as refusal:
        await login(URL, "ann", "longenough", connect=far.connect)
    assert (refusal.value.code, refusal.value.message) == (ErrorCode.UNAVAILABLE, "busy")
    assert refusal.value.retry_after == 2000


async def test_a_token_that_has_ended_cannot_be_ended_again(nursery: trio.Nursery) -> None:
    far = FarEnd(nursery, answer(401, b'{"error":{"code":"bad_token","message":"no such token"}}'))
    with pytest.raises(Refusal) as refusal:
        await logout(URL, "t", connect=far.connect)
    assert refusal.value.code is ErrorCode.BAD_TOKEN


async def test_a_word_in_between_is_not_the_answer(nursery: trio.Nursery) -> None:
    far = FarEnd(nursery, b"HTTP/1.1 103 Early Hints\r\n\r\n" + answer(200, GOOD))
    assert (await login(URL, "ann", "longenough", connect=far.connect)).token == "t"


@pytest.mark.parametrize(
    "reply",
    [
        answer(200, GOOD, length=len(GOOD) + 1),
        answer(200, b'{"user":{}}'),
        answer(200, b"<html>"),
        answer(502, b"<html>bad gateway"),
        answer(400, b'{"error":{"code":"no code of ours","message":""}}'),
        answer(200, b"x" * (LARGEST_BODY + 1)),
        b"SSH-2.0-OpenSSH\r\n",
        b"",
    ],
    ids=["torn", "no token", "no JSON", "a proxy", "unknown code", "too long", "no HTTP", "nothing"],
)
async def test_an_answer_that_is_none(nursery: trio.Nursery, reply: bytes) -> None:
    with pytest.raises(CallFailed):
        await login(URL, "ann", "longenough", connect=FarEnd(nursery, reply).connect)


async def test_a_server_that_says_nothing(nursery: trio.Nursery, autojump_clock: MockClock) -> None:
    with pytest.raises(CallFailed, match="no answer within 60 s"):
        await login(URL, "ann", "longenough", connect=FarEnd(nursery, None).connect)
    nursery.cancel_scope.cancel()


async def test_nobody_there() -> None:
    with trio.socket.socket() as free:
        await free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        with pytest.raises(CallFailed, match="Connection refused"):
            await login(f"http://127.0.0.1:{port}", "ann", "longenough")
