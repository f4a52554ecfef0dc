"""What people do with their own accounts, on every database."""

from __future__ import annotations

import pytest

from server.protocol.errors import ErrorCode, Refusal
from server.protocol.objects import User
from server.store.account_messages import ChangePassword, EndSessions, ListDevices, SetDisplayName
from server.store.user_messages import FindCredentials, Revocations
from tests.store.desk import Desk

DAY = 86_400_000


async def ann_with_devices(desk: Desk, *names: str) -> tuple[str, list[str]]:
    """Signed in on one after the other."""
    ann, sessions = await desk.user("ann"), []
    for number, name in enumerate(names, 1):
        desk.now += 1
        sessions.append((await desk.identity(ann, bytes([number]) * 32, name)).session)
    return ann, sessions


async def listed(desk: Desk, user: str, limit: int = 10) -> list[str | None]:
    return [row.name for row in await desk.read(ListDevices, user=user, limit=limit)]


async def test_the_devices_used_last_come_first_and_what_has_expired_is_none(desk: Desk) -> None:
    ann, _ = await ann_with_devices(desk, "old", "phone", "laptop")
    assert await listed(desk, ann) == ["laptop", "phone", "old"]
    assert await listed(desk, ann, limit=2) == ["laptop", "phone"]
    desk.now += 91 * DAY
    assert await listed(desk, ann) == []


async def test_one_session_ends_or_all_or_all_but_one(desk: Desk) -> None:
    ann, sessions = await ann_with_devices(desk, "a", "b", "c", "d")
    assert await desk.write(EndSessions, user=ann, only=sessions[0]) == Revocations((sessions[0],), desk.now)
    assert await desk.write(EndSessions, user=ann, only=sessions[0]) == Revocations((), desk.now)
    ended = await desk.write(EndSessions, user=ann, but=sessions[3])
    assert set(ended.sessions) == set(sessions[1:3])
    assert await listed(desk, ann) == ["d"]
    assert (await desk.write(EndSessions, user=ann)).sessions == (sessions[3],)
    assert (await desk.write(EndSessions, user=ann)).sessions == ()


async def test_nobody_ends_a_session_of_somebody_else(desk: Desk) -> None:
    ann, (session,) = await ann_with_devices(desk, "phone")
    bob = await desk.user("bob")
    with pytest.raises(Refusal) as refusal:
        await desk.write(EndSessions, user=bob, only=session)
    assert refusal.value.code is ErrorCode.NOT_FOUND
    assert (await desk.write(EndSessions, user=bob)).sessions == ()
    assert await listed(desk, ann) == ["phone"]


async def test_a_password_is_changed_by_who_knew_the_one_that_still_is(desk: Desk) -> None:
    ann, (phone, laptop) = await ann_with_devices(desk, "phone", "laptop")
    ended = await desk.write(ChangePassword, user=ann, known_hash="hash", password_hash="new", but=laptop)
    assert ended.sessions == (phone,)
    with pytest.raises(Refusal) as refusal:
        await desk.write(ChangePassword, user=ann, known_hash="hash", password_hash="newer", but=laptop)
    assert refusal.value.code is ErrorCode.BAD_CREDENTIALS
    assert (await desk.read(FindCredentials, name="ann")).password_hash == "new"
    assert await listed(desk, ann) == ["laptop"]


async def test_a_display_name_comes_and_goes(desk: Desk) -> None:
    ann = await desk.user("ann")
    for name in ("Ann B.", None):
        assert await desk.write(SetDisplayName, user=ann, display_name=name) == User(
            user=ann, name="ann", display_name=name
        )
    with pytest.raises(Refusal) as refusal:
        await desk.write(SetDisplayName, user="u_nobody", display_name="X")
    assert refusal.value.code is ErrorCode.NO_SUCH_USER
