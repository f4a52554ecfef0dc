"""How many connections a user may have: over all devices, in whatever order they come and go."""

from __future__ import annotations

from server.protocol.closing import CloseCode
from server.sessions.messages import Open
from server.sessions.tabs import connections_of
from server.store.opening import Store
from tests.sessions.stage import Guest, Stage, staged


async def a_tab_of(device: Guest) -> Guest:
    """One more connection of the same session."""
    tab = Guest(device.stage, device.identity)
    await tab.come()
    return tab


async def refused(stage: Stage, guest: Guest) -> int:
    """With which code a connection that is one too many is closed."""
    guest.line = stage.system.dynamic("connections").start(object(), guest)
    guest.line.tell(Open(guest.line, {}, None))
    return await guest.until_closed()


async def leaves(guest: Guest) -> None:
    guest.line.tell("hang up")
    await guest.stage.until(lambda: not guest.line.alive)


async def has(stage: Stage, guest: Guest, count: int) -> None:
    await stage.until(lambda: connections_of(stage.system, guest.user) == count)


async def test_tabs_and_devices_count_together_and_other_users_do_not(store: Store) -> None:
    async with staged(store, most_connections=3) as stage:
        phone, bob = await stage.guest("ann"), await stage.guest("bob")
        laptop = await stage.device_of(phone.user)
        for guest in (phone, laptop, bob):
            await guest.come()
        tab = await a_tab_of(phone)
        assert await refused(stage, Guest(stage, phone.identity)) == CloseCode.OVER_CAPACITY
        assert await refused(stage, await stage.device_of(phone.user)) == CloseCode.OVER_CAPACITY
        await a_tab_of(bob)
        await leaves(tab)
        await has(stage, phone, 2)
        await a_tab_of(laptop)


async def test_a_device_that_was_refused_leaves_nothing_behind(store: Store) -> None:
    async with staged(store, most_connections=1) as stage:
        phone = await stage.guest("ann")
        await phone.come()
        assert await refused(stage, await stage.device_of(phone.user)) == CloseCode.OVER_CAPACITY
        await stage.until(lambda: len(stage.system.members(phone.user)) == 1)
        await phone.go()
        await (await stage.device_of(phone.user)).come()


async def test_the_count_is_right_whichever_goes_first(store: Store) -> None:
    async with staged(store) as stage:
        for first in range(3):
            device = await stage.guest(f"ann{first}")
            await device.come()
            tabs = [device, await a_tab_of(device), await a_tab_of(device)]
            await has(stage, device, 3)
            for count in (2, 1):
                await leaves(tabs.pop(first % len(tabs)))
                await has(stage, device, count)
            tabs.append(await a_tab_of(device))
            assert connections_of(stage.system, device.user) == 2


async def test_a_session_that_crashes_gives_its_connections_back(store: Store) -> None:
    async with staged(store) as stage:
        device = await stage.guest("ann")
        await device.come()
        tab = await a_tab_of(device)
        device.session.tell(object())
        for guest in (device, tab):
            await guest.until_closed()
        await has(stage, device, 0)
