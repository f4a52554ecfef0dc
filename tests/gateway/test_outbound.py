"""The queue of what the kernel did not take."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from server.gateway.outbound import WRITE_BYTES, Outbound


@given(st.lists(st.binary(min_size=1, max_size=200), min_size=1), st.lists(st.integers(0, 300), min_size=1))
def test_every_byte_leaves_once_and_in_order(chunks: list[bytes], takes: list[int]) -> None:
    queue = Outbound(chunks[0], 0)
    for chunk in chunks[1:]:
        queue.push(chunk)
    left = b""
    for number in range(10_000):
        if not queue.waiting:
            break
        head = bytes(queue.head())
        taken = min(takes[number % len(takes)] + 1, len(head))
        left += head[:taken]
        queue.left(taken)
    assert left == b"".join(chunks)
    assert queue.sent == len(left)


def test_what_was_begun_before_is_not_sent_again() -> None:
    queue = Outbound(b"abcdef", 4)
    assert (queue.waiting, bytes(queue.head())) == (2, b"ef")


def test_small_chunks_leave_together_and_large_ones_in_parts() -> None:
    queue = Outbound(b"a", 0)
    queue.push(b"b")
    queue.push(b"c" * WRITE_BYTES)
    assert bytes(queue.head()) == b"ab"
    queue.left(2)
    assert len(queue.head()) == WRITE_BYTES


def test_a_large_chunk_is_not_copied() -> None:
    shared = b"x" * (3 * WRITE_BYTES)
    queue = Outbound(shared, 10)
    head = queue.head()
    assert isinstance(head, memoryview)
    assert head.obj is shared


def test_what_has_not_begun_can_be_dropped_and_the_rest_is_still_whole() -> None:
    queue = Outbound(b"abc", 1)
    queue.push(b"def")
    queue.drop_unbegun()
    queue.push(b"END")
    assert bytes(queue.head()) == b"bcEND"
    assert queue.waiting == 5


def test_nothing_begun_means_nothing_kept() -> None:
    queue = Outbound(b"abc", 0)
    queue.drop_unbegun()
    assert queue.waiting == 0
