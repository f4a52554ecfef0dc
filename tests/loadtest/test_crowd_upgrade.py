"""The upgrade of a crowd's client, and what it makes of the answers."""

from __future__ import annotations

import base64
import hashlib

import pytest

from clients.endpoint import endpoint_of
from loadtest.crowd.upgrade import TurnedAway, after_upgrade, new_key, upgrade_request

KEY = b"dGhlIHNhbXBsZSBub25jZQ=="  # RFC 6455, section 1.3
ACCEPTED = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
)


def test_it_asks_as_the_rfc_says() -> None:
    request = upgrade_request(endpoint_of("http://127.0.0.1:8000/chat"), KEY).decode()
    assert request.startswith("GET /chat/v1/ws HTTP/1.1\r\nHost: 127.0.0.1:8000\r\n")
    assert "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" in request
    assert request.endswith("\r\n\r\n")


def test_keys_are_sixteen_bytes_and_new_each_time() -> None:
    keys = {new_key() for _ in range(10)}
    assert len(keys) == 10
    assert {len(base64.b64decode(key)) for key in keys} == {16}


def test_what_follows_the_answer_is_kept() -> None:
    assert after_upgrade(ACCEPTED, KEY) is None
    assert after_upgrade(ACCEPTED + b"\r\n\r\n\x81\x00", KEY) == b"\x81\x00"


def test_an_answer_to_another_key_is_none() -> None:
    other = base64.b64encode(hashlib.sha1(b"other", usedforsecurity=False).digest())
    with pytest.raises(TurnedAway):
        after_upgrade(b"HTTP/1.1 101 Switching Protocols\r\nsec-websocket-accept: " + other + b"\r\n\r\n", KEY)


@pytest.mark.parametrize(
    ("field", "seconds"), [(b"retry-after: 5\r\n", 5.0), (b"", None), (b"Retry-After: soon\r\n", None)]
)
def test_a_refusal_names_the_time_to_come_again(field: bytes, seconds: float | None) -> None:
    with pytest.raises(TurnedAway) as refused:
        after_upgrade(b"HTTP/1.1 503 Service Unavailable\r\n" + field + b"\r\n", KEY)
    assert (refused.value.status, refused.value.retry_after) == (503, seconds)
