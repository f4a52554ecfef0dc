"""Where a new connection begins: pure.

The client names what it holds of its rooms; the store says how they are. What lies between is replayed, unless it is
too much or cannot be told from that log: then the client is told so, and begins at the end.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from msgspec import Struct

from server.protocol.entries import Left
from server.protocol.hello_commands import Cursor
from server.protocol.limits import REPLAY_PER_CONNECTION, REPLAY_PER_ROOM
from server.protocol.objects import Room
from server.protocol.replies import NotRecovered, Resumed

OTHER_LOG: Final = "another_log"
FROM_THE_FUTURE: Final = "future"
TOO_MUCH: Final = "too_much"


class Start(Struct, frozen=True):
    """Where a connection begins in a room: behind `seq`; `resumed` if the client named that place."""

    seq: int
    resumed: bool = False


class Beginning(Struct, frozen=True):
    """`starts`: behind which entry each room begins. `news`: what is to be said of rooms that are not recovered."""

    starts: dict[str, Start]
    news: list[Resumed | Left]


def begin(rooms: Iterable[Room], resume: Mapping[str, Cursor], user: str) -> Beginning:
    """The beginning of a connection of `user` that named `resume`. `rooms`: all rooms of the user."""
    known = {room.room: room for room in rooms}
    starts = {room: Start(info.last_seq) for room, info in known.items()}
    news: list[Resumed | Left] = []
    left = REPLAY_PER_CONNECTION
    for room, cursor in resume.items():
        info = known.get(room)
        if info is None:
            news.append(Left(room=room, user=user))
            continue
        reason = why_not(info, cursor, left)
        if reason is None:
            starts[room] = Start(cursor.seq, resumed=True)
            left -= info.last_seq - cursor.seq
        else:
            news.append(Resumed(room=room, recovered=False, last_seq=info.last_seq, reason=reason))
    return Beginning(starts, news)


def why_not(room: Room, cursor: Cursor, left: int) -> NotRecovered | None:
    """Why what follows `cursor` is not replayed, or None. `left`: how many entries this connection may still get."""
    if cursor.log != room.log:
        return OTHER_LOG
    missing = room.last_seq - cursor.seq
    if missing < 0:
        return FROM_THE_FUTURE
    if missing > min(REPLAY_PER_ROOM, left):
        return TOO_MUCH
    return None
