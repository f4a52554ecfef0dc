"""Who has changed of late what they have chosen: for nodes that did not hear of it."""

from __future__ import annotations

from server.store.choices import CHOICES_OVERLAP_MS, NOTHING, Choice, ReadChoices, SaveChoice
from tests.store.desk import Desk


async def test_the_store_tells_who_has_changed_something_of_late(desk: Desk) -> None:
    ann, bob = await desk.user("ann"), await desk.user("bob")
    before = desk.now
    desk.now += 60_000
    await desk.write(SaveChoice, user=ann, status="invisible")
    await desk.write(SaveChoice, user=bob)
    found = await desk.read(ReadChoices, since=before)
    assert (found.choices, found.at) == (((ann, Choice(status="invisible")),), desk.now - CHOICES_OVERLAP_MS)
    await desk.write(SaveChoice, user=ann, status="online")
    assert (await desk.read(ReadChoices, since=before)).choices == ((ann, NOTHING),), "also that it is over"
    assert (await desk.read(ReadChoices, since=desk.now)).choices == ()
