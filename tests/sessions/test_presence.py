"""How people are shown to others: merged over their devices, and nothing of who is invisible."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from server.protocol.account_commands import SetPresence
from server.protocol.errors import ErrorCode
from server.protocol.events import Presence, SettingsChanged
from server.protocol.limits import STATUS_CHARACTERS
from server.protocol.replies import Error, Ok
from server.protocol.room_commands import CreateRoom, Members, Rooms
from server.store.opening import Store
from server.store.room_messages import ReadMembers
from server.store.user_messages import TouchTokens
from tests.sessions.stage import Guest, Stage, staged

People = tuple[str, Guest, Guest, Stage]


@pytest.fixture
async def people(store: Store) -> AsyncIterator[People]:
    """Ann and Bob in a group."""
    async with staged(store) as stage:
        ann, bob = [await stage.guest(name) for name in ("ann", "bob")]
        for guest in (ann, bob):
            await guest.come()
        made = await ann.ask(CreateRoom, kind="group", name="Us", members=[bob.user], nonce="make")
        assert isinstance(made, Ok)
        assert made.room is not None
        await bob.has_entries(made.room, 2)
        yield made.room, ann, bob, stage


async def says(guest: Guest, status: str, **more: str) -> Ok:
    answer = await guest.ask(SetPresence, status=status, **more)
    assert isinstance(answer, Ok)
    return answer


async def sees(guest: Guest, other: Guest, status: str) -> Presence:
    """What the guest was told last of the other, once it is this."""

    def last() -> Presence | None:
        heard = [event for event in guest.heard if isinstance(event, Presence) and event.user == other.user]
        return heard[-1] if heard and heard[-1].status == status else None

    return await guest.until(last)


async def listed(guest: Guest, room: str) -> dict[str | None, str | None]:
    page = await guest.ask(Members, room=room)
    assert isinstance(page, Ok)
    return {member.user.name: member.user.status for member in page.members or ()}


async def test_what_somebody_says_of_themselves_is_told_and_outlasts_their_devices(people: People) -> None:
    room, ann, bob, stage = people
    answer = await says(bob, "busy", text="in a meeting", emoji="\N{CALENDAR}")
    assert answer.settings is not None
    assert (answer.settings.status, answer.settings.text) == ("busy", "in a meeting")
    told = await sees(ann, bob, "busy")
    assert (told.text, told.emoji) == ("in a meeting", "\N{CALENDAR}")
    assert await listed(ann, room) == {"ann": "online", "bob": "busy"}
    await bob.go()
    await sees(ann, bob, "offline")
    phone = await stage.device_of(bob.user)
    await phone.come()
    assert (await sees(ann, bob, "busy")).text == "in a meeting"
    await says(phone, "online", text="")
    assert (await sees(ann, bob, "online")).text is None


async def test_a_device_that_is_idle_makes_nobody_away_who_uses_another(people: People) -> None:
    _, ann, bob, stage = people
    phone = await stage.device_of(bob.user)
    await phone.come()
    await says(bob, "away")
    await says(phone, "away")
    await sees(ann, bob, "away")
    await says(phone, "online")
    await sees(ann, bob, "online")
    await phone.go()
    await sees(ann, bob, "away")
    await bob.go()
    await sees(ann, bob, "offline")
    await phone.come()
    await sees(ann, bob, "online")


async def test_who_is_invisible_looks_offline_everywhere(people: People) -> None:
    room, ann, bob, stage = people
    dm = await ann.ask(CreateRoom, kind="dm", members=[bob.user], nonce="dm")
    assert isinstance(dm, Ok)
    await says(bob, "invisible", text="not to be seen")
    assert (await sees(ann, bob, "offline")).text is None
    gone = Presence(user=bob.user, status="offline")
    await ann.until(lambda: [event for event in ann.heard if event == gone][1:])  # each room says so
    before = len(ann.heard)
    phone = await stage.device_of(bob.user)
    for device in (phone, bob):
        await device.come()
        assert await listed(ann, room) == {"ann": "online", "bob": "offline"}
    await says(phone, "away")
    mine = await ann.ask(Rooms)
    assert isinstance(mine, Ok)
    assert [info.peer.status for info in mine.rooms or () if info.peer is not None] == ["offline"]
    again = await stage.device_of(ann.user)
    welcome = await again.come()
    assert [info.peer.status for info in welcome.rooms if info.peer is not None] == ["offline"]
    await bob.post(room, "said all the same")
    await ann.hears(room, "said all the same")
    assert not [event for event in ann.heard[before:] if isinstance(event, Presence) and event.user == bob.user]
    await says(bob, "online")
    await sees(ann, bob, "online")


async def test_when_somebody_was_seen_last_is_not_when_they_were_invisible(people: People) -> None:
    room, ann, bob, stage = people
    await says(bob, "invisible")
    await bob.go()
    later = stage.desk.now + 60_000
    stage.desk.writes.tell(TouchTokens((bob.identity.session, ann.identity.session), later))
    await says(ann, "online", text="written")
    page = await stage.desk.read(ReadMembers, room=room, limit=10, next=None)
    seen = {member.user.name: member.user.last_seen for member in page.members}
    assert seen["ann"] is not None
    assert seen["bob"] is None or seen["bob"] < seen["ann"]


async def test_other_devices_hear_what_was_chosen_and_nobody_else(people: People) -> None:
    _, ann, bob, stage = people
    phone = await stage.device_of(bob.user)
    await phone.come()
    await says(bob, "busy")
    assert (await phone.until(lambda: phone.found(SettingsChanged))).settings.status == "busy"
    await sees(ann, bob, "busy")
    assert ann.found(SettingsChanged) is None


@pytest.mark.parametrize("wrong", [{"text": "x" * (STATUS_CHARACTERS + 1)}, {"text": "a\nb"}, {"emoji": "no"}])
async def test_what_cannot_be_shown_is_refused(people: People, wrong: dict[str, str]) -> None:
    _, _, bob, _ = people
    answer = await bob.ask(SetPresence, status="online", **wrong)
    assert isinstance(answer, Error)
    assert answer.code in (ErrorCode.BAD_REQUEST, ErrorCode.TOO_LONG)
