"""The hashing task: right, wrong and unknown, and what a flood gets."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

import pytest

from actors import Inbox, SupervisorSpec, TaskSpec, open_system
from server.accounts.asking import answer_to
from server.accounts.messages import HashPassword, VerifyPassword
from server.accounts.passwords import run_hashing
from server.protocol.errors import ErrorCode, Refusal


@asynccontextmanager
async def hashing(limit: int = 10) -> AsyncIterator[Inbox]:
    inbox = Inbox(limit)
    async with open_system(SupervisorSpec("test", [TaskSpec("hashing", partial(run_hashing, inbox=inbox))])):
        yield inbox


async def hashed(inbox: Inbox, password: str) -> str:
    return await answer_to(inbox, lambda to: HashPassword(reply_to=to, password=password), str, 30)


async def matches(inbox: Inbox, password: str, password_hash: str | None) -> bool:
    return await answer_to(
        inbox, lambda to: VerifyPassword(reply_to=to, password=password, password_hash=password_hash), bool, 30
    )


async def test_a_password_matches_its_own_hash_and_no_other() -> None:
    async with hashing() as inbox:
        one, other = await hashed(inbox, "correct horse"), await hashed(inbox, "correct horse")
        assert one != other, "each has its own salt"
        assert await matches(inbox, "correct horse", one)
        assert not await matches(inbox, "correct horsf", one)


async def test_the_hash_costs_what_owasp_asks_for() -> None:
    async with hashing() as inbox:
        assert (await hashed(inbox, "correct horse")).startswith("$argon2id$v=19$m=19456,t=2,p=1$")


async def test_a_name_nobody_has_matches_nothing() -> None:
    async with hashing() as inbox:
        assert not await matches(inbox, "correct horse", None)


@pytest.mark.parametrize("broken", ["", "none", "$argon2id$v=19$m=1"])
async def test_a_broken_hash_matches_nothing_and_harms_nobody(broken: str) -> None:
    async with hashing() as inbox:
        assert not await matches(inbox, "correct horse", broken)
        assert await hashed(inbox, "correct horse")


async def test_two_keyboards_type_the_same_password() -> None:
    async with hashing() as inbox:
        composed = await hashed(inbox, "caf\u00e9 au lait")
        assert await matches(inbox, "cafe\u0301 au lait", composed)


async def test_a_full_queue_says_unavailable_at_once() -> None:
    inbox = Inbox(1)
    inbox.tell("something that waits")
    with pytest.raises(Refusal) as caught:
        await hashed(inbox, "correct horse")
    assert caught.value.code is ErrorCode.UNAVAILABLE
    assert caught.value.retry_after is not None
