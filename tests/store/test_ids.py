from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.protocol.errors import Refusal
from server.protocol.rules import check_user_name, looks_like_room
from server.store.ids import encoded, new_id

NUMBERS = st.integers(0, 2**128 - 1)


@given(NUMBERS, NUMBERS)
def test_the_order_of_numbers_is_the_order_of_their_texts(one: int, other: int) -> None:
    assert (one < other) == (encoded(one) < encoded(other))
    assert len(encoded(one)) == 26


def test_crockfords_alphabet_has_no_letters_that_look_like_digits() -> None:
    everything = "".join(encoded(number) for number in range(32))
    assert not set("ILOU") & set(everything)
    assert encoded(31).endswith("Z")


def test_an_id_tells_what_it_is_and_is_no_name() -> None:
    assert looks_like_room(new_id("r", 1_750_000_000_000))
    user = new_id("u", 1_750_000_000_000)
    assert user.startswith("u_")
    with pytest.raises(Refusal):
        check_user_name(user)


def test_ids_of_one_millisecond_differ() -> None:
    assert len({new_id("s", 1) for _ in range(1_000)}) == 1_000


def test_later_ids_sort_behind_earlier_ones() -> None:
    assert new_id("r", 1_750_000_000_000) < new_id("r", 1_750_000_000_001)
