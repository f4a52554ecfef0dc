"""A client of a crowd against a server that is played by hand: what it says, what it keeps, what it reports."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import Iterator

import pytest
from wsproto.connection import Connection, ConnectionType
from wsproto.events import TextMessage
from wsproto.frame_protocol import FrameProtocol

from clients.checker import Acknowledged, Began, CaughtUp, Closed, Delivered, Fact, GapTold, Posted, Refused
from clients.endpoint import endpoint_of
from loadtest.member import Member, Stage
from server.protocol.codec import JSON
from server.protocol.commands import AnyCommand, Cursor, Hello, Post
from server.protocol.errors import ErrorCode
from server.protocol.events import (
    AnyEvent,
    Error,
    Joined,
    Limits,
    MessageEntry,
    Ok,
    Resumed,
    Welcome,
)
from server.protocol.objects import Room, User

ENDPOINT = endpoint_of("http://127.0.0.1:1")
ANN, BOB = User(user="u_ann", name="ann"), User(user="u_bob", name="bob")
AT = "2026-01-01T00:00:00.000Z"


def room(last_seq: int) -> Room:
    return Room(
        room="r_1",
        log="l_1",
        kind="group",
        members=2,
        last_seq=last_seq,
        read_seq=0,
        role="member",
        unread=0,
        mentions=0,
    )


def welcome(last_seq: int) -> Welcome:
    return Welcome(
        me=ANN, session="s", node="n", heartbeat=30_000, features=(), rooms=[room(last_seq)],
        limits=Limits(frame=1, text=1, unanswered=1),
    )  # fmt: skip


def message(seq: int, author: User, nonce: str, text: str) -> MessageEntry:
    return MessageEntry(seq=seq, room="r_1", from_=author, text=text, at=AT, nonce=nonce, reactions=[])


class Ann:
    """The member, with the server's side of its connection."""

    def __init__(self) -> None:
        self.facts: list[Fact] = []
        self.member = Member("u_ann", "token", self.facts.append, lambda: 0.0)
        self._frames = FrameProtocol(client=False, extensions=[])

    def arrives(self) -> Hello:
        request = self.member.begin(ENDPOINT)
        key = request.partition(b"Sec-WebSocket-Key: ")[2].partition(b"\r\n")[0]
        accepted = b64encode(hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())
        said = self.member.receive(
            b"HTTP/1.1 101 Switching Protocols\r\nsec-websocket-accept: " + accepted + b"\r\n\r\n"
        )
        (hello,) = commands(said)
        assert isinstance(hello, Hello)
        return hello

    def hears(self, *events: AnyEvent) -> list[AnyCommand]:
        frames = b"".join(
            bytes(self._frames.send_data(JSON.encode_event(event).decode(), fin=True)) for event in events
        )
        return list(commands(self.member.receive(frames)))

    def told(self, kind: type[Fact]) -> list[Fact]:
        return [fact for fact in self.facts if isinstance(fact, kind)]


def commands(said: bytes) -> Iterator[AnyCommand]:
    server = Connection(ConnectionType.SERVER)
    server.receive_data(said)
    for event in server.events():
        assert isinstance(event, TextMessage)
        yield JSON.decode_command(event.data)


@pytest.fixture
def ann() -> Ann:
    arrived = Ann()
    assert arrived.arrives() == Hello(token="token")
    arrived.hears(welcome(3))
    return arrived


def test_it_is_owed_what_follows_its_first_welcome(ann: Ann) -> None:
    assert ann.member.stage is Stage.READY
    ann.hears(message(4, BOB, "n", "hello"), Joined(room="r_1", seq=5, user=BOB, at=AT))
    assert ann.facts == [
        Began("u_ann", "r_1", 3),
        Delivered("u_ann", "r_1", 4, "u_bob", "n", "hello"),
        Delivered("u_ann", "r_1", 5),
    ]
    assert ann.member.has_all({"r_1": 5, "r_other": 99})
    assert not ann.member.has_all({"r_1": 6})


def test_it_comes_back_to_where_it_was(ann: Ann) -> None:
    ann.hears(message(4, BOB, "n", "hello"))
    ann.member.lost()
    assert ann.arrives() == Hello(token="token", resume={"r_1": Cursor("l_1", 4)})
    ann.hears(welcome(6), message(5, BOB, "o", "missed"))
    assert ann.member.stage is Stage.OPENING, "it waits for the end of the recovery"
    ann.hears(Resumed(room="r_1", recovered=True, from_=5, to=6, last_seq=6))
    assert ann.member.stage is Stage.READY
    assert ann.told(CaughtUp) == [CaughtUp("u_ann", "r_1", 6)]
    assert len(ann.told(Began)) == 1, "it is the same reader"


def test_a_gap_it_is_told_of_is_reported_as_one(ann: Ann) -> None:
    ann.member.lost()
    ann.arrives()
    ann.hears(welcome(5_000), Resumed(room="r_1", recovered=False, last_seq=5_000, reason="too_much"))
    assert ann.told(GapTold) == [GapTold("u_ann", "r_1", 5_000)]
    assert ann.member.has_all({"r_1": 5_000})


def test_what_was_not_answered_is_said_again_after_the_recovery_under_its_nonce(ann: Ann) -> None:
    (first,) = commands(ann.member.post("r_1", "mine"))
    assert isinstance(first, Post)
    ann.member.lost()
    assert ann.told(Closed) == [Closed(("u_ann", 1), 0.0)]
    ann.arrives()
    assert ann.hears(welcome(4)) == []
    assert ann.hears(Resumed(room="r_1", recovered=True, to=4, last_seq=4)) == [first]
    ann.hears(Ok(id=first.id, room="r_1", seq=4, duplicate=True))
    assert ann.told(Acknowledged) == [Acknowledged("u_ann", "r_1", first.nonce, 4, duplicate=True)]
    assert [type(fact) for fact in ann.facts].count(Posted) == 2
    assert ann.member.unanswered == 0


def test_what_is_said_while_it_is_away_goes_out_once_it_is_ready(ann: Ann) -> None:
    ann.member.lost()
    assert ann.member.post("r_1", "later") == b""
    ann.arrives()
    (said,) = ann.hears(welcome(3), Resumed(room="r_1", recovered=True, to=3, last_seq=3))
    assert isinstance(said, Post)
    assert said.text == "later"


def test_what_is_refused_for_now_is_said_again_and_what_is_refused_for_good_is_not(ann: Ann) -> None:
    (first, second) = (next(commands(ann.member.post("r_1", text))) for text in ("one", "two"))
    ann.hears(Error(id=first.id, code=ErrorCode.UNAVAILABLE, message="later", retry_after=100))
    ann.hears(Error(id=second.id, code=ErrorCode.FORBIDDEN, message="no"))
    assert ann.member.was_refused
    assert list(commands(ann.member.retry())) == [first]
    assert [fact.final for fact in ann.told(Refused) if isinstance(fact, Refused)] == [False, True]
    assert ann.member.unanswered == 1
