from __future__ import annotations

import pytest

from server.protocol.errors import ErrorCode, Refusal
from server.protocol.objects import User
from server.store.people import _in_one_go
from server.store.user_messages import (
    AddToken,
    AddUser,
    FindCredentials,
    FindIdentity,
    ListUsers,
    NoIdentity,
    Revocations,
    RevokeToken,
    SetAdministrator,
    SetPassword,
    SetRegistration,
    TouchTokens,
)
from tests.store.desk import Desk


async def refused(desk: Desk, question: type, **fields: object) -> ErrorCode:
    with pytest.raises(Refusal) as refusal:
        await desk.write(question, **fields)
    return refusal.value.code


async def test_a_name_is_taken_once(desk: Desk) -> None:
    added = await desk.write(AddUser, name="ann", display_name="Ann", password_hash="hash")
    assert added == User(user=added.user, name="ann", display_name="Ann")
    code = await refused(desk, AddUser, name="ann", display_name=None, password_hash="other")
    assert code is ErrorCode.NAME_TAKEN


async def test_two_who_want_the_same_name_in_one_batch(desk: Desk) -> None:
    from tests.store.desk import Ear

    ear = Ear()
    for ref in (1, 2):
        desk.writes.tell(AddUser(reply_to=ear, ref=ref, name="ann", display_name=None, password_hash="hash"))
    await ear.until(lambda: len(ear.heard) == 2)
    assert [type(answer).__name__ for answer in ear.heard] == ["Done", "Failed"]


async def test_closed_registration_lets_nobody_in_until_it_opens(desk: Desk) -> None:
    assert await desk.write(SetRegistration, open=False) is False
    code = await refused(desk, AddUser, name="ann", display_name=None, password_hash="hash")
    assert code is ErrorCode.REGISTRATION_CLOSED
    assert await desk.write(SetRegistration, open=True) is True
    await desk.user("ann")


async def test_a_token_needs_somebody_who_exists(desk: Desk) -> None:
    assert await refused(desk, AddToken, user="u_nobody", token_hash=b"h" * 32, device=None) is ErrorCode.NO_SUCH_USER


async def test_a_token_ends_once(desk: Desk) -> None:
    ann = await desk.user("ann")
    session = (await desk.identity(ann, b"h" * 32)).session
    assert await desk.write(RevokeToken, token_hash=b"h" * 32) == Revocations((session,), desk.now)
    assert await desk.write(RevokeToken, token_hash=b"h" * 32) == Revocations((), desk.now)
    assert await desk.write(RevokeToken, token_hash=b"?" * 32) == Revocations((), desk.now)


async def test_a_new_password_signs_all_devices_out(desk: Desk) -> None:
    ann, bob = await desk.user("ann"), await desk.user("bob")
    sessions = {(await desk.identity(ann, hash_)).session for hash_ in (b"1" * 32, b"2" * 32)}
    await desk.identity(bob, b"3" * 32)
    ended = await desk.write(SetPassword, name="ann", password_hash="new")
    assert set(ended.sessions) == sessions
    assert (await desk.read(FindCredentials, name="ann")).password_hash == "new"
    assert await desk.read(FindIdentity, token_hash=b"1" * 32) == NoIdentity(revoked=True)
    assert not isinstance(await desk.read(FindIdentity, token_hash=b"3" * 32), NoIdentity)
    assert (await desk.write(SetPassword, name="ann", password_hash="newer")).sessions == ()


async def test_an_administrator_is_made_and_unmade(desk: Desk) -> None:
    await desk.user("ann")
    for administrator in (True, False):
        assert (await desk.write(SetAdministrator, name="ann", administrator=administrator)).name == "ann"
        (row,) = await desk.read(ListUsers)
        assert row.administrator is administrator


async def test_nobody_of_that_name(desk: Desk) -> None:
    assert await refused(desk, SetPassword, name="nobody", password_hash="x") is ErrorCode.NO_SUCH_USER
    assert await refused(desk, SetAdministrator, name="nobody", administrator=True) is ErrorCode.NO_SUCH_USER


def test_a_crowd_that_is_cut_off_is_written_down_together() -> None:
    minute = 60_000
    touched = [TouchTokens((f"s_{number}",), minute + number) for number in range(1_000)]
    assert list(_in_one_go([*touched, TouchTokens(("s_0", "s_later"), 2 * minute)])) == [
        (minute + 999, [f"s_{number}" for number in range(1_000)]),
        (2 * minute, ["s_0", "s_later"]),
    ]
