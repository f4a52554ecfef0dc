from __future__ import annotations

from tests.store.desk import Desk


async def test_smoke(desk: Desk) -> None:
    ann, bob = await desk.user("ann"), await desk.user("bob")
    r = await desk.created(ann, bob)
    room = await desk.anchored(r)
    print(await room.said(ann, "n1"), await room.said(ann, "n1"), await room.said(ann, "n1", "other"))
