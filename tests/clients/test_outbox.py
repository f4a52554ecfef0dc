"""Posts of a room keep their order, whatever is refused and whenever it is heard."""

from __future__ import annotations

import pytest

from clients.outbox import FIRST_RETRY, LONGEST_RETRY, Outbox
from server.protocol.message_commands import Post


def post(text: str, room: str = "r_1") -> Post:
    return Post(room=room, nonce=text, text=text)


def filled(*texts: str, width: int = 1) -> Outbox:
    outbox = Outbox(width)
    for number, text in enumerate(texts, 1):
        outbox.add(number, post(text))
    return outbox


def due(outbox: Outbox, now: float = 0.0, most: int = 100) -> str:
    return "".join(post.text for _, post in outbox.due(now, most))


def test_a_lane_sends_as_many_as_may_be_under_way() -> None:
    assert due(filled("a", "b", "c")) == "a"
    assert due(filled("a", "b", "c", width=2)) == "ab"
    assert due(filled("a", "b", "c", width=5), most=2) == "ab"


def test_nothing_is_sent_twice_while_it_is_under_way() -> None:
    outbox = filled("a", "b", width=2)
    assert due(outbox) == "ab"
    assert due(outbox) == ""


def test_an_answer_makes_way_for_the_next() -> None:
    outbox = filled("a", "b")
    due(outbox)
    outbox.done(1, post("a"))
    assert due(outbox) == "b"


def test_after_a_refusal_a_lane_waits_for_the_answers_of_all_under_way_then_begins_with_the_first() -> None:
    outbox = filled("a", "b", "c", "d", width=3)
    due(outbox)
    outbox.refused_for_now(1, post("a"), 0.0, None)
    assert due(outbox, now=60.0) == "", "b and c may still be refused"
    outbox.refused_for_now(2, post("b"), 60.0, None)
    outbox.refused_for_now(3, post("c"), 60.0, None)
    assert due(outbox, now=120.0) == "abc"


def test_a_refusal_is_waited_out_as_long_as_the_server_says() -> None:
    outbox = filled("a")
    due(outbox)
    outbox.refused_for_now(1, post("a"), 0.0, 5.0)
    assert outbox.next_wake() == 5.0
    assert due(outbox, now=4.9) == ""
    assert due(outbox, now=5.0) == "a"


def test_refusals_in_a_row_are_waited_out_longer_and_longer_with_a_bound() -> None:
    outbox = filled("a")
    now, waits = 0.0, []
    for _ in range(12):
        assert due(outbox, now) == "a"
        outbox.refused_for_now(1, post("a"), now, None)
        wake = outbox.next_wake()
        assert wake is not None
        waits.append(wake - now)
        now = wake
    assert waits == sorted(waits)
    assert waits[0] == pytest.approx(FIRST_RETRY)
    assert waits[-1] == pytest.approx(LONGEST_RETRY)


def test_a_lost_connection_begins_again_with_the_first_at_once() -> None:
    outbox = filled("a", "b", width=2)
    due(outbox)
    outbox.refused_for_now(1, post("a"), 0.0, 60.0)
    outbox.begin_again()
    assert due(outbox, now=0.1) == "ab"


def test_rooms_do_not_wait_for_each_other() -> None:
    outbox = filled("a")
    outbox.add(9, post("x", room="r_2"))
    due(outbox)
    outbox.refused_for_now(1, post("a"), 0.0, 60.0)
    outbox.done(9, post("x", room="r_2"))
    outbox.add(10, post("y", room="r_2"))
    assert due(outbox) == "y"


def test_an_answer_to_a_post_nobody_knows_changes_nothing() -> None:
    outbox = filled("a")
    outbox.done(7, post("x", room="r_9"))
    outbox.refused_for_now(7, post("a"), 0.0, 60.0)
    assert due(outbox) == "a"
    assert len(outbox) == 1
