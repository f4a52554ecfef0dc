"""Deleted people, on every database: what the one transaction does, and what is left to do after it."""

from __future__ import annotations

import pytest

from server.protocol.errors import ErrorCode, Refusal
from server.store.account_messages import (
    DeleteUser,
    Departure,
    EndDeparture,
    FindHeir,
    ForgetMember,
    ReadDepartures,
)
from server.store.leaving import NAME_RETIRED_DAYS
from server.store.room_messages import CreateRoom, ReadMembers
from server.store.user_messages import AddToken, FindCredentials, FindUser
from tests.store.desk import Desk

DAY = 86_400_000


async def room(desk: Desk, creator: str, kind: str, *members: str) -> str:
    made = await desk.write(CreateRoom, creator=creator, kind=kind, name=kind, members=members, nonce=kind)
    return str(made.room)


async def code_of(desk: Desk, question: type, **fields: object) -> ErrorCode:
    with pytest.raises(Refusal) as refusal:
        await desk.write(question, **fields)
    return refusal.value.code


async def test_a_deleted_user_is_nobody_and_signed_out(desk: Desk) -> None:
    ann = await desk.user("ann")
    session = (await desk.identity(ann, b"1" * 32, "phone")).session
    assert await code_of(desk, DeleteUser, user=ann, known_hash="another") is ErrorCode.BAD_CREDENTIALS
    assert (await desk.write(DeleteUser, user=ann, known_hash="hash")).sessions == (session,)
    assert await desk.read(FindCredentials, name="ann") is None
    assert await desk.read(FindUser, who=ann) is None
    assert await code_of(desk, AddToken, user=ann, token_hash=b"2" * 32, device=None) is ErrorCode.NO_SUCH_USER
    assert await code_of(desk, DeleteUser, user=ann, known_hash=None) is ErrorCode.NO_SUCH_USER
    assert await code_of(desk, DeleteUser, user="u_nobody", known_hash=None) is ErrorCode.NO_SUCH_USER


async def test_a_name_is_nobodys_for_a_while_and_then_anybodys(desk: Desk) -> None:
    await desk.write(DeleteUser, user=await desk.user("ann"), known_hash=None)
    desk.now += NAME_RETIRED_DAYS * DAY - 1
    with pytest.raises(Refusal) as refusal:
        await desk.user("ann")
    assert refusal.value.code is ErrorCode.NAME_TAKEN
    desk.now += 1
    again = await desk.user("ann")
    await desk.write(DeleteUser, user=again, known_hash=None)


async def test_what_is_left_to_do_is_there_until_it_is_done(desk: Desk) -> None:
    ann, bob = await desk.user("ann"), await desk.user("bob")
    group, talk = await room(desk, ann, "group", bob), await room(desk, ann, "dm", bob)
    await desk.write(DeleteUser, user=ann, known_hash=None)
    left = await desk.read(ReadDepartures, limit=10)
    assert set(left) == {Departure(ann, group, "group"), Departure(ann, talk, "dm")}
    assert await desk.write(EndDeparture, user=ann) is False
    for _ in range(2):
        assert await desk.write(ForgetMember, user=ann, room=talk) is True
    assert await desk.read(ReadDepartures, limit=10) == (Departure(ann, group, "group"),)
    assert await desk.write(ForgetMember, user=ann, room=group) is True
    assert await desk.read(ReadDepartures, limit=10) == (Departure(ann, None, None),)
    for _ in range(2):
        assert await desk.write(EndDeparture, user=ann) is True
    assert await desk.read(ReadDepartures, limit=10) == ()
    page = await desk.read(ReadMembers, room=talk, limit=1, next=None)
    rest = await desk.read(ReadMembers, room=talk, limit=1, next=page.next)
    assert {member.user.user for one in (page, rest) for member in one.members} == {ann, bob}


async def test_the_name_of_somebody_who_is_there_is_not_forgotten(desk: Desk) -> None:
    ann, bob = await desk.user("ann"), await desk.user("bob")
    talk = await room(desk, ann, "dm", bob)
    await desk.write(ForgetMember, user=ann, room=talk)
    page = await desk.read(ReadMembers, room=talk, limit=1, next=None)
    assert page.next == "ann"


async def test_the_heir_is_whoever_has_the_highest_role_and_was_there_first(desk: Desk) -> None:
    ann, bob, cleo = [await desk.user(name) for name in ("ann", "bob", "cleo")]
    group = await room(desk, ann, "group", bob, cleo)
    assert await desk.read(FindHeir, room=group, but=ann) == min(bob, cleo)
    assert await desk.read(FindHeir, room=group, but=bob) == ann
    await desk.write(DeleteUser, user=min(bob, cleo), known_hash=None)
    assert await desk.read(FindHeir, room=group, but=ann) == max(bob, cleo)
    assert await desk.read(FindHeir, room=await room(desk, ann, "channel"), but=ann) is None
