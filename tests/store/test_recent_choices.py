"""Who has changed of late what they have chosen: for nodes that did not hear of it."""

from __future__ import annotations

from server.store.choices import NOTHING, Choice, ReadChoices, SaveChoice
from server.store.lately import Span
from tests.store.desk import Desk


async def test_the_store_tells_who_has_changed_something_of_late(desk: Desk) -> None:
    ann, bob = await desk.user("ann"), await desk.user("bob")
    before = desk.now
    desk.now += 60_000
    await desk.write(SaveChoice, user=ann, status="invisible")
    await desk.write(SaveChoice, user=bob)
    lately = (Span(before, desk.now),)
    assert (await desk.read(ReadChoices, spans=lately)).choices == ((ann, Choice(status="invisible")),)
    await desk.write(SaveChoice, user=ann, status="online")
    assert (await desk.read(ReadChoices, spans=lately)).choices == ((ann, NOTHING),), "also that it is over"
    assert (await desk.read(ReadChoices, spans=(Span(desk.now, desk.now + 1),))).choices == ()


async def test_those_who_are_asked_for_by_name_are_found_whenever_they_chose(desk: Desk) -> None:
    ann, bob = await desk.user("ann"), await desk.user("bob")
    await desk.write(SaveChoice, user=ann, status="busy")
    found = await desk.read(ReadChoices, spans=(Span(0, 1),), also=(ann, bob, "u_nobody"))
    assert dict(found.choices) == {ann: Choice(status="busy"), bob: NOTHING}
