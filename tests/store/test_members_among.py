"""Members of a room, only some of them: page by page, and nobody twice."""

from __future__ import annotations

from typing import cast

from server.store.log_messages import MemberGone, NewMember
from server.store.room_messages import MembersPage, ReadMembers
from tests.store.desk import Desk


async def test_some_are_paged_by_name_whoever_comes_and_goes(desk: Desk) -> None:
    ann = await desk.user("ann")
    people = [await desk.user(f"p{number}") for number in range(8)]
    room = await desk.anchored(await desk.created(ann, *people[:7], name="Tea"))

    async def page(among: tuple[str, ...], after: str | None = None) -> MembersPage:
        told = await desk.read(ReadMembers, room=room.room, limit=2, next=after, among=among)
        return cast("MembersPage", told)

    some = (people[6], people[1], people[3], people[5], "u_nobody", people[7])
    first = await page(some)
    assert [member.user.name for member in first.members] == ["p1", "p3"]
    room.append(MemberGone(people[1]))
    room.append(NewMember(people[7], "member"))
    await room.ear.outcomes_of(2)
    second = await page(some, first.next)
    third = await page(some, second.next)
    assert [member.user.name for member in (*second.members, *third.members)] == ["p5", "p6", "p7"]
    assert third.next is None
    assert (await page(())).members == ()
