"""TLS in the process: its handshake, what breaks it, records of all sizes, and a new certificate."""

from __future__ import annotations

import json
import logging
import os
import shutil
import socket
import ssl
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path

import pytest
import trio

from server.gateway.asgi import Message, Receive, Send
from server.gateway.certificates import Certificate
from server.gateway.limits import GatewayLimits
from server.gateway.peer import Proxies
from server.gateway.tls import RECORD_BYTES, TlsSocket
from tests.gateway.doorway import PATIENCE, TOKEN, Door, open_door, text, until
from tests.harness.authority import Authority

QUICK = GatewayLimits(handshake_seconds=0.3, stop_seconds=0.3, close_seconds=0.3)
BEHIND_PROXY = Proxies(["127.0.0.1"])
"""All clients of these tests are this proxy."""


# --- a socket for itself ---------------------------------------------------------------------------------------------


@pytest.fixture
def pair(authority: Authority) -> Iterator[tuple[TlsSocket, ssl.SSLSocket]]:
    """The server's end, with a small buffer and without waiting, and a client's, which waits."""
    files = authority.issue()
    ours, theirs = socket.socketpair()
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4_096)
    ours.setblocking(False)
    theirs.setblocking(False)
    server = Certificate(files.certificate, files.key).context.wrap_socket(
        ours, server_side=True, do_handshake_on_connect=False
    )
    client = authority.trusting().wrap_socket(theirs, server_hostname="localhost", do_handshake_on_connect=False)
    done = 0
    for _ in range(20):
        for end in (client, server):
            try:
                end.do_handshake()
                done += 1
            except ssl.SSLWantReadError:
                pass
    assert done > 2
    with pytest.raises(ssl.SSLWantReadError):
        client.recv(1)  # the ticket
    with closing(TlsSocket(server)) as secured, client:
        yield secured, client


def heard(client: ssl.SSLSocket) -> bytes:
    """All that has arrived."""
    arrived = b""
    try:
        while more := client.recv(RECORD_BYTES):
            arrived += more
    except ssl.SSLWantReadError:
        pass
    return arrived


def sent_through(server: TlsSocket, client: ssl.SSLSocket, data: bytes) -> tuple[bytes, int]:
    """What arrives if the sender comes back with the rest whenever it may, and how often it had to wait."""
    arrived, waits, rest = b"", 0, memoryview(data)
    while rest:
        try:
            rest = rest[server.send(rest) :]
        except BlockingIOError:
            waits += 1
            assert waits < 1_000, "it moves"
            arrived += heard(client)
    return arrived + heard(client), waits


@pytest.mark.parametrize("size", [1, 100, RECORD_BYTES - 1, RECORD_BYTES, RECORD_BYTES + 1, 300_000])
def test_every_byte_arrives_once_however_little_the_kernel_takes(
    pair: tuple[TlsSocket, ssl.SSLSocket], size: int
) -> None:
    server, client = pair
    data = os.urandom(size)
    arrived, waits = sent_through(server, client, data)
    assert arrived == data
    assert waits or size < 10_000


def test_a_record_that_was_begun_is_finished_whatever_comes_behind_it(pair: tuple[TlsSocket, ssl.SSLSocket]) -> None:
    """As when the rest of a queue is dropped, and a close frame follows: what counted as sent must arrive."""
    server, client = pair
    data = os.urandom(100_000)
    sent = server.send(data)
    assert sent < len(data)
    with pytest.raises(BlockingIOError):
        server.send(data[sent:])
    last = data[sent : sent + 1] + b"goodbye"
    arrived, _waits = sent_through(server, client, last)
    assert arrived == data[:sent] + last


def test_a_record_is_handed_out_whole_because_nobody_would_tell_of_the_rest(
    pair: tuple[TlsSocket, ssl.SSLSocket],
) -> None:
    server, client = pair
    client.send(b"x" * 1_000)
    client.send(b"y" * 1_000)
    assert server.recv(10) == b"x" * 1_000
    client.send(b"z" * 1_000)
    assert server.recv(65_536) == b"y" * 1_000 + b"z" * 1_000, "all that has come, so that it is handled together"
    with pytest.raises(BlockingIOError):
        server.recv(65_536)


def test_a_hundred_small_records_are_handed_out_in_portions(pair: tuple[TlsSocket, ssl.SSLSocket]) -> None:
    server, client = pair
    for _ in range(100):
        client.send(b"x")
    portions = []
    with suppress(BlockingIOError):
        while portion := server.recv(65_536):
            portions.append(len(portion))
    assert sum(portions) == 100
    assert max(portions) < 20


def test_records_and_the_end_behind_them(pair: tuple[TlsSocket, ssl.SSLSocket]) -> None:
    server, client = pair
    client.send(b"the last word")
    with suppress(ssl.SSLWantReadError):
        client.unwrap()
    assert server.recv(65_536) == b"the last word"
    assert server.recv(65_536) == b""
    assert server.recv(65_536) == b"", "and again"


def test_after_its_goodbye_it_only_tells_whether_the_peer_goes_on(pair: tuple[TlsSocket, ssl.SSLSocket]) -> None:
    server, client = pair
    server.send(b"the last word")
    client.send(b"still talking")
    server.shutdown(socket.SHUT_WR)
    assert client.recv(100) == b"the last word"
    assert client.recv(100) == b"", "our goodbye"
    with suppress(BlockingIOError):
        assert server.recv(65_536) != b"still talking"
    with pytest.raises(OSError, match="pipe"):
        server.send(b"more")
    client.close()
    assert server.recv(65_536) == b""


# --- the handshake ---------------------------------------------------------------------------------------------------


async def plain_answer(door: Door, request: bytes) -> bytes:
    """What somebody hears who does not speak TLS."""
    async with await trio.open_tcp_stream("127.0.0.1", door.port) as stream:
        await stream.send_all(request)
        said = b""
        with trio.fail_after(PATIENCE):
            try:
                async for part in stream:
                    said += part
            except trio.BrokenResourceError:
                pass
    return said


def no_traceback(log: pytest.LogCaptureFixture) -> bool:
    return not any(record.exc_info or record.levelno > logging.INFO for record in log.records)


@pytest.mark.parametrize(
    "request_", [b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"DELETE /v1/ws HTTP/1.0\r\n\r\n", b"\0rubbish\r\n"]
)
async def test_plain_http_on_a_port_for_tls_is_told_so(
    authority: Authority, request_: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "server.gateway")
    async with open_door(QUICK, authority=authority) as door:
        said = await plain_answer(door, request_)
        assert said.startswith(b"HTTP/1.1 400 ")
        assert b"this port speaks https" in said
        assert await door.welcomed()
        await until(lambda: len(door.gateway.addresses) == 1)
    assert caplog.text.count("refused 127.0.0.1: this port speaks https, not plain http") == 1
    assert no_traceback(caplog)


async def test_tls_on_a_plain_port_ends_at_once(authority: Authority, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "server.gateway")
    async with open_door(QUICK) as door:
        door.tls = authority.trusting()
        with pytest.raises(trio.BrokenResourceError) as caught:
            await door.client()
        assert isinstance(caught.value.__cause__, ssl.SSLError)
        door.tls = None
        assert await door.welcomed()
    assert caplog.text.count("refused 127.0.0.1: this port speaks plain http, not https") == 1
    assert no_traceback(caplog)


@pytest.mark.parametrize(
    "begun", [b"", b"\x16", b"\x16\x03\x01\x02\x00\x01\x00\x01"], ids=["nothing", "a byte", "a part"]
)
async def test_a_handshake_that_is_not_finished_is_ended_in_time(authority: Authority, begun: bytes) -> None:
    async with open_door(QUICK, authority=authority) as door:
        assert await plain_answer(door, begun) == b""
        assert door.gateway.counts.handshakes["failed", "tls"] == 1
        assert not door.gateway.counts.handshaking


@pytest.mark.parametrize(
    "rubbish", [b"\x16\x03\x01\x00\x05rubbish", b"\x16" * 100, b"\x16\x03\x01\xff\xff" + b"x" * 70_000]
)
async def test_a_handshake_of_rubbish_is_ended(
    authority: Authority, rubbish: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    async with open_door(authority=authority) as door:
        await plain_answer(door, rubbish)
        await until(lambda: door.gateway.counts.handshakes["failed", "tls"] == 1)
        assert await door.welcomed()
    assert no_traceback(caplog)


async def test_a_client_that_does_not_trust_us_is_no_fault_of_ours(
    authority: Authority, caplog: pytest.LogCaptureFixture
) -> None:
    async with open_door(QUICK, authority=authority) as door:
        door.tls = ssl.create_default_context()
        with pytest.raises(trio.BrokenResourceError):
            await door.client()
        await until(lambda: door.gateway.counts.handshakes.total())
        await until(lambda: len(door.gateway.addresses) == 0)
    assert no_traceback(caplog)


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
async def test_versions_that_are_broken_are_not_spoken(authority: Authority) -> None:
    async with open_door(authority=authority) as door:
        assert door.tls is not None
        door.tls.set_ciphers("ALL:@SECLEVEL=0")
        door.tls.minimum_version = ssl.TLSVersion.TLSv1
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            door.tls.maximum_version = version
            assert await door.welcomed()
        door.tls.maximum_version = ssl.TLSVersion.TLSv1_1
        with pytest.raises(trio.BrokenResourceError) as caught:
            await door.client()
        assert "ALERT_PROTOCOL_VERSION" in str(caught.value.__cause__)


async def test_browsers_agree_on_http_1_1(authority: Authority) -> None:
    async with open_door(authority=authority) as door:
        assert door.tls is not None
        door.tls.set_alpn_protocols(["h2", "http/1.1"])
        client = await door.client()
        assert isinstance(client.stream, trio.SSLStream)
        assert client.stream.selected_alpn_protocol() == "http/1.1"


async def test_who_cannot_be_let_in_gets_an_alert_and_no_handshake(authority: Authority) -> None:
    limits = replace(QUICK, max_connections_per_address=1)
    async with open_door(limits, authority=authority) as door:
        inside = await door.welcomed()
        with pytest.raises(trio.BrokenResourceError) as caught:
            await door.client()
        assert "ALERT_INTERNAL_ERROR" in str(caught.value.__cause__)
        await inside.say({"op": "ping"})
        assert (await inside.hear())["op"] == "pong"


# --- a connection ----------------------------------------------------------------------------------------------------


async def test_a_message_may_come_in_many_records_and_many_messages_in_one(authority: Authority) -> None:
    async with open_door(authority=authority) as door:
        client = await door.welcomed()
        for byte in text(json.dumps({"op": "ping", "id": 1})):
            await client.send(bytes((byte,)))
        assert (await client.hear())["id"] == 1
        await client.send(b"".join(text(json.dumps({"op": "ping", "id": number})) for number in range(2, 300)))
        assert [(await client.hear())["id"] for _ in range(2, 300)] == list(range(2, 300))


async def test_a_message_as_large_as_may_be_takes_several_records(authority: Authority) -> None:
    async with open_door(authority=authority) as door:
        client = await door.welcomed()
        await client.send(text(json.dumps({"op": "ping", "id": 7, "padding": "x" * 60_000})))
        assert (await client.hear())["id"] == 7


async def test_what_follows_the_handshake_in_the_same_record_is_heard(authority: Authority) -> None:
    async with open_door(authority=authority) as door:
        client = await door.client()
        await client.send(
            b"GET /v1/ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
            + text(json.dumps({"op": "hello", "token": TOKEN}))
        )
        assert (await client.head()).startswith(b"HTTP/1.1 101 ")
        assert (await client.hear())["op"] == "welcome"


async def test_a_goodbye_ends_the_connection_and_ours_is_said(authority: Authority) -> None:
    async with open_door(authority=authority) as door:
        client = await door.welcomed()
        assert isinstance(client.stream, trio.SSLStream)
        await client.say({"op": "ping"})
        assert (await client.hear())["op"] == "pong"
        await client.send(bytes((0x88, 0x80, 0, 0, 0, 0)))
        assert await client.frame() == (8, b"")
        strict = client.stream
        strict._https_compatible = False  # an end without a goodbye would raise
        assert await strict.receive_some(100) == b""
        client.socket.close()
        await until(lambda: not door.connections)
        await until(lambda: len(door.gateway.addresses) == 0)


async def test_requests_over_tls_know_it(authority: Authority) -> None:
    seen: list[tuple[str, str]] = []

    async def app(scope: Message, receive: Receive, send: Send) -> None:
        seen.append((scope["scheme"], scope["client"][0]))
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async with open_door(authority=authority, app=app) as door:
        client = await door.client()
        for _ in range(2):
            await client.send(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            assert await client.status() == 204
    async with open_door(app=app) as door:
        client = await door.client()
        await client.send(
            b"GET / HTTP/1.1\r\nHost: x\r\nX-Forwarded-Proto: https\r\nX-Forwarded-For: 192.0.2.1\r\n\r\n"
        )
        assert await client.status() == 204
    async with open_door(app=app, proxies=BEHIND_PROXY) as door:
        client = await door.client()
        await client.send(
            b"GET / HTTP/1.1\r\nHost: x\r\nX-Forwarded-Proto: https\r\nX-Forwarded-For: 192.0.2.1\r\n\r\n"
        )
        assert await client.status() == 204
    assert seen == [("https", "127.0.0.1")] * 2 + [("http", "127.0.0.1"), ("https", "192.0.2.1")]


async def test_a_new_certificate_is_shown_to_the_next_and_nobody_is_disturbed(
    authority: Authority, tmp_path: Path
) -> None:
    async with open_door(authority=authority) as door:
        inside = await door.welcomed()
        certificate = door.gateway.certificate
        assert certificate is not None
        others = Authority(tmp_path)
        issued = others.issue()
        shutil.copy(issued.certificate, certificate.file)
        shutil.copy(issued.key, certificate.key)
        certificate.reload()
        with pytest.raises(trio.BrokenResourceError):
            await door.client()
        await inside.say({"op": "ping"})
        assert (await inside.hear())["op"] == "pong"
        door.tls = others.trusting()
        assert await door.welcomed()


# --- behind a proxy --------------------------------------------------------------------------------------------------


def forwarded(host: str, proto: str = "https") -> str:
    return f"X-Forwarded-For: {host}\r\nX-Forwarded-Proto: {proto}\r\n"


async def upgraded(door: Door, headers: str) -> bytes:
    client = await door.client()
    return (await client.upgrade(headers)).split(b"\r\n")[0]


async def test_websockets_of_a_proxy_count_as_those_of_who_is_behind_it() -> None:
    limits = replace(QUICK, max_connections_per_address=1)
    async with open_door(limits, proxies=BEHIND_PROXY) as door:
        first = await door.websocket(forwarded("192.0.2.1"))
        assert (await upgraded(door, forwarded("192.0.2.1"))).startswith(b"HTTP/1.1 503 ")
        assert (await upgraded(door, forwarded("192.0.2.2"))).startswith(b"HTTP/1.1 101 ")
        assert (await upgraded(door, forwarded("192.0.2.2, 192.0.2.3"))).startswith(b"HTTP/1.1 101 ")
        assert (await upgraded(door, "")).startswith(b"HTTP/1.1 101 "), "the proxy's own, which stands for many"
        assert (await upgraded(door, "")).startswith(b"HTTP/1.1 101 ")
        first.reset()
        await until(lambda: door.gateway.addresses.count("192.0.2.1") == 0)
        assert (await upgraded(door, forwarded("192.0.2.1"))).startswith(b"HTTP/1.1 101 ")


async def test_who_is_no_proxy_counts_as_itself_whatever_it_claims() -> None:
    limits = replace(QUICK, max_connections_per_address=1)
    async with open_door(limits) as door:
        await door.websocket(forwarded("192.0.2.1"))
        refused = await door.client()
        assert (await refused.upgrade(forwarded("192.0.2.2"))).startswith(b"HTTP/1.1 503 ")


async def test_a_page_that_came_in_plain_may_not_connect_over_tls(authority: Authority) -> None:
    plain, secure = "Origin: http://127.0.0.1\r\n", "Origin: https://127.0.0.1\r\n"
    async with open_door(QUICK, authority=authority) as door:
        assert (await upgraded(door, plain)).startswith(b"HTTP/1.1 403 ")
        assert (await upgraded(door, secure)).startswith(b"HTTP/1.1 101 ")
    async with open_door(QUICK, proxies=BEHIND_PROXY) as door:
        assert (await upgraded(door, plain + forwarded("192.0.2.1", "https"))).startswith(b"HTTP/1.1 403 ")
        assert (await upgraded(door, plain + forwarded("192.0.2.1", "http"))).startswith(b"HTTP/1.1 101 ")
    async with open_door(QUICK) as door:
        assert (await upgraded(door, plain + forwarded("192.0.2.1", "https"))).startswith(b"HTTP/1.1 101 ")
