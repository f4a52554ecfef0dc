"""Of whom somebody may know how they look, on every database."""

from __future__ import annotations

from server.store.account_messages import ReadAcquainted, SetBlock
from server.store.log_messages import MemberGone
from tests.store.desk import Desk


async def test_people_who_share_a_room_know_of_each_other_until_one_leaves_or_blocks(desk: Desk) -> None:
    ann, bob, cat, eve = [await desk.user(name) for name in ("ann", "bob", "cat", "eve")]

    async def known_to(user: str) -> set[str]:
        found = await desk.read(ReadAcquainted, user=user, people=(ann, bob, cat, eve, "u_nobody"))
        return set(found) - {user}

    room = await desk.anchored(await desk.created(ann, bob, kind="channel", name="large"))
    await desk.created(ann, cat, kind="dm", name=None)
    assert [await known_to(user) for user in (ann, bob, cat, eve)] == [{bob, cat}, {ann}, {ann}, set()]
    await desk.write(SetBlock, user=ann, who="cat", on=True)
    assert [await known_to(user) for user in (ann, cat)] == [{bob}, set()]
    await desk.write(SetBlock, user=ann, who="cat", on=False)
    room.append(MemberGone(bob))
    await room.ear.outcomes_of(1)
    assert [await known_to(user) for user in (ann, bob)] == [{cat}, set()]
