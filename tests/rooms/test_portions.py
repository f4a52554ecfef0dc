"""What travels at once is bounded: deliveries in portions, pages that fit."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from server.protocol.entries import MessageEntry
from server.protocol.objects import Message, User
from server.protocol.page_commands import History
from server.rooms.entries import DELIVERY_CODE_POINTS, DELIVERY_ENTRIES, entry_length, portions
from server.rooms.fitting import PAGE_CODE_POINTS, fitting
from server.rooms.pages import history_reply, log_reply
from server.store.history_messages import HistoryPage, LogPage

ANN = User(user="u_ann", name="ann")


def entry(seq: int, length: int) -> MessageEntry:
    return MessageEntry(seq=seq, room="r", from_=ANN, text="x" * length, at="", reactions=())


def message(seq: int, length: int) -> Message:
    return Message(seq=seq, room="r", from_=ANN, text="x" * length, at="", reactions=())


@given(st.lists(st.integers(1, 4_000), max_size=250))
def test_portions_are_bounded_and_lose_nothing(lengths: list[int]) -> None:
    entries = [entry(seq, length) for seq, length in enumerate(lengths, 1)]
    cut = list(portions(entries))
    assert [e for portion in cut for e in portion] == entries
    for portion in cut:
        assert 1 <= len(portion) <= DELIVERY_ENTRIES
        assert sum(map(entry_length, portion)) <= DELIVERY_CODE_POINTS


@given(st.lists(st.integers(0, 100)), st.integers(0, 300))
def test_what_fits_is_the_longest_beginning(lengths: list[int], most: int) -> None:
    kept = fitting(lengths, lambda length: length, most)
    assert list(kept) == lengths[: len(kept)]
    assert sum(kept) <= most or len(kept) == 1
    if len(kept) < len(lengths):
        assert sum(lengths[: len(kept) + 1]) > most


def test_history_that_does_not_fit_is_cut_where_it_is_farthest() -> None:
    fit = PAGE_CODE_POINTS // 4_000
    page = HistoryPage("r", tuple(message(seq, 4_000) for seq in range(1, 101)), more=False, known=100)
    upwards = history_reply(History(room="r", after=0), page)
    assert upwards.messages is not None
    assert [m.seq for m in upwards.messages] == list(range(1, fit + 1))
    downwards = history_reply(History(room="r"), page)
    assert downwards.messages is not None
    assert [m.seq for m in downwards.messages] == list(range(101 - fit, 101))
    assert upwards.more
    assert downwards.more


def test_a_log_page_says_how_far_it_goes() -> None:
    page = LogPage("r", 10, tuple(entry(seq, 4_000) for seq in range(11, 61)), more=False)
    reply = log_reply(1, page)
    assert reply.entries is not None
    assert (reply.from_, reply.to, reply.more) == (11, 10 + len(reply.entries), True)
    assert len(reply.entries) == PAGE_CODE_POINTS // 4_000
