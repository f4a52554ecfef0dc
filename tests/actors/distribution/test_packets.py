"""Packets and envelopes: what goes in comes out, and what is none is said to be none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.distribution.envelopes import Envelope, EnvelopeKind, opened
from actors.distribution.packets import HEADER, VERSION, Kind, Malformed, OtherVersion, Packet, decoded

NUMBER = st.integers(0, 2**64 - 1)
PACKETS = st.builds(Packet, st.sampled_from(Kind), NUMBER, NUMBER, NUMBER, NUMBER, st.lists(st.binary(max_size=50)))
ENVELOPES = st.builds(Envelope, st.integers(0, 255), NUMBER, st.text(max_size=50), st.binary(max_size=50))


@given(PACKETS)
def test_a_packet_comes_out_as_it_went_in(packet: Packet) -> None:
    assert decoded(packet.encoded()) == packet


@given(ENVELOPES)
def test_an_envelope_comes_out_as_it_went_in(envelope: Envelope) -> None:
    assert opened(envelope.encoded()) == envelope


@given(PACKETS, st.integers(min_value=1))
def test_a_packet_that_was_cut_short_is_none(packet: Packet, cut: int) -> None:
    data = packet.encoded()
    with pytest.raises(Malformed):
        decoded(data[: -(cut % len(data)) or -1])


@given(st.binary(max_size=200))
def test_any_bytes_are_a_packet_or_malformed(data: bytes) -> None:
    for some in (data, bytes((VERSION,)) + data):
        try:
            decoded(some)
        except Malformed:
            continue


@given(st.binary(max_size=100))
def test_any_bytes_are_an_envelope_or_malformed(data: bytes) -> None:
    try:
        opened(data)
    except Malformed:
        return


@given(st.integers(0, 255).filter(lambda version: version != VERSION), st.binary(max_size=60))
def test_another_version_is_said_to_be_one_whatever_follows(version: int, rest: bytes) -> None:
    with pytest.raises(OtherVersion) as caught:
        decoded(bytes((version,)) + rest)
    assert caught.value.version == version


def test_a_packet_that_says_it_has_more_is_none() -> None:
    data = Packet(Kind.DATA, 1, 2, 3, 4, [b"one"]).encoded()
    with pytest.raises(Malformed, match="says 1"):
        decoded(data[: HEADER.size])


def test_kinds_keep_their_numbers() -> None:
    """Nodes of the last version and of this one talk to each other."""
    assert [kind.value for kind in Kind] == [1, 2, 3]
    assert {kind.name: kind.value for kind in EnvelopeKind} == {
        "TELL": 1,
        "ANSWER": 2,
        "URGENT": 3,
        "REPLY": 4,
        "FAILURE": 5,
        "FORGET": 6,
        "WATCH": 7,
        "UNWATCH": 8,
        "DOWN": 9,
        "ENDED": 10,
        "GONE": 11,
    }
