"""Which memberships began lately: what nodes ask, for sessions that were not told; and what they call their cluster."""

from __future__ import annotations

import re

from server.store.cluster_id import read_cluster_id
from server.store.lately import Span
from server.store.log_messages import MemberGone, NewMember
from server.store.opening import Store
from server.store.room_messages import Membership, Memberships, ReadMemberships
from tests.store.desk import Desk


async def test_those_are_found_that_began_then_and_have_not_ended(desk: Desk) -> None:
    start = desk.now
    ann, bob, cyd = await desk.user("ann"), await desk.user("bob"), await desk.user("cyd")
    desk.now += 10
    room = await desk.anchored(await desk.created(ann, bob))
    assert await begun(desk, start, desk.now) == {Membership(ann, room.room, 1), Membership(bob, room.room, 2)}
    desk.now += 1_000
    room.append(NewMember(cyd, "member"))
    room.append(MemberGone(bob))
    await room.ear.outcomes_of(2)
    assert {one.user for one in await begun(desk, start, desk.now)} == {ann, cyd}
    assert {one.user for one in await begun(desk, start + 10, desk.now)} == {cyd}
    assert await begun(desk, desk.now, desk.now + 1_000) == set()


async def begun(desk: Desk, since: int, upto: int) -> set[Membership]:
    found = await desk.read(ReadMemberships, spans=(Span(since, upto),))
    assert isinstance(found, Memberships)
    assert not found.left
    return set(found.begun)


def test_a_database_has_one_name_for_its_cluster_and_no_other_has_it(store: Store) -> None:
    name = read_cluster_id(store.reading)
    assert re.fullmatch("[0-9a-f]{16}", name)
    assert read_cluster_id(store.reading) == name
