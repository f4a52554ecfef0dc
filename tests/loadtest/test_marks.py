"""What a posted text begins with."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loadtest.marks import Mark, mark, nonce_of, now_mark, read_mark, read_nonce
from server.protocol.limits import NONCE_CHARACTERS

RUN = "8c1f0c55a1e2b374"
LARGEST = 2**32 - 1


@settings(deadline=None)
@given(st.integers(0, LARGEST), st.integers(0, LARGEST), st.text("abc -~", max_size=20))
def test_it_is_read_as_it_was_written(author: int, number: int, rest: str) -> None:
    text = mark(RUN, author, number, "small", sent=10**18, wall=10**12) + rest
    assert read_mark(text) == Mark(RUN, author, number, "small", 10**18, 10**12)
    assert read_nonce(nonce_of(RUN, author, number)) == (RUN, author, number)
    assert len(nonce_of(RUN, author, number)) <= NONCE_CHARACTERS


def test_the_nonce_is_in_the_text() -> None:
    marked = read_mark(now_mark(RUN, 5, 6) + "hello")
    assert marked is not None
    assert (marked.nonce, marked.label) == (f"{RUN}.5.6", "")


@pytest.mark.parametrize(
    "text", ["", "hello", "~", "~x~y~z~", "~a.b.c~~1~2~", "~~~~~~", f"~{RUN}.1.2~~x~2~hello", f"~{RUN}.1.2~label~1"]
)
def test_what_people_write_has_none(text: str) -> None:
    assert read_mark(text) is None or text == "~a.b.c~~1~2~"


@pytest.mark.parametrize(
    "nonce", ["", "n", "a.b", "run.1.xyz", "run.01.2", "run.-1.2", "run.1.2.3", "run.A.1", "run.100000000.1"]
)
def test_other_nonces_are_none_of_ours(nonce: str) -> None:
    assert read_nonce(nonce) is None


NOW, WALL_NOW = 5_000_000_000_000, 1_700_000_000_000
SECOND, MILLISECONDS = 1_000_000_000, 1_000


def sent(ago: float, wall_ago: float) -> Mark:
    return Mark(RUN, 1, 1, "", NOW - round(ago * SECOND), WALL_NOW - round(wall_ago * MILLISECONDS))


def test_on_one_machine_it_was_sent_when_the_mark_says() -> None:
    assert sent(2.0, 2.001).sent_at(NOW, WALL_NOW) == NOW - 2 * SECOND


def test_what_comes_from_another_machine_is_as_old_as_the_wall_clock_says() -> None:
    assert sent(-777.0, 2.0).sent_at(NOW, WALL_NOW) == NOW - 2 * SECOND


@pytest.mark.parametrize(("ago", "wall_ago"), [(-1.0, -1.0), (700.0, 700.0), (1.0, 10_000.0)])
def test_what_is_from_the_future_or_from_yesterday_has_no_age(ago: float, wall_ago: float) -> None:
    assert sent(ago, wall_ago).sent_at(NOW, WALL_NOW) is None
