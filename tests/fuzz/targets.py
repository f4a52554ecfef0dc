"""What must hold for any bytes at all, one function for each reader of bytes that strangers send.

A target takes bytes and does nothing but raise where a promise is broken. Hypothesis calls them in every check
(`test_targets.py`), atheris for as long as it is told to (`make fuzz`), so each is one plain function of bytes: what it
needs besides them (where to cut, which limit) it takes from their beginning.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any, Final

import h11

from server.gateway.deflate import WIDEST, agree, deflated, inflated
from server.gateway.dialects import PLAIN_JSON, PLAIN_MSGPACK
from server.gateway.parsing import QUIET, BrokenFraming, FrameParser, PeerClose, whole_message
from server.gateway.peer import Peer, Proxies
from server.gateway.refusals import Refused, response
from server.gateway.upgrade import WEBSOCKET_PATH, Fields, Upgrade, judge, switching_protocols
from server.protocol.codec import JSON, MSGPACK, BrokenFrame, Codec, InvalidCommand
from server.protocol.replies import Error, error_from

Target = Callable[[bytes], None]

MESSAGE_BYTES: Final = 1_000
HEAD_BYTES: Final = 4_096
_ENDS: Final = frozenset({None, 1002, 1007, 1009})
_PROXIES: Final = Proxies(["127.0.0.1", "10.0.0.0/8", "::1"])


def cut(data: bytes, sizes: bytes) -> Iterable[bytes]:
    """`data` in pieces of these sizes, over and over; no sizes: in one."""
    at = 0
    while at < len(data):
        for size in sizes or bytes((255,)):
            yield data[at : at + size + 1]
            at += size + 1


def _split(data: bytes) -> tuple[int, bytes, bytes]:
    """A choice, up to three sizes of pieces, and the rest."""
    choice, sizes, rest = data[:1], data[1:4], data[4:]
    return choice[0] if choice else 0, sizes, rest


# --- frames ------------------------------------------------------------------------------------------------------


def frames(data: bytes) -> None:
    """However it is cut, it is the same messages and the same end; and nothing but `BrokenFraming` is raised."""
    choice, sizes, stream = _split(data)
    whole = _parsed([stream], compressed=bool(choice & 1))
    assert whole[1] in _ENDS
    assert _parsed(cut(stream, sizes), compressed=bool(choice & 1)) == whole
    message = whole_message(stream, MESSAGE_BYTES)
    assert message is None or whole == ([message], None)


def _parsed(chunks: Iterable[bytes], *, compressed: bool) -> tuple[list[Any], int | None]:
    """The messages, and the code of what ended them."""
    parser, messages, fed = FrameParser(), list[Any](), 0
    parser.take_compressed(compressed)
    for chunk in chunks:
        parser.feed(chunk)
        fed += len(chunk)
        try:
            while (message := parser.next(MESSAGE_BYTES)) is not None:
                assert not isinstance(message, str | bytes) or len(message) <= MESSAGE_BYTES
                if message is not QUIET:
                    messages.append(message)
                if isinstance(message, PeerClose):
                    return messages, None
        except BrokenFraming as error:
            return messages, error.code
        assert parser.held <= fed
    return messages, None


# --- compression -------------------------------------------------------------------------------------------------


def inflating(data: bytes) -> None:
    """No more is made of it than asked for, and nothing but `zlib.error` is raised; what was made can be said again."""
    most = int.from_bytes(data[:2], "big")
    try:
        message = inflated(data[2:], most)
    except zlib.error:
        return
    assert len(message) <= most + 1
    if len(message) <= most:
        assert inflated(deflated(message, WIDEST), most) == message


def offers(data: bytes) -> None:
    """Any offer is taken or declined; our answer is one that a client may read."""
    agreement = agree(data.decode("latin-1").split(","))
    assert agreement is None or agreement.response.isprintable()


# --- commands ----------------------------------------------------------------------------------------------------


def json_commands(data: bytes) -> None:
    """A command, or a complaint that can be said; as bytes, and as the text a frame makes of it."""
    _decoded(JSON, data)
    with suppress(UnicodeDecodeError):
        _decoded(JSON, data.decode())


def msgpack_commands(data: bytes) -> None:
    """The same for the other encoding."""
    _decoded(MSGPACK, data)


def _decoded(codec: Codec, frame: bytes | str) -> None:
    try:
        command = codec.decode_command(frame)
    except BrokenFrame:
        return
    except InvalidCommand as error:
        _can_be_said(error_from(error.refusal, error.command_id))
    else:
        assert codec.decode_command(codec.encode_event(command)) == command  # type: ignore[arg-type]


def _can_be_said(answer: Error) -> None:
    assert answer.message.isprintable()
    for dialect in (PLAIN_JSON, PLAIN_MSGPACK):
        assert len(dialect.frame_of(answer)) < 1_000


# --- the head of a request -----------------------------------------------------------------------------------------


def heads(data: bytes) -> None:
    """However it is torn, it is no HTTP or the same request; an upgrade is taken, or refused with a whole response."""
    choice, sizes, stream = _split(data)
    stream = stream[:HEAD_BYTES]
    whole = _request_in([stream])
    torn = _request_in(cut(stream, sizes))
    assert (whole is None) == (torn is None)
    if whole is None or torn is None:
        return
    assert (whole.method, whole.target, whole.headers) == (torn.method, torn.target, torn.headers)
    _PROXIES.peer_of(Peer("127.0.0.1"), whole.headers)
    _judged(whole, secure=bool(choice & 1), compression=bool(choice & 2))


def upgrades(data: bytes) -> None:
    """The same for header lines behind a request that asks for the websocket: chance alone would never ask for it."""
    heads(
        data[:4] + b"GET " + WEBSOCKET_PATH + b" HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n" + data[4:] + b"\r\n\r\n"
    )


def _request_in(chunks: Iterable[bytes]) -> h11.Request | None:
    connection = h11.Connection(h11.SERVER, max_incomplete_event_size=HEAD_BYTES)
    try:
        for chunk in chunks:
            connection.receive_data(chunk)
            event = connection.next_event()
            if isinstance(event, h11.Request):
                return event
    except h11.RemoteProtocolError:
        return None
    return None


def _judged(request: h11.Request, *, secure: bool, compression: bool) -> None:
    verdict = judge(
        request.method,
        request.http_version,
        Fields(request.headers.raw_items()),
        {"https://chat.example"},
        secure=secure,
        compression=compression,
    )
    match verdict:
        case Upgrade():
            head = switching_protocols(verdict)
            assert head.endswith(b"\r\n\r\n")
            assert head.count(b"\r\n\r\n") == 1
        case Refused():
            answer = h11.Connection(h11.CLIENT)
            answer.send(h11.Request(method="GET", target="/", headers=[("Host", "x")]))
            answer.send(h11.EndOfMessage())
            answer.receive_data(response(verdict))
            assert isinstance(answer.next_event(), h11.Response)


TARGETS: Final[dict[str, Target]] = {
    target.__name__: target for target in (frames, inflating, offers, json_commands, msgpack_commands, heads, upgrades)
}
