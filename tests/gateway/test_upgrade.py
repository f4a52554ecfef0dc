"""The opening handshake: which requests become a websocket, and what the others are told."""

from __future__ import annotations

import base64

import pytest

from server.gateway import refusals
from server.gateway.deflate import WIDEST
from server.gateway.dialects import PLAIN_JSON, PLAIN_MSGPACK, Dialect, dialect
from server.gateway.refusals import Refused
from server.gateway.upgrade import Fields, Upgrade, judge, switching_protocols
from server.protocol.codec import JSON

KEY = b"dGhlIHNhbXBsZSBub25jZQ=="  # the sample of RFC 6455, section 1.3
GOOD = {
    b"host": b"chat.example:8000",
    b"upgrade": b"websocket",
    b"connection": b"Upgrade",
    b"sec-websocket-version": b"13",
    b"sec-websocket-key": KEY,
}


def judged(
    changes: dict[bytes, bytes | None] | None = None,
    method: bytes = b"GET",
    version: bytes = b"1.1",
    origins: frozenset[str] = frozenset(),
    compression: bool = False,
) -> Upgrade | Refused:
    fields = {**GOOD, **(changes or {})}
    present = [(name, value) for name, value in fields.items() if value is not None]
    return judge(method, version, Fields(present), origins, compression=compression)


def test_the_sample_of_the_rfc() -> None:
    upgrade = judged()
    assert isinstance(upgrade, Upgrade)
    assert b"sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n" in switching_protocols(upgrade)


@pytest.mark.parametrize(
    "changes",
    [
        {b"upgrade": b"WebSocket"},
        {b"upgrade": b"h2c, websocket"},
        {b"connection": b"keep-alive, Upgrade"},
        {b"connection": b"upgrade"},
        {b"sec-websocket-extensions": b"permessage-deflate"},
        {b"content-length": b"0"},
    ],
    ids=str,
)
def test_variants_that_are_as_good(changes: dict[bytes, bytes]) -> None:
    assert isinstance(judged(dict(changes)), Upgrade)


@pytest.mark.parametrize(
    ("offered", "subprotocol", "spoken"),
    [
        (None, None, PLAIN_JSON),
        (b"hubbub.v1.json", "hubbub.v1.json", PLAIN_JSON),
        (b"hubbub.v1.msgpack", "hubbub.v1.msgpack", PLAIN_MSGPACK),
        (b"hubbub.v2.json, hubbub.v1.msgpack, hubbub.v1.json", "hubbub.v1.msgpack", PLAIN_MSGPACK),
        (b"chat", None, PLAIN_JSON),
    ],
)
def test_the_first_subprotocol_that_is_spoken_here(
    offered: bytes | None, subprotocol: str | None, spoken: Dialect
) -> None:
    upgrade = judged({b"sec-websocket-protocol": offered})
    assert isinstance(upgrade, Upgrade)
    assert (upgrade.subprotocol, upgrade.dialect) == (subprotocol, spoken)
    said = b"sec-websocket-protocol: " + (subprotocol or "").encode()
    assert (said in switching_protocols(upgrade)) is (subprotocol is not None)


def test_compression_is_taken_where_it_is_on() -> None:
    offer: dict[bytes, bytes | None] = {b"sec-websocket-extensions": b"permessage-deflate; client_max_window_bits"}
    upgrade = judged(offer, compression=True)
    assert isinstance(upgrade, Upgrade)
    assert upgrade.dialect is dialect(JSON, WIDEST)
    assert (
        b"\r\nsec-websocket-extensions: permessage-deflate; server_no_context_takeover; client_no_context_takeover\r\n"
        in switching_protocols(upgrade)
    )


@pytest.mark.parametrize(("offer", "compression"), [(b"permessage-deflate", False), (b"x-other", True), (None, True)])
def test_compression_is_not_used_otherwise(offer: bytes | None, compression: bool) -> None:
    upgrade = judged({b"sec-websocket-extensions": offer}, compression=compression)
    assert isinstance(upgrade, Upgrade)
    assert upgrade.dialect is PLAIN_JSON
    assert b"extensions" not in switching_protocols(upgrade)


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({b"upgrade": None}, 426),
        ({b"upgrade": b"h2c"}, 426),
        ({b"connection": b"close"}, 400),
        ({b"connection": None}, 400),
        ({b"sec-websocket-version": b"8"}, 426),
        ({b"sec-websocket-version": None}, 426),
        ({b"sec-websocket-key": None}, 400),
        ({b"sec-websocket-key": b"short"}, 400),
        ({b"sec-websocket-key": base64.b64encode(b"x" * 15)}, 400),
        ({b"sec-websocket-key": "é".encode()}, 400),
        ({b"content-length": b"3"}, 400),
        ({b"transfer-encoding": b"chunked"}, 400),
        ({b"authorization": b"Basic abc"}, 401),
        ({b"authorization": b"Bearer "}, 401),
        ({b"origin": b"https://evil.example"}, 403),
        ({b"origin": b"null"}, 403),
        ({b"origin": b"http://chat.example"}, 403),
        ({b"origin": b"file://chat.example:8000"}, 403),
        ({b"origin": b"http://[bad"}, 403),
    ],
    ids=str,
)
def test_requests_that_are_refused(changes: dict[bytes, bytes | None], status: int) -> None:
    refused = judged(changes)
    assert isinstance(refused, Refused)
    assert refused.status == status


def test_the_refusal_of_another_version_names_ours() -> None:
    refused = judged({b"sec-websocket-version": b"8"})
    assert isinstance(refused, Refused)
    assert b"sec-websocket-version: 13\r\n" in refusals.response(refused)


def test_other_methods_and_http_1_0_are_refused() -> None:
    assert judged(method=b"POST") == judged(version=b"1.0")
    assert isinstance(judged(method=b"POST"), Refused)


@pytest.mark.parametrize("origin", [b"http://chat.example:8000", b"https://CHAT.example:8000"])
def test_the_servers_own_pages_are_welcome_also_behind_a_tls_terminator(origin: bytes) -> None:
    assert isinstance(judged({b"origin": origin}), Upgrade)


def test_listed_origins_are_welcome() -> None:
    origins = frozenset({"https://other.example"})
    assert isinstance(judged({b"origin": b"https://Other.example"}, origins=origins), Upgrade)
    assert isinstance(judged({b"origin": b"https://another.example"}, origins=origins), Refused)


@pytest.mark.parametrize(
    ("offered", "chosen"),
    [
        (None, None),
        (b"hubbub.v1.json", "hubbub.v1.json"),
        (b"graphql-ws, hubbub.v1.json", "hubbub.v1.json"),
        (b"graphql-ws", None),
    ],
)
def test_the_subprotocol_is_chosen_from_those_offered(offered: bytes | None, chosen: str | None) -> None:
    upgrade = judged({b"sec-websocket-protocol": offered})
    assert isinstance(upgrade, Upgrade)
    assert upgrade.subprotocol == chosen
    assert (b"sec-websocket-protocol" in switching_protocols(upgrade)) == (chosen is not None)


def test_the_token_is_taken_from_the_header() -> None:
    upgrade = judged({b"authorization": b"bearer abc.def"})
    assert isinstance(upgrade, Upgrade)
    assert upgrade.token == "abc.def"


def test_two_keys_are_ambiguous() -> None:
    fields = Fields([*GOOD.items(), (b"sec-websocket-key", KEY)])
    assert isinstance(judge(b"GET", b"1.1", fields, frozenset(), compression=False), Refused)
