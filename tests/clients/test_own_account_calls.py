"""The calls about one's own account: what is asked, what is read, and what is refused."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest
import trio

from clients.http_call import CallFailed
from clients.own_account import Device, OwnAccount
from server.protocol.errors import ErrorCode, Refusal
from server.protocol.objects import User
from tests.clients.far_end import FarEnd, answer

ANN = b'{"user":"u_A","name":"ann","display_name":"Ann"}'
PHONE = b'{"device":"s_1","created_at":"a","last_used":"b","current":true,"name":"phone"}'
Call = Callable[[OwnAccount], Awaitable[object]]


def account(far: FarEnd) -> OwnAccount:
    return OwnAccount("http://chat.example", "t", connect=far.connect)


@pytest.mark.parametrize(
    ("call", "asked", "body"),
    [
        (lambda own: own.change_password("old", "new"), "POST /v1/password",
         b'{"password":"old","new_password":"new","keep_devices":false}'),
        (lambda own: own.delete("old"), "POST /v1/me/delete", b'{"password":"old"}'),
        (lambda own: own.sign_out("s/1"), "DELETE /v1/devices/s%2F1", b""),
        (lambda own: own.sign_out_everywhere(), "DELETE /v1/devices", b""),
        (lambda own: own.sign_out_everywhere(keep_this=True), "DELETE /v1/devices?keep_this=true", b""),
        (lambda own: own.block("bob"), "PUT /v1/blocks/bob", b""),
        (lambda own: own.unblock("../x"), "DELETE /v1/blocks/..%2Fx", b""),
    ],
)  # fmt: skip
async def test_each_asks_for_what_it_says_with_the_token(
    nursery: trio.Nursery, call: Call, asked: str, body: bytes
) -> None:
    far = FarEnd(nursery, answer(204))
    assert await call(account(far)) is None
    assert far.request is not None
    assert f"{far.request.method.decode()} {far.request.target.decode()}" == asked
    assert dict(far.request.headers)[b"authorization"] == b"Bearer t"
    assert far.body == body


@pytest.mark.parametrize(
    ("call", "reply", "read"),
    [
        (lambda own: own.me(), ANN, User(user="u_A", name="ann", display_name="Ann")),
        (lambda own: own.rename("Ann"), ANN, User(user="u_A", name="ann", display_name="Ann")),
        (lambda own: own.blocked(), b'{"blocked":[]}', ()),
        (lambda own: own.devices(), b'{"devices":[%s]}' % PHONE, (Device("s_1", "a", "b", True, "phone"),)),
        (lambda own: own.export(), b"PK...", b"PK..."),
    ],
)  # fmt: skip
async def test_each_reads_what_it_is_answered(nursery: trio.Nursery, call: Call, reply: bytes, read: object) -> None:
    assert await call(account(FarEnd(nursery, answer(200, reply)))) == read


async def test_a_refusal_has_its_code(nursery: trio.Nursery) -> None:
    far = FarEnd(nursery, answer(401, b'{"error":{"code":"bad_credentials","message":"no"}}'))
    with pytest.raises(Refusal) as refusal:
        await account(far).delete("wrong")
    assert refusal.value.code is ErrorCode.BAD_CREDENTIALS


@pytest.mark.parametrize("reply", [answer(200, b"{}"), answer(200, b"<html>"), answer(502, b"<html>"), b""])
async def test_an_answer_that_says_nothing_of_devices_is_none(nursery: trio.Nursery, reply: bytes) -> None:
    with pytest.raises(CallFailed):
        await account(FarEnd(nursery, reply)).devices()


@pytest.mark.parametrize("reply", [answer(200, b"PK" * 6), answer(200, b"PK", length=3)], ids=["too large", "torn"])
async def test_an_export_is_whole_or_none(nursery: trio.Nursery, reply: bytes) -> None:
    with pytest.raises(CallFailed):
        await account(FarEnd(nursery, reply)).export(largest=10)
