"""What people choose for their account: on disk before the answer, on all devices, and kept to by rooms."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from server.protocol.account_commands import Settings
from server.protocol.attention_commands import MarkUnread, Read, Received
from server.protocol.events import Receipt, SettingsChanged
from server.protocol.objects import AccountSettings
from server.protocol.replies import Ok
from server.protocol.room_commands import CreateRoom, Members, Rooms
from server.sessions.choices import Choices
from server.store.choices import NOTHING, Choice
from server.store.opening import Store
from server.store.user_messages import FindIdentity, Identity
from tests.sessions.stage import Guest, Stage, staged

OPEN, HIDDEN = (AccountSettings(receipts=receipts, status="online") for receipts in (True, False))


@pytest.fixture
async def people(store: Store) -> AsyncIterator[tuple[str, list[Guest], Stage]]:
    """Ann and Bob in a group, where Ann has said something: entry 3."""
    async with staged(store) as stage:
        guests = [await stage.guest(name) for name in ("ann", "bob")]
        for guest in guests:
            await guest.come()
        made = await guests[0].ask(CreateRoom, kind="group", name="Us", members=[guests[1].user], nonce="make")
        assert isinstance(made, Ok)
        assert made.room is not None
        await guests[0].post(made.room, "read this")
        await guests[1].hears(made.room, "read this")
        await guests[0].ask(Read, room=made.room, seq=3)
        yield made.room, guests, stage


async def settings_of(guest: Guest, **wanted: bool) -> AccountSettings | None:
    answer = await guest.ask(Settings, **wanted)
    assert isinstance(answer, Ok)
    return answer.settings


async def test_a_choice_is_of_all_devices_and_outlasts_them(people: tuple[str, list[Guest], Stage]) -> None:
    _, (_, bob), stage = people
    phone, tab = await stage.device_of(bob.user), Guest(stage, bob.identity)
    await phone.come()
    await tab.come()
    assert await settings_of(bob) == OPEN
    assert await settings_of(bob, receipts=False) == HIDDEN
    for device in (phone, tab):
        changed = await device.until(lambda device=device: device.found(SettingsChanged))
        assert changed.settings == HIDDEN
        assert await settings_of(device) == HIDDEN
    assert bob.found(SettingsChanged) is None, "whoever said it is answered"
    for device in (bob, phone):
        await device.go() if device is phone else device.line.tell("hang up")
    tab.line.tell("hang up")
    await stage.until(lambda: not stage.system.members(bob.user))
    later = await stage.device_of(bob.user)
    await later.come()
    assert await settings_of(later) == HIDDEN
    assert await settings_of(later, receipts=True) == OPEN


async def test_who_hides_is_not_seen_and_does_not_see(people: tuple[str, list[Guest], Stage]) -> None:
    room, (ann, bob), _ = people
    await settings_of(bob, receipts=False)
    await bob.ask(Read, room=room, seq=3)
    receipt = await ann.until(lambda: ann.found(Receipt))
    assert receipt == Receipt(room=room, user=bob.user, received=3)
    page = await ann.ask(Members, room=room)
    assert isinstance(page, Ok)
    assert [m.read_seq for m in page.members or () if m.user.user == bob.user] == [2], "the mark that others know"
    own = await bob.ask(Rooms)
    assert isinstance(own, Ok)
    assert [(info.read_seq, info.unread) for info in own.rooms or ()] == [(3, 0)], "one's own mark goes on"

    await bob.post(room, "an answer")
    await ann.ask(Received, room=room, seq=4)
    await bob.until(lambda: bob.found(Receipt))
    await ann.ask(Read, room=room, seq=4)
    page = await bob.ask(Members, room=room)
    assert isinstance(page, Ok)
    assert [member.read_seq for member in page.members or ()] == [None, None]
    await bob.post(room, "another answer")
    await ann.ask(Received, room=room, seq=5)
    await bob.until(lambda: Receipt(room=room, user=ann.user, received=5) in bob.heard)
    await settings_of(bob, receipts=True)
    await bob.ask(Read, room=room, seq=4)
    await ann.until(lambda: Receipt(room=room, user=bob.user, read=4) in ann.heard)
    of_ann = [event for event in bob.heard if isinstance(event, Receipt) and event.user == ann.user]
    assert of_ann
    assert not [receipt for receipt in of_ann if receipt.read is not None]


async def test_what_is_hidden_may_be_marked_as_unread_as_well(people: tuple[str, list[Guest], Stage]) -> None:
    room, (_, bob), _ = people
    await settings_of(bob, receipts=False)
    await bob.ask(Read, room=room, seq=3)
    answer = await bob.ask(MarkUnread, room=room, seq=3)
    assert isinstance(answer, Ok)
    assert answer.read_seq == 2


async def test_a_new_token_knows_what_its_owner_has_chosen(people: tuple[str, list[Guest], Stage]) -> None:
    _, (_, bob), stage = people
    await settings_of(bob, receipts=False)
    fresh = await stage.desk.identity(bob.user, b"f" * 32)
    found = await stage.desk.read(FindIdentity, token_hash=b"f" * 32)
    assert isinstance(found, Identity)
    assert fresh.choice == found.choice == Choice(hides_receipts=True)


def test_of_most_people_nothing_is_kept() -> None:
    choices, hidden = Choices(), Choice(hides_receipts=True)
    choices.has_come("ann", None)
    choices.has_come("bob", hidden)
    assert (choices.of("ann"), choices.of("bob"), len(choices)) == (NOTHING, hidden, 1)
    choices.put("bob", NOTHING)
    assert len(choices) == 0
    choices.put("bob", hidden)
    choices.drop("bob")
    assert choices.of("bob") == NOTHING
