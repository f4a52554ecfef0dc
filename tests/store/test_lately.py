"""However many rows were written in one moment, an answer has a bounded number of them, and all together have each."""

from __future__ import annotations

import pytest
from sqlalchemy import insert

from server.store.connections import snapshot
from server.store.direct import NOBODY
from server.store.lately import MOST, Span
from server.store.opening import Store
from server.store.room_messages import Membership, ReadMemberships
from server.store.room_queries import read_memberships
from server.store.tables import members

AT = 1_750_000_000_000


def begin(store: Store, times: list[int]) -> set[str]:
    """A membership at each of these times; whose they are. Rooms and users of these names there are none."""
    rows = [
        {
            "room_id": f"r_{number % 7}", "user_id": f"u_{number}", "name": f"name{number}", "role": "member",
            "joined_at": at, "received": 0, "read": number,
        }
        for number, at in enumerate(times)
    ]  # fmt: skip
    engine = store.database.seeding()
    with engine.begin() as connection:
        connection.execute(insert(members), rows)
    engine.dispose()
    return {str(row["user_id"]) for row in rows}


def answers(store: Store, *spans: Span) -> list[tuple[Membership, ...]]:
    """One after the other, until nothing is left."""
    told, left = [], spans
    while left:
        with snapshot(store.reading) as connection:
            answer = read_memberships(connection, ReadMemberships(reply_to=NOBODY, spans=left))
        told.append(answer.begun)
        assert len(told) < 20, "this comes to an end"
        left = answer.left
    return told


def test_a_crowd_that_came_in_one_millisecond_is_told_in_parts_and_each_once(store: Store) -> None:
    came = begin(store, [AT] * (5 * MOST + 7))
    told = answers(store, Span(AT - 2_000, AT))
    assert [len(part) for part in told] == [MOST] * 5 + [7]
    assert sorted(begun.user for part in told for begun in part) == sorted(came)


def test_spans_are_told_side_by_side_each_to_its_end(store: Store) -> None:
    begin(store, [AT + number // 3 for number in range(6 * MOST)])
    spans = (Span(AT - 1, AT + 9), Span(AT + 99, AT + 99 + MOST), Span(AT + 2 * MOST, AT + 9 * MOST))
    told = answers(store, *spans)
    assert max(map(len, told)) <= 30 + 2 * MOST
    wanted = [number for span in spans for number in range(6 * MOST) if span.since < AT + number // 3 <= span.upto]
    assert sorted(begun.read for part in told for begun in part) == sorted(wanted)


@pytest.mark.parametrize("engine", ["sqlite"])
def test_a_hundred_thousand_who_came_just_now_do_not_make_an_answer_longer(store: Store) -> None:
    begin(store, [AT + number // 1_000 for number in range(100_000)])
    with snapshot(store.reading) as connection:
        answer = read_memberships(connection, ReadMemberships(reply_to=NOBODY, spans=(Span(AT - 1, AT + 100),)))
    assert len(answer.begun) == MOST
    assert [span.since for span in answer.left] == [AT]
