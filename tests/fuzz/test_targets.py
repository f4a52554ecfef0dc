"""The targets of `make fuzz`, with what hypothesis makes up: a moment of it in every check.

Besides bytes of any kind it tries legal ones with a few of them changed, which come further.
"""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server.gateway.deflate import WIDEST, deflated
from tests.fuzz.seeds import SEEDS
from tests.fuzz.targets import TARGETS
from tests.gateway.doorway import frame


@st.composite
def nearly_legal(draw: st.DrawFn, seeds: list[bytes]) -> bytes:
    """A seed, or two of them, with a few pieces replaced."""
    data = bytearray(b"".join(draw(st.lists(st.sampled_from(seeds), min_size=1, max_size=2))))
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.integers(0, len(data)))
        data[at : at + draw(st.integers(0, 3))] = draw(st.binary(max_size=4))
    return bytes(data)


@pytest.mark.parametrize("name", TARGETS)
@given(data=st.data())
def test_nothing_that_is_sent_breaks_its_reader(name: str, data: st.DataObject) -> None:
    sent = data.draw(st.binary(max_size=300) | nearly_legal(SEEDS[name]))
    TARGETS[name](sent)


any_frames = st.builds(
    frame,
    st.sampled_from([0, 1, 2, 8, 9, 10]),
    st.binary(max_size=4)
    | st.sampled_from([b"", b"x", "é".encode(), b"x" * 125, b"x" * 126, deflated(b"x" * 50, WIDEST)]),
    fin=st.sampled_from([True, True, True, False]),
    masked=st.sampled_from([True] * 9 + [False]),
    rsv=st.sampled_from([0] * 6 + [4]),
)


@settings(max_examples=500)
@given(st.binary(min_size=4, max_size=4), st.lists(any_frames, max_size=6))
def test_frames_that_are_frames_come_further(how: bytes, said: list[bytes]) -> None:
    TARGETS["frames"](how + b"".join(said))


@pytest.mark.parametrize("name", TARGETS)
def test_what_is_legal_is_a_good_beginning(name: str) -> None:
    for seed in SEEDS[name]:
        TARGETS[name](seed)
