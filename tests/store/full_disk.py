"""A program whose files may not grow any more (RLIMIT_FSIZE) while it serves posts: prints what became of each.

Run by test_durability.py in a process of its own, because the limit holds for the whole process.
"""

from __future__ import annotations

import json
import resource
import sys
from pathlib import Path

import trio

from server.store.opening import open_store
from server.store.room_messages import LoadRoom
from tests.store.desk import Desk, Room, serving

TEXT = "x" * 3_000


async def posts(desk: Desk) -> dict[str, object]:
    ann = await desk.user("ann")
    room = await desk.anchored(await desk.created(ann))
    landed = [await kind_of(room, ann, f"before {n}") for n in range(3)]
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (desk.store.log_file.size() + 10_000, hard))
    full = [await kind_of(room, ann, f"full {n}") for n in range(20)]
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, hard))
    room = await desk.anchored(room.room)
    again = [await kind_of(room, ann, f"full {n}") for n in range(20)]
    last_seq = (await desk.read(LoadRoom, room=room.room)).last_seq
    return {"before": landed, "full": full, "again": again, "last_seq": last_seq}


async def kind_of(room: Room, author: str, nonce: str) -> str:
    return type(await room.said(author, nonce, TEXT)).__name__


async def main(data: str) -> None:
    with open_store(Path(data)) as store:
        async with serving(store) as desk:
            print(json.dumps(await posts(desk)))


if __name__ == "__main__":
    trio.run(main, sys.argv[1])
