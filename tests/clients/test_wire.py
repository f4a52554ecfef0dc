"""The websocket, client side: what an honest, a strange and a hostile server make of it."""

from __future__ import annotations

import pytest
from wsproto import ConnectionType, WSConnection
from wsproto.events import (
    AcceptConnection,
    BytesMessage,
    CloseConnection,
    Event,
    Ping,
    Pong,
    RejectConnection,
    RejectData,
    Request,
    TextMessage,
)
from wsproto.frame_protocol import FrameProtocol, Opcode

from clients import wire as wire_module
from clients.endpoint import BadUrl, Endpoint, endpoint_of
from clients.wire import Closed, Opened, Rejected, Text, Wire

HERE = Endpoint("127.0.0.1", 8000, tls=False)


class FarEnd:
    """The server's side of one websocket."""

    def __init__(self) -> None:
        self.websocket = WSConnection(ConnectionType.SERVER)

    def hears(self, wire: Wire) -> list[Event]:
        self.websocket.receive_data(wire.to_send())
        return list(self.websocket.events())

    def says(self, event: Event) -> bytes:
        return self.websocket.send(event)


def opened(token: str | None = None) -> tuple[Wire, FarEnd]:
    wire, far = Wire(HERE, token), FarEnd()
    far.hears(wire)
    assert wire.receive(far.says(AcceptConnection(subprotocol="hubbub.v1.json"))) == [Opened()]
    return wire, far


# --- the handshake -------------------------------------------------------------------------------------------


def test_the_upgrade_names_host_path_subprotocol_and_token() -> None:
    (request,) = FarEnd().hears(Wire(Endpoint("chat.example", 443, tls=True, prefix="/talk"), "secret"))
    assert isinstance(request, Request)
    assert (request.host, request.target) == ("chat.example", "/talk/v1/ws")
    assert request.subprotocols == ["hubbub.v1.json"]
    assert (b"authorization", b"Bearer secret") in request.extra_headers


def test_without_a_token_none_is_sent() -> None:
    (request,) = FarEnd().hears(Wire(HERE))
    assert isinstance(request, Request)
    assert b"authorization" not in dict(request.extra_headers)


def test_the_answer_may_come_byte_by_byte_and_frames_right_behind_it() -> None:
    wire, far = Wire(HERE), FarEnd()
    far.hears(wire)
    answer = far.says(AcceptConnection()) + far.says(TextMessage("{}"))
    found = [event for n in range(len(answer)) for event in wire.receive(answer[n : n + 1])]
    assert found == [Opened(), Text("{}")]


def test_a_refused_upgrade_is_told_with_its_status() -> None:
    wire, far = Wire(HERE), FarEnd()
    far.hears(wire)
    headers = [(b"retry-after", b"7"), (b"content-length", b"4")]
    data = far.says(RejectConnection(status_code=503, headers=headers, has_body=True)) + far.says(RejectData(b"busy"))
    assert wire.receive(data) == [Rejected(503, 7.0, b"busy")]


def test_a_refusal_that_is_torn_in_half_is_a_refusal() -> None:
    wire = Wire(HERE)
    wire.to_send()
    assert wire.receive(b"HTTP/1.1 401 Unauthorized\r\ncontent-length: 100\r\n\r\nno") == []
    assert [type(event) for event in wire.receive(b"")] in ([Rejected], [Closed])


@pytest.mark.parametrize(
    "answer",
    [
        b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n"
        b"sec-websocket-accept: bm90IHRoZSByaWdodCBvbmU=\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nupgrade: h2c\r\nconnection: upgrade\r\n\r\n",
        b"",
    ],
    ids=["another protocol", "no accept", "wrong accept", "another upgrade", "end"],
)
def test_who_is_no_websocket_server_ends_the_wire(answer: bytes) -> None:
    wire = Wire(HERE)
    wire.to_send()
    (closed,) = wire.receive(answer)
    assert isinstance(closed, Closed)
    assert closed.code == 1006
    assert wire.receive(b"more") == []


# --- frames --------------------------------------------------------------------------------------------------


def test_texts_go_both_ways() -> None:
    wire, far = opened()
    wire.send_text("grüße".encode())
    (heard,) = far.hears(wire)
    assert isinstance(heard, TextMessage)
    assert heard.data == "grüße"
    assert wire.receive(far.says(TextMessage("zurück"))) == [Text("zurück")]


def test_a_message_in_fragments_is_one_text() -> None:
    wire, far = opened()
    data = far.says(TextMessage("one ", message_finished=False)) + far.says(Ping()) + far.says(TextMessage("two"))
    assert wire.receive(data) == [Text("one two")]


def test_a_ping_is_answered() -> None:
    wire, far = opened()
    assert wire.receive(far.says(Ping(b"abc"))) == []
    (heard,) = far.hears(wire)
    assert isinstance(heard, Pong)
    assert bytes(heard.payload) == b"abc"


def test_a_close_is_answered_and_told() -> None:
    wire, far = opened()
    assert wire.receive(far.says(CloseConnection(code=4001, reason="draining"))) == [Closed(4001, "draining")]
    assert far.hears(wire) == [CloseConnection(code=4001, reason="draining")]


def test_our_close_is_told_once_it_is_answered() -> None:
    wire, far = opened()
    wire.close(1000, "bye")
    (heard,) = far.hears(wire)
    assert isinstance(heard, CloseConnection)
    assert wire.receive(far.says(heard.response())) == [Closed(1000, "bye")]


def test_after_the_end_nothing_is_sent_any_more() -> None:
    wire, far = opened()
    wire.receive(far.says(CloseConnection(code=1000)))
    wire.to_send()
    wire.send_text(b"{}")
    wire.close()
    assert wire.to_send() == b""


def test_a_lost_connection_is_abnormal() -> None:
    wire, _ = opened()
    assert wire.receive(b"") == [Closed(1006, "connection lost")]


def test_a_binary_frame_is_not_this_protocol() -> None:
    wire, far = opened()
    (closed,) = wire.receive(far.says(BytesMessage(b"\x80")))
    assert isinstance(closed, Closed)
    (heard,) = far.hears(wire)
    assert isinstance(heard, CloseConnection)
    assert heard.code == 1003


def test_a_broken_frame_ends_the_wire_with_a_word_to_the_server() -> None:
    wire, far = opened()
    (closed,) = wire.receive(b"\xff\xff\xff\xff")
    assert isinstance(closed, Closed)
    (heard,) = far.hears(wire)
    assert isinstance(heard, CloseConnection)
    assert heard.code == 1002


def test_text_that_is_no_utf8_ends_the_wire() -> None:
    wire, _ = opened()
    frame = FrameProtocol(client=False, extensions=[])._serialize_frame(Opcode.TEXT, b"\xc3\x28", True)
    (closed,) = wire.receive(bytes(frame))
    assert isinstance(closed, Closed)


def test_a_message_without_end_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire_module, "LARGEST_MESSAGE", 1_000)
    wire, far = opened()
    found = []
    for _ in range(20):
        found += wire.receive(far.says(TextMessage("x" * 100, message_finished=False)))
    (closed,) = found
    assert isinstance(closed, Closed)
    (heard,) = far.hears(wire)
    assert isinstance(heard, CloseConnection)
    assert heard.code == 1009


# --- where the server is -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "endpoint", "authority"),
    [
        ("http://127.0.0.1:8000", Endpoint("127.0.0.1", 8000, tls=False), "127.0.0.1:8000"),
        ("localhost:8000", Endpoint("localhost", 8000, tls=False), "localhost:8000"),
        ("https://chat.example/", Endpoint("chat.example", 443, tls=True), "chat.example"),
        ("wss://chat.example:8443/talk/", Endpoint("chat.example", 8443, True, "/talk"), "chat.example:8443"),
        ("http://[::1]:80", Endpoint("::1", 80, tls=False), "[::1]"),
    ],
)
def test_urls_that_name_a_server(url: str, endpoint: Endpoint, authority: str) -> None:
    assert endpoint_of(url) == endpoint
    assert endpoint.authority == authority


@pytest.mark.parametrize(
    "url", ["", "ftp://x", "http://", "http://x:99999", "http://u:p@x", "http://x/?q", "http://[::1", "http://x/ü"]
)
def test_urls_that_name_none(url: str) -> None:
    with pytest.raises(BadUrl):
        endpoint_of(url)
