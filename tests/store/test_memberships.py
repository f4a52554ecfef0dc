"""Which memberships began lately: what nodes ask, for sessions that were not told; and what they call their cluster."""

from __future__ import annotations

import re

from server.store.cluster_id import read_cluster_id
from server.store.log_messages import MemberGone, NewMember
from server.store.opening import Store
from server.store.room_messages import Membership, ReadMemberships
from server.store.room_queries import BEGUN_OVERLAP_MS
from tests.store.desk import Desk


async def test_each_is_found_for_a_while_and_those_that_have_ended_are_not(desk: Desk) -> None:
    start = desk.now
    ann, bob, cyd = await desk.user("ann"), await desk.user("bob"), await desk.user("cyd")
    desk.now += 10
    room = await desk.anchored(await desk.created(ann, bob))
    first = await desk.read(ReadMemberships, since=start)
    assert set(first.begun) == {
        Membership(ann, room.room, start + 10, 1),
        Membership(bob, room.room, start + 10, 2),
    }
    desk.now += 1_000
    room.append(NewMember(cyd, "member"))
    room.append(MemberGone(bob))
    await room.ear.outcomes_of(2)
    again = await desk.read(ReadMemberships, since=first.at)
    assert {begun.user for begun in again.begun} == {ann, cyd}, "some come again, none is missed"
    assert {begun.joined_at for begun in again.begun if begun.user == cyd} == {start + 1_010}
    desk.now += 2 * BEGUN_OVERLAP_MS
    later = await desk.read(ReadMemberships, since=again.at)
    desk.now += 2_000
    assert (await desk.read(ReadMemberships, since=later.at)).begun == ()


def test_a_database_has_one_name_for_its_cluster_and_no_other_has_it(store: Store) -> None:
    name = read_cluster_id(store.reading)
    assert re.fullmatch("[0-9a-f]{16}", name)
    assert read_cluster_id(store.reading) == name
