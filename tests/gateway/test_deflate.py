"""permessage-deflate: which offers are kept to, and that hostile streams cost no more than their limit."""

from __future__ import annotations

import zlib
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.gateway.deflate import NARROWEST, WIDEST, agree, deflated, inflated

NO_CONTEXT = "permessage-deflate; server_no_context_takeover; client_no_context_takeover"


def others(payload: bytes, *, flush: int = zlib.Z_SYNC_FLUSH) -> bytes:
    """What another implementation sends for `payload`."""
    compressor = zlib.compressobj(wbits=-15)
    return (compressor.compress(payload) + compressor.flush(flush)).removesuffix(b"\0\0\xff\xff")


# --- the agreement -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("offers", "window_bits", "response"),
    [
        (["permessage-deflate"], WIDEST, NO_CONTEXT),
        (["permessage-deflate; client_max_window_bits"], WIDEST, NO_CONTEXT),
        (["permessage-deflate; client_max_window_bits=9"], WIDEST, NO_CONTEXT),
        (["permessage-deflate;server_no_context_takeover;client_no_context_takeover"], WIDEST, NO_CONTEXT),
        (["permessage-deflate; server_max_window_bits=15"], WIDEST, f"{NO_CONTEXT}; server_max_window_bits=15"),
        (["permessage-deflate; server_max_window_bits=9"], NARROWEST, f"{NO_CONTEXT}; server_max_window_bits=9"),
        (['permessage-deflate; server_max_window_bits="12"'], NARROWEST, f"{NO_CONTEXT}; server_max_window_bits=9"),
        (["x-other", "PerMessage-Deflate"], WIDEST, NO_CONTEXT),
        (["permessage-deflate; server_max_window_bits=8", "permessage-deflate"], WIDEST, NO_CONTEXT),
        (["permessage-deflate; tomorrow", "permessage-deflate"], WIDEST, NO_CONTEXT),
    ],
    ids=str,
)
def test_the_first_offer_that_can_be_kept_to_is_taken(offers: list[str], window_bits: int, response: str) -> None:
    agreement = agree(offers)
    assert agreement is not None
    assert (agreement.window_bits, agreement.response) == (window_bits, response)


@pytest.mark.parametrize(
    "offer",
    [
        "",
        "permessage-bzip2",
        "permessage-deflate; tomorrow",
        "permessage-deflate; ",
        "permessage-deflate; server_max_window_bits",
        "permessage-deflate; server_max_window_bits=8",
        "permessage-deflate; server_max_window_bits=16",
        "permessage-deflate; server_max_window_bits=09",
        "permessage-deflate; server_max_window_bits=many",
        "permessage-deflate; client_max_window_bits=7",
        "permessage-deflate; client_max_window_bits=",
        "permessage-deflate; client_no_context_takeover=1",
        "permessage-deflate; server_no_context_takeover; server_no_context_takeover",
    ],
    ids=str,
)
def test_an_offer_that_cannot_be_kept_to_is_declined(offer: str) -> None:
    assert agree([offer]) is None


@given(st.lists(st.text(max_size=60) | st.text("permsag-dflt; =1589_", max_size=60), max_size=3))
def test_no_offer_does_more_than_be_declined(offers: list[str]) -> None:
    agree(offers)


# --- payloads ----------------------------------------------------------------------------------------------------


@given(st.binary(max_size=5_000), st.sampled_from([NARROWEST, WIDEST]))
def test_what_is_deflated_is_inflated(payload: bytes, window_bits: int) -> None:
    assert inflated(deflated(payload, window_bits), len(payload)) == payload


@pytest.mark.parametrize("size", [511, 512, 513, 40_000, 100_000])
def test_a_narrow_window_is_kept_to(size: int) -> None:
    payload = bytes(range(256)) * (size // 256 + 1)
    reader = zlib.decompressobj(wbits=-NARROWEST)
    assert reader.decompress(deflated(payload, NARROWEST) + b"\0\0\xff\xff") == payload


def test_repetition_is_what_it_saves() -> None:
    assert len(deflated(b"the same again, " * 100, WIDEST)) < 50


@given(st.binary(max_size=5_000))
def test_what_others_deflate_is_inflated(payload: bytes) -> None:
    assert inflated(others(payload), 5_000) == payload


def test_the_examples_of_the_rfc() -> None:
    """Sections 7.2.3.1, 7.2.3.3 (no compression), 7.2.3.4 (a final block), 7.2.3.5 (two blocks), 7.2.3.6 (nothing)."""
    for sample in (
        "f2 48 cd c9 c9 07 00",
        "00 05 00 fa ff 48 65 6c 6c 6f 00",
        "f3 48 cd c9 c9 07 00 00",
        "f2 48 05 00 00 00 ff ff ca c9 c9 07 00",
    ):
        assert inflated(bytes.fromhex(sample), 5) == b"Hello"
    assert inflated(b"\x00", 0) == b""


def test_a_stream_that_ends_finally_needs_nothing_behind_it() -> None:
    assert inflated(others(b"Hello", flush=zlib.Z_FINISH), 5) == b"Hello"


def test_of_a_bomb_no_more_is_made_than_shows_that_it_is_one() -> None:
    bomb = others(bytes(50_000_000))
    assert len(bomb) < 50_000
    assert len(inflated(bomb, 1_000)) == 1_001


@pytest.mark.parametrize(
    "broken",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"\xff" * 20, id="no such block"),
        pytest.param(others(b"Hello" * 50)[:-3], id="truncated"),
        pytest.param(others(bytes(range(256)))[:100], id="truncated in a stored block"),
        pytest.param(zlib.compress(b"Hello"), id="with the header of another format"),
        pytest.param(others(b"Hello", flush=zlib.Z_FINISH) + b"\0more", id="more behind a final block"),
        pytest.param(b"\x03\x00" * 1_000, id="many final blocks"),
    ],
)
def test_what_is_no_whole_stream_is_broken(broken: bytes) -> None:
    with pytest.raises(zlib.error):
        inflated(broken, 1_000)


@given(st.binary(max_size=300), st.integers(0, 100))
def test_no_bytes_do_more_than_break_the_stream(rubbish: bytes, most: int) -> None:
    with suppress(zlib.error):
        assert len(inflated(rubbish, most)) <= most + 1
