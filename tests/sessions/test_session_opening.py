"""Where a new connection begins."""

from __future__ import annotations

import pytest

from server.protocol.entries import Left
from server.protocol.hello_commands import Cursor
from server.protocol.limits import REPLAY_PER_CONNECTION, REPLAY_PER_ROOM
from server.protocol.objects import Room
from server.protocol.replies import Resumed
from server.sessions.opening import FROM_THE_FUTURE, OTHER_LOG, TOO_MUCH, Start, begin
from server.sessions.places import as_read


def room(name: str, last_seq: int, read_seq: int = 0, unread: int = 0) -> Room:
    return Room(
        room=name, log=f"log of {name}", kind="group", members=2, last_seq=last_seq, read_seq=read_seq, role="member",
        unread=unread, mentions=0,
    )  # fmt: skip


def test_rooms_not_named_begin_at_their_end() -> None:
    assert begin([room("a", 5)], {}, "u").starts == {"a": Start(5)}


def test_a_room_named_begins_where_the_client_is() -> None:
    beginning = begin([room("a", 5), room("b", 7)], {"a": Cursor("log of a", 3)}, "u")
    assert beginning.starts == {"a": Start(3, resumed=True), "b": Start(7)}
    assert beginning.news == []


@pytest.mark.parametrize(
    ("cursor", "reason"),
    [
        (Cursor("another log", 5), OTHER_LOG),
        (Cursor("log of a", 2_001), FROM_THE_FUTURE),
        (Cursor("log of a", 2_000 - REPLAY_PER_ROOM - 1), TOO_MUCH),
    ],
)
def test_what_is_not_replayed_is_said(cursor: Cursor, reason: str) -> None:
    beginning = begin([room("a", 2_000)], {"a": cursor}, "u")
    assert beginning.starts == {"a": Start(2_000)}
    assert beginning.news == [Resumed(room="a", recovered=False, last_seq=2_000, reason=reason)]


def test_a_connection_gets_so_much_and_no_more() -> None:
    count = REPLAY_PER_CONNECTION // REPLAY_PER_ROOM
    rooms = [room(f"r{n}", REPLAY_PER_ROOM) for n in range(count + 1)]
    resume = {info.room: Cursor(info.log, 0) for info in rooms}
    beginning = begin([*rooms, room("short", 9)], resume | {"short": Cursor("log of short", 9)}, "u")
    assert [start.resumed for start in beginning.starts.values()] == [True] * count + [False, True]
    assert [(news.room, news.recovered) for news in beginning.news if isinstance(news, Resumed)] == [
        (f"r{count}", False)
    ]


def test_a_room_that_was_lost_is_left() -> None:
    assert begin([], {"gone": Cursor("l", 1)}, "u_ann").news == [Left(room="gone", user="u_ann")]


@pytest.mark.parametrize(
    ("read", "seen"),
    [(0, (5, 4)), (5, (5, 4)), (6, (6, 4)), (8, (8, 2)), (10, (10, 0)), (99, (10, 0))],
)
def test_what_the_user_said_was_read_counts(read: int, seen: tuple[int, int]) -> None:
    shown = as_read(room("a", last_seq=10, read_seq=5, unread=4), read)
    assert (shown.read_seq, shown.unread) == seen
