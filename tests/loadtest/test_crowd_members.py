"""Clients of a crowd against a server that is played by hand: what they say, what they keep, what they report."""

from __future__ import annotations

import time

import pytest
from wsproto.events import CloseConnection, Pong
from wsproto.frame_protocol import FrameProtocol

from clients.endpoint import endpoint_of
from loadtest.crowd.entries import Entry
from loadtest.crowd.members import Members
from loadtest.crowd.standing import OPENING, PARTIAL, READY, SPEAKING, Standing
from loadtest.crowd.watcher import Watcher
from loadtest.histogram import Histogram
from loadtest.ledger import Ledger
from loadtest.marks import mark, now_mark, read_mark
from server.protocol.commands import AnyCommand
from server.protocol.entries import Joined
from server.protocol.errors import ErrorCode
from server.protocol.events import AnyEvent, Reconnect, TypingEvent
from server.protocol.hello_commands import Cursor, Hello
from server.protocol.message_commands import Post
from server.protocol.objects import User
from server.protocol.page_commands import History
from server.protocol.replies import Error, Ok, Resumed
from tests.harness.played import AT, Numbered, commands, frames, message, served, switched, welcome

ENDPOINT = endpoint_of("http://127.0.0.1:1")
BOB = User(user="u_bob", name="bob")
ANN = 0


class Witness(Watcher):
    def __init__(self) -> None:
        self.seen: list[Entry] = []
        self.calls: list[str] = []
        self.histogram = Histogram()

    def entry(self, entry: Entry) -> Histogram:
        self.seen.append(entry)
        return self.histogram

    def welcomed(self, number: int, seconds: float) -> None:
        self.calls.append("welcomed")

    def acknowledged(self, number: int, room: str, seconds: float) -> None:
        self.calls.append(f"acknowledged in {room}")

    def abandoned(self, number: int, room: str) -> None:
        self.calls.append(f"abandoned in {room}")


class Ann:
    """The members with the server's side of one's connection, and what their sockets are asked for."""

    def __init__(self, rooms: int = 2) -> None:
        self.witness, self.ledger = Witness(), Ledger()
        self.members = Members(Numbered(rooms), Standing(range(3)), self.witness, self.ledger, self)
        self.asked: list[tuple[str, float]] = []
        self.request = b""

    def is_open(self, slot: int) -> None:
        self.asked.append(("is open", slot))

    def retry_in(self, slot: int, seconds: float) -> None:
        self.asked.append(("retry", seconds))

    def leave_in(self, slot: int, after: int, window: int) -> None:
        self.asked.append(("leave", after + window))

    def arrives(self, slot: int = ANN) -> Hello:
        self.request = self.members.begin(slot, ENDPOINT, 0.0)
        head = switched(self.request)
        assert self.members.receive(slot, head[:30]) == b""
        (hello,) = commands(self.members.receive(slot, head[30:]))
        assert isinstance(hello, Hello)
        return hello

    def hears(self, *events: AnyEvent, slot: int = ANN) -> list[AnyCommand]:
        return list(commands(self.members.receive(slot, frames(*events))))

    def posts(self, text: str) -> Post:
        (post,) = commands(self.members.speeches.post(ANN, 0, text, "label"))
        assert isinstance(post, Post)
        return post

    def places(self, slot: int = ANN) -> list[tuple[str, int, int]]:
        return [(room, began, reached) for at, room, began, reached in self.members.everywhere() if at == slot]


@pytest.fixture
def ann() -> Ann:
    arrived = Ann()
    assert arrived.arrives() == Hello(token="token 0")
    assert arrived.members.states[ANN] == OPENING
    arrived.hears(welcome(3, 7))
    assert arrived.members.states[ANN] == READY
    assert arrived.asked == [("is open", ANN)]
    return arrived


def test_it_is_owed_what_follows_its_first_welcome(ann: Ann) -> None:
    ann.hears(message(4), Joined(room="r_0", seq=5, user=BOB, at=AT))
    ann.hears(message(8, room=1))
    assert ann.places() == [("r_0", 3, 5), ("r_1", 7, 8)]
    assert ann.members.delivered == 3
    assert ann.ledger.contradictions == 0


def test_what_many_are_given_is_looked_at_once(ann: Ann) -> None:
    ann.arrives(slot=1)
    ann.hears(welcome(3, 7), slot=1)
    for slot in (0, 1):
        ann.hears(message(4), message(5), slot=slot)
    assert [(entry.seq, entry.readers) for entry in ann.witness.seen] == [(4, 2), (5, 2)]


def test_the_age_of_what_carries_a_mark_is_recorded_for_each_reader(ann: Ann) -> None:
    ann.arrives(slot=1)
    ann.hears(welcome(3, 7), slot=1)
    marked = message(4, text=now_mark("0" * 16, 5, 6, "small"))
    for slot in (0, 1):
        ann.hears(marked, slot=slot)
    ann.hears(message(5), message(6, text=mark("0" * 16, 5, 7, "from the future", sent=2**62, wall=2**62)))
    assert ann.witness.histogram.total == 2
    first = ann.witness.seen[0]
    assert first.mark is not None
    assert (first.mark.author, first.mark.label) == (5, "small")


@pytest.mark.parametrize("step", [1, 3, 50])
def test_frames_are_put_together_however_they_are_cut(ann: Ann, step: int) -> None:
    stream = frames(message(4), message(5), message(6))
    for at in range(0, len(stream), step):
        assert ann.members.receive(ANN, stream[at : at + step]) == b""
    assert ann.places()[0] == ("r_0", 3, 6)
    assert not ann.members.states[ANN] & PARTIAL


def test_it_comes_back_to_where_it_was(ann: Ann) -> None:
    ann.hears(message(4))
    ann.members.lost(ANN)
    assert ann.members.states[ANN] == 0
    assert ann.arrives() == Hello(token="token 0", resume={"r_0": Cursor("l_0", 4), "r_1": Cursor("l_1", 7)})
    ann.hears(welcome(6, 7), Resumed(room="r_1", recovered=True, from_=8, to=7, last_seq=7), message(5))
    assert ann.members.states[ANN] == OPENING, "it waits for the end of the recovery"
    ann.hears(message(6), Resumed(room="r_0", recovered=True, from_=5, to=6, last_seq=6))
    assert ann.members.states[ANN] == READY
    assert ann.places() == [("r_0", 3, 6), ("r_1", 7, 7)], "it is the same reader"
    assert (ann.ledger.contradictions, ann.ledger.gaps) == (0, 0)


def test_who_has_many_rooms_to_resume_shows_the_token_beforehand() -> None:
    ann = Ann(rooms=40)
    ann.arrives()
    ann.hears(welcome(*range(40)))
    ann.members.lost(ANN)
    hello = ann.arrives()
    assert hello.token is None
    assert len(hello.resume or {}) == 40
    assert b"\r\nAuthorization: Bearer token 0\r\n" in ann.request


def test_a_room_that_nobody_expected_is_resumed_like_the_others() -> None:
    ann = Ann(rooms=1)
    ann.arrives()
    ann.hears(welcome(3, 7))
    ann.members.lost(ANN)
    assert ann.arrives().resume == {"r_0": Cursor("l_0", 3), "r_1": Cursor("l_1", 7)}


def test_a_gap_it_is_told_of_is_none_that_it_was_not_told_of(ann: Ann) -> None:
    ann.members.lost(ANN)
    ann.arrives()
    ann.hears(welcome(5_000, 7), Resumed(room="r_0", recovered=False, last_seq=5_000, reason="too_much"))
    ann.hears(Resumed(room="r_1", recovered=True, to=7, last_seq=7), message(5_001))
    assert ann.places()[0] == ("r_0", 3, 5_001)
    assert (ann.ledger.contradictions, ann.ledger.gaps) == (0, 1)


@pytest.mark.parametrize(("seq", "reached"), [(3, 3), (1, 3), (5, 5)])
def test_an_entry_out_of_turn_is_a_contradiction(ann: Ann, seq: int, reached: int) -> None:
    ann.hears(message(seq))
    assert ann.ledger.contradictions == 1
    assert ann.places()[0] == ("r_0", 3, reached)


def test_an_entry_of_a_room_it_is_not_in_is_a_contradiction(ann: Ann) -> None:
    ann.hears(message(1, room=9))
    assert ann.ledger.contradictions == 1


def test_a_post_says_who_and_when_and_carries_the_same_as_its_nonce(ann: Ann) -> None:
    post = ann.posts("and so on")
    marked = read_mark(post.text)
    assert marked is not None
    assert (marked.author, marked.nonce, marked.label) == (ANN, post.nonce, "label")
    assert post.text.endswith("and so on")
    assert ann.members.states[ANN] == READY | SPEAKING
    ann.hears(Ok(id=post.id, room="r_0", seq=4, duplicate=False))
    assert ann.members.states[ANN] == READY
    assert ann.witness.calls[-1] == "acknowledged in r_0"
    assert ann.ledger.heads == {"r_0": 4}


def test_what_was_not_answered_is_said_again_after_the_recovery_under_its_nonce(ann: Ann) -> None:
    first = ann.posts("mine")
    ann.members.lost(ANN)
    ann.arrives()
    assert ann.hears(welcome(4, 7)) == []
    resumed = Resumed(room="r_1", recovered=True, to=7, last_seq=7)
    assert ann.hears(resumed, Resumed(room="r_0", recovered=True, to=3, last_seq=4)) == [first]
    ann.hears(Ok(id=first.id, room="r_0", seq=4, duplicate=True))
    assert (ann.ledger.posted, ann.ledger.acknowledged, ann.members.speeches.unanswered(ANN)) == (2, 1, 0)


def test_what_is_said_while_it_is_away_goes_out_once_it_is_ready() -> None:
    ann = Ann()
    assert ann.members.speeches.post(ANN, 0, "later", "") == b""
    ann.arrives()
    (said,) = ann.hears(welcome(3, 7))
    assert isinstance(said, Post)
    assert said.text.endswith("later")


def test_what_is_refused_for_now_is_said_again_in_its_order_and_what_is_refused_for_good_is_not(ann: Ann) -> None:
    posts = [ann.posts(text) for text in ("one", "two", "three")]
    for post, code in zip(posts, (ErrorCode.UNAVAILABLE, ErrorCode.FORBIDDEN, ErrorCode.RATE_LIMITED), strict=True):
        ann.hears(Error(id=post.id, code=code, message="no", retry_after=200))
    assert ann.asked[1:] == [("retry", 0.2)], "once for all"
    assert list(commands(ann.members.speeches.retry(ANN))) == [posts[0], posts[2]]
    assert (ann.ledger.refused, ann.members.speeches.unanswered(ANN)) == (3, 2)


def test_who_waits_for_too_long_is_overdue_and_a_post_is_given_up_in_the_end(ann: Ann) -> None:
    post = ann.posts("mine")
    now = time.monotonic()
    assert ann.members.overdue(now + 5.0, patience=10.0, give_up=60.0) == []
    ((slot, waited),) = ann.members.overdue(now + 11.0, patience=10.0, give_up=60.0)
    assert (slot, waited >= 11.0) == (ANN, True)
    ann.members.lost(ANN)
    assert ann.members.overdue(now + 61.0, patience=10.0, give_up=60.0) == []
    assert ann.witness.calls[-1] == "abandoned in r_0"
    assert ann.members.speeches.unanswered(ANN) == 0
    assert post.room == "r_0"


def test_any_other_command_is_answered_to_whoever_asked(ann: Ann) -> None:
    answers: list[object] = []
    (asked,) = commands(ann.members.speeches.ask(ANN, History(room="r_0"), answers.append))
    assert asked.id is not None
    answer = Ok(id=asked.id, messages=[])
    ann.hears(answer)
    assert answers == [answer]
    ann.members.speeches.ask(ANN, History(room="r_0"), answers.append)
    ann.members.lost(ANN)
    ann.members.speeches.ask(ANN, History(room="r_0"), answers.append)
    assert answers == [answer, None, None], "cut off, and not there"


def test_pings_are_answered_and_a_close_is_returned(ann: Ann) -> None:
    protocol = FrameProtocol(client=False, extensions=[])
    (pong,) = served(ann.members.receive(ANN, bytes(protocol.ping(b"there?"))))
    assert pong == Pong(payload=b"there?")
    (close,) = served(ann.members.receive(ANN, bytes(protocol.close(4002, "slow_consumer: too slow"))))
    assert isinstance(close, CloseConnection)
    assert ann.members.codes[ANN] == 4002


def test_what_passes_by_is_neither_an_entry_nor_an_answer(ann: Ann) -> None:
    ann.hears(TypingEvent(room="r_0", user="u_bob"), message(4), Reconnect(after=0, window=5_000))
    assert ann.members.delivered == 1
    assert ann.asked[-1] == ("leave", 5_000)
