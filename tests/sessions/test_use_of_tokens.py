"""What a session writes down of its token: that it is in use, at its end and where nobody did so lately."""

from __future__ import annotations

from server.sessions.environment import NOTED_FOR_MS
from server.store.opening import Store
from server.store.user_messages import FindIdentity, Identity
from tests.sessions.stage import Guest, Stage, staged


async def noted(stage: Stage) -> int:
    """When the use of the only token was, as far as the store knows behind everything that was told so far."""
    await stage.guest("somebody-later")
    found = await stage.desk.read(FindIdentity, token_hash=b"token 1")
    assert isinstance(found, Identity)
    return found.last_used


async def come_after(milliseconds: int, guest: Guest) -> int:
    """When that is then."""
    guest.stage.desk.now += milliseconds
    await guest.come()
    return guest.stage.desk.now


async def test_who_comes_back_within_the_hour_changes_nothing_in_the_store(store: Store) -> None:
    async with staged(store) as stage:
        ann = await stage.guest("ann")
        signed_in = stage.desk.now
        await come_after(NOTED_FOR_MS - 1, ann)
        assert await noted(stage) == signed_in


async def test_who_comes_back_later_is_written_down(store: Store) -> None:
    async with staged(store) as stage:
        came = await come_after(NOTED_FOR_MS, await stage.guest("ann"))
        assert await noted(stage) == came


async def test_the_end_of_a_session_is_written_down_however_short_it_was(store: Store) -> None:
    async with staged(store) as stage:
        ann = await stage.guest("ann")
        came = await come_after(0, ann)
        stage.desk.now += 1
        await ann.go()
        assert await noted(stage) == came + 1
